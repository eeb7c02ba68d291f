"""The socket to the server: opened, encrypted where that is wanted, and counted."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Generator
from typing import TYPE_CHECKING

from ally.rag.stores.postgres.address import Address

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_CONNECT_S = 5
_LOGIN_S = 30
_ASK_FOR_TLS = struct.pack("!ii", 8, 80877103)
"""Source: PostgreSQL documentation, "Message Formats", SSLRequest."""

_KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}
"""A server that vanished without a word is noticed after a minute."""


class _Plain(socket.socket):
    """Counts what passes through the file that is made of it."""

    bytes_sent = 0
    bytes_received = 0

    def send(self, data: "ReadableBuffer", flags: int = 0, /) -> int:
        count = super().send(data, flags)
        self.bytes_sent += count
        return count

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        count = super().recv_into(buffer, nbytes, flags)
        self.bytes_received += count
        return count


class _Encrypted(ssl.SSLSocket):
    """The same over TLS, before it is encrypted."""

    bytes_sent = 0
    bytes_received = 0

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
        count = super().send(data, flags)
        self.bytes_sent += count
        return count

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0) -> int:
        count = super().recv_into(buffer, nbytes, flags)
        self.bytes_received += count
        return count


class Wire:
    """An open socket and what passed through it."""

    def __init__(self, opened: "_Plain | _Encrypted") -> None:
        self.socket = opened

    @property
    def sent(self) -> int:
        """Bytes, without what TLS adds."""
        return self.socket.bytes_sent

    @property
    def received(self) -> int:
        """Bytes, without what TLS adds."""
        return self.socket.bytes_received

    @property
    def encryption(self) -> str:
        """In words."""
        if not isinstance(self.socket, ssl.SSLSocket):
            return "not encrypted"
        is_verified = self.socket.context.verify_mode == ssl.CERT_REQUIRED
        return f"{self.socket.version()}, {'' if is_verified else 'not '}verified"

    def settle(self) -> None:
        """Logged in: from here on an answer may take as long as it needs."""
        self.socket.settimeout(None)

    def close(self) -> None:
        """Hang up at once, whatever is on its way."""
        with contextlib.suppress(OSError):  # the other side was first
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def open_wire(address: Address) -> Wire:
    """Connect; nothing but a wish for TLS was said yet.

    Raises:
        OSError: nobody answers, or not with the TLS that is wanted (ssl.SSLError).
    """
    if address.is_socket:
        plain = _Plain(socket.AF_UNIX, socket.SOCK_STREAM)
        with _closed_on_error(plain):
            plain.settimeout(_LOGIN_S)
            plain.connect(address.socket)
        return Wire(plain)
    opened = socket.create_connection((address.host, address.port), _CONNECT_S)
    plain = _Plain(opened.family, opened.type, opened.proto, opened.detach())
    with _closed_on_error(plain):
        plain.settimeout(_LOGIN_S)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name, value in _KEEP_ALIVE.items():
            if hasattr(socket, name):
                plain.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        return Wire(plain if address.tls == "disable" else _encrypt(plain, address))


def _encrypt(plain: _Plain, address: Address) -> "_Plain | _Encrypted":
    plain.sendall(_ASK_FOR_TLS)
    # One byte and no more: what somebody in between adds before the encryption begins must not be read after it.
    if plain.recv(1) == b"S":
        opened = _context(address).wrap_socket(plain, server_hostname=address.host)
        assert isinstance(opened, _Encrypted)  # noqa: S101 - the class that the context was given
        return opened
    if address.tls == "prefer":
        return plain
    raise ssl.SSLError("the server offers no encryption")


def _context(address: Address) -> ssl.SSLContext:
    is_verified = address.tls.startswith("verify") or bool(address.root_certificate)
    context = ssl.create_default_context(cafile=address.root_certificate or None)
    context.check_hostname = address.tls == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if is_verified else ssl.CERT_NONE
    context.sslsocket_class = _Encrypted
    return context


@contextlib.contextmanager
def _closed_on_error(opened: socket.socket) -> Generator[None, None, None]:
    try:
        yield
    except BaseException:
        opened.close()
        raise
