"""A door with TLS in front of a PostgreSQL that has none."""

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Self

import trustme


class TlsDoor:
    """Answers the wish for TLS, and passes on what comes then. `authority` signed its certificate for localhost."""

    def __init__(self, server: tuple[str, int], folder: Path) -> None:
        self._server = server
        self.authority = folder / "door.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.authority))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self._context)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for thread in self._threads:
            thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                self._start(self._let_in, client)

    def _let_in(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            assert len(client.recv(8, socket.MSG_WAITALL)) == 8
            client.sendall(b"S")
            with (
                self._context.wrap_socket(client, server_side=True) as inside,
                socket.create_connection(self._server) as to,
            ):
                back = threading.Thread(target=_pass_on, args=(to, inside))
                back.start()
                _pass_on(inside, to)
                back.join(10)

    def _start(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # pyright: ignore[reportArgumentType] - a function
        self._threads.append(thread)
        thread.start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
