"""Offline mode: no socket of this process reaches beyond this machine."""

import errno
import os
import socket
import sys
from collections.abc import Callable, Iterator

from ally.egress.location import is_address, is_loopback

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "ws_proxy", "wss_proxy")
_OFFLINE_SWITCHES = {
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_OFFLINE": "1",
    "NO_PROXY": "*",
    "TRANSFORMERS_OFFLINE": "1",
    "no_proxy": "*",
}
_HARMLESS_FAMILIES = frozenset(
    int(getattr(socket, name)) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)
)
_RESOLVING = ("bind", "connect", "connect_ex", "sendto", "sendmsg")
_INET_FAMILIES = frozenset({int(socket.AF_INET), int(socket.AF_INET6)})


class OfflineBlocked(OSError):
    """A library tried to reach `destination` in offline mode.

    It is an `OSError`, so that HTTP clients treat it as a failed connection; find it again with `find_blocked`.
    """

    def __init__(self, destination: str) -> None:
        super().__init__(errno.ENETUNREACH, f"offline mode: refused to contact {destination}")
        self.destination = destination


class _Switch:
    on = False


def enable() -> None:
    """Refuse every connection, datagram and name look-up that could leave this machine, until the process ends.

    It also removes proxy variables from the environment and tells Hugging Face libraries to stay offline. Code that
    opens sockets without Python (gRPC, child processes) is not stopped by this.
    """
    for name in list(os.environ):
        if name.lower() in _PROXY_VARIABLES:
            del os.environ[name]
    os.environ.update(_OFFLINE_SWITCHES)
    if not _Switch.on:
        _Switch.on = True
        sys.addaudithook(_guard)
        for name in _RESOLVING:
            setattr(socket.socket, name, _checked(getattr(socket.socket, name)))


def is_enabled() -> bool:
    """Whether offline mode is on."""
    return _Switch.on


def find_blocked(error: BaseException) -> OfflineBlocked | None:
    """The `OfflineBlocked` that `error` is or was caused by, through any chain of other exceptions."""
    return next((link for link in _chain(error) if isinstance(link, OfflineBlocked)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        # `reason` is where urllib and urllib3 keep what happened.
        inner = [link.__cause__, link.__context__, getattr(link, "reason", None)]
        grouped: tuple[BaseException, ...] = getattr(link, "exceptions", ())
        waiting.extend(one for one in (*inner, *grouped) if isinstance(one, BaseException))


def _checked(method: Callable[..., object]) -> Callable[..., object]:
    """`method` of a socket, refusing names: Python resolves them in C before it raises the audit event."""

    def check_first(sock: socket.socket, *args: object) -> object:
        for arg in args:
            if int(sock.family) in _INET_FAMILIES and isinstance(arg, tuple) and arg:
                _check_name(arg)  # pyright: ignore[reportUnknownArgumentType] - an address: a name or number first
        return method(sock, *args)

    return check_first


def _guard(event: str, args: tuple[object, ...]) -> None:
    check = _CHECKS.get(event)
    if check is not None:
        check(args)


def _check_kind(args: tuple[object, ...]) -> None:
    sock, family = args[0], args[1]
    if family == -1 or family in _HARMLESS_FAMILIES:  # -1: of a socket that is open already
        return
    # Of the bare class below Python's own, `_checked` sees nothing, and other families know no addresses to check.
    if family not in _INET_FAMILIES or not isinstance(sock, socket.socket):
        raise OfflineBlocked(f"anything over a socket of family {family} ({type(sock).__module__})")


def _check_address(args: tuple[object, ...]) -> None:
    sock, address = args[0], args[1]
    family = int(getattr(sock, "family", -1))
    if family in _HARMLESS_FAMILIES or address is None:
        return
    host = address[0] if isinstance(address, tuple) and address else address  # pyright: ignore[reportUnknownVariableType] - whatever was passed
    if family in _INET_FAMILIES and isinstance(host, str) and is_loopback(host or "0.0.0.0"):  # noqa: S104 - no bind
        return
    port = f":{address[1]}" if isinstance(address, tuple) and len(address) > 1 else ""  # pyright: ignore[reportUnknownArgumentType]
    raise OfflineBlocked(f"{host}{port}")


def _check_name(args: tuple[object, ...]) -> None:
    host = args[0]
    name = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
    if name is None or name == "":
        return
    # An address needs no look-up; connecting to it is checked on its own.
    if not isinstance(name, str) or not (is_loopback(name) or is_address(name)):
        raise OfflineBlocked(str(name))


def _check_reverse(args: tuple[object, ...]) -> None:
    host = args[0][0] if isinstance(args[0], tuple) and args[0] else args[0]  # pyright: ignore[reportUnknownVariableType] - whatever was passed
    if not isinstance(host, str) or not is_loopback(host):
        raise OfflineBlocked(str(host))  # pyright: ignore[reportUnknownArgumentType] - whatever was passed


_CHECKS: dict[str, Callable[[tuple[object, ...]], None]] = {
    "socket.__new__": _check_kind,
    "socket.connect": _check_address,
    "socket.sendto": _check_address,
    "socket.sendmsg": _check_address,
    "socket.getaddrinfo": _check_name,
    "socket.gethostbyname": _check_name,
    "socket.gethostbyaddr": _check_reverse,
    "socket.getnameinfo": _check_reverse,
}
