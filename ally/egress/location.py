"""Where an address is: on this machine, in the local network, or beyond."""

import ipaddress
import socket
from typing import Literal
from urllib.parse import urlsplit

Location = Literal["local", "lan", "cloud"]

_LAN_SUFFIXES = (".local", ".lan", ".internal", ".home.arpa")
_SHARED_RANGE = ipaddress.ip_network("100.64.0.0/10")


def classify(url: str) -> Location:
    """Where the host of `url` is, without asking DNS.

    Loopback and localhost are local; private and link-local ranges, names of a local network and names without a dot
    are lan; all else, also what has no host, is cloud.
    """
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return "cloud"
    return classify_host(host) if host else "cloud"


def classify_host(host: str) -> Location:
    """Where `host` is; a name, an IPv4 address in any notation that connects, or an IPv6 address."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "local"
    address = _parse_address(name)
    if address is not None:
        return _classify_address(address)
    if name and ("." not in name or name.endswith(_LAN_SUFFIXES)):
        return "lan"
    return "cloud"


def is_loopback(host: str) -> bool:
    """Whether `host` is an address that never leaves this machine; of names only localhost itself."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost":
        return True
    address = _parse_address(name)
    return address is not None and _classify_address(address) == "local"


def is_address(host: str) -> bool:
    """Whether `host` is an IP address, so that nothing needs to be asked of DNS."""
    return _parse_address(host.strip("[]")) is not None


def _parse_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if any(char.isspace() for char in name):
        return None  # inet_aton stops reading there, but a name look-up does not
    try:
        if ":" in name:
            number, zone, _ = name.partition("%")
            address = ipaddress.IPv6Address(number)
            if zone and not address.is_link_local:
                return None
            return address.ipv4_mapped or address
        # Also 127.1, 0x7f000001 and 2130706433, which the system resolves as addresses.
        return ipaddress.IPv4Address(socket.inet_aton(name)) if name else None
    except (OSError, ValueError):
        return None


def _classify_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Location:
    if address.is_loopback or address.is_unspecified:
        return "local"
    if address.version == 4 and address in _SHARED_RANGE:
        return "lan"
    return "lan" if address.is_private or address.is_link_local else "cloud"
