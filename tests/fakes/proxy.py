"""A proxy that stands in for the internet: real HTTPS to any host name ends at a fake.

A plug-in with a hard-coded `https://api.together.xyz/v1` runs unchanged: its client says `CONNECT api.together.xyz:443`
to this proxy, which answers with a certificate for that name from its own authority and passes the bytes on to the
fake. `environment()` gives the variables that make clients use it:

- `HTTPS_PROXY` (and `HTTP_PROXY`): read by httpx, httpx2, requests and aiohttp with `trust_env`.
- `SSL_CERT_FILE`: the authority, read by httpx2 before it would ask the system's store (so also by openai 3.x, which is
  built on httpx2), by httpx 0.28 and by `ssl.create_default_context`. `REQUESTS_CA_BUNDLE` is the same for requests.

Set them before the client is made; a client made earlier keeps its own.
"""

import select
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import trustme

from tests.fakes.base import Fake

BLOCK = 65_536


class TlsProxy:
    """Ends TLS for every host name and forwards to `default`, or to the fake given for that host in `hosts`."""

    def __init__(self, default: Fake, hosts: Mapping[str, Fake] | None = None) -> None:
        self.visited: list[str] = []
        self._default = default
        self._hosts = dict(hosts or {})
        self._authority = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Address of the proxy."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables for a client; the authority's certificate is written into `folder`."""
        bundle = folder / "test-authority.pem"
        self._authority.cert_pem.write_to_path(str(bundle))
        proxies = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), self.url)
        return {**proxies, "SSL_CERT_FILE": str(bundle), "REQUESTS_CA_BUNDLE": str(bundle)}

    def close(self) -> None:
        """Stop and drop open connections."""
        if self._closing.is_set():
            return
        self._closing.set()
        with socket.create_connection(("127.0.0.1", self.port)):  # wakes accept()
            self._acceptor.join(5)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            client, _ = self._listener.accept()
            if self._closing.is_set():
                client.close()
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                head = _read_head(client)
                method, target = head.split(b" ", 2)[:2] if head else (b"", b"")
                if method == b"CONNECT":
                    self._tunnel(client, target.decode())
                elif method:
                    self._forward(client, head)
        except OSError:
            return  # one of the two sides is gone

    def _tunnel(self, client: socket.socket, target: str) -> None:
        host = target.rsplit(":", 1)[0]
        self.visited.append(target)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with (
            self._context(host).wrap_socket(client, server_side=True) as secure,
            socket.create_connection(("127.0.0.1", self._fake(host).port)) as server,
        ):
            self._relay(secure, server)

    def _forward(self, client: socket.socket, head: bytes) -> None:
        """Plain HTTP: the fake understands a request line with a whole URL."""
        host = head.split(b" ", 2)[1].split(b"/")[2].decode()
        self.visited.append(host)
        with socket.create_connection(("127.0.0.1", self._fake(host.rsplit(":", 1)[0]).port)) as server:
            server.sendall(head)
            self._relay(client, server)

    def _fake(self, host: str) -> Fake:
        return self._hosts.get(host, self._default)

    def _context(self, host: str) -> ssl.SSLContext:
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        while not self._closing.is_set():
            pending = isinstance(client, ssl.SSLSocket) and client.pending() > 0
            readable, _, _ = select.select([client, server], [], [], 0 if pending else 0.05)
            if pending or client in readable:
                data = client.recv(BLOCK)
                if not data:
                    return
                server.sendall(data)
            if server in readable:
                data = server.recv(BLOCK)
                if not data:
                    if isinstance(client, ssl.SSLSocket):
                        client.unwrap()  # a proper end of TLS, so that a body that ends by closing is complete
                    return
                client.sendall(data)


def _read_head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(BLOCK)
        if not data:
            return b""
        head += data
    return head
