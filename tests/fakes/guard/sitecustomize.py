"""No test reaches beyond loopback: neither the test process nor the Python processes it starts.

A folder with this file on `PYTHONPATH` guards a child from its first instruction on; importing it guards this process.
The names of other machines are not even looked up. It cannot be undone.
"""

import ipaddress
import sys

NAMES = ("localhost", "", None)


class ReachedOutside(RuntimeError):
    """A test tried to reach another machine; not an OSError, so that nothing takes it for a network fault."""


def check(event: str, args: tuple[object, ...]) -> None:
    """The audit hook."""
    if event in {"socket.connect", "socket.sendto"}:
        address = args[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise ReachedOutside(f"a test tried to reach {address[0]}:{address[1]}")
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"} and not _is_here(args[0]):
        raise ReachedOutside(f"a test tried to look up {args[0]}")


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in NAMES:
        return True
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


sys.addaudithook(check)
