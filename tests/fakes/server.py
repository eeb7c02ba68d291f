"""A real HTTP/1.1 server on loopback whose answers can be broken at any byte."""

import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

MAX_BODY_BYTES = 64 * 1024 * 1024


class ClientGone(Exception):
    """The client closed the connection before the answer was complete."""


class Aborted(Exception):
    """The answer was cut on purpose; the connection is closed."""


@dataclass(slots=True)
class Recorded:
    """One request as it arrived. `at` and `left_at` are on the clock of `time.monotonic`."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    at: float
    left_at: float | None = None
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        """The decoded body; None when there is none."""
        return json.loads(self.body) if self.body else None

    @property
    def raw(self) -> bytes:
        """The body as bytes."""
        return self.body

    @property
    def disconnected(self) -> bool:
        """Whether the client left before the answer was complete."""
        return self.left_at is not None

    def wait_disconnected(self, timeout_s: float) -> bool:
        """Wait until the exchange is over; whether it ended because the client left."""
        self.over.wait(timeout_s)
        return self.disconnected


class Exchange:
    """One request and the means to answer it."""

    def __init__(
        self, connection: socket.socket, request: Recorded, closing: threading.Event, *, keep_open: bool = True
    ) -> None:
        self.connection = connection
        self.request = request
        self.keep_open = keep_open and request.headers.get("connection", "").lower() != "close"
        self._closing = closing
        self._chunked = False

    def send(
        self, status: int, body: bytes, content_type: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a whole answer."""
        fields = {"content-type": content_type, "content-length": str(len(body)), **(headers or {})}
        if not self.keep_open:
            fields["connection"] = "close"
        if self.request.method == "HEAD":
            body = b""
        self.write(_head(status, fields) + body)

    def send_json(self, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send a JSON value."""
        self.send(status, encode(value), headers=headers)

    def open_body(self, status: int, content_type: str, *, chunked: bool, headers: Mapping[str, str]) -> None:
        """Send the head of an answer of unknown length."""
        fields = {"content-type": content_type, **headers}
        if chunked:
            fields["transfer-encoding"] = "chunked"
        else:
            self.keep_open = False
        if not self.keep_open:
            fields["connection"] = "close"
        self._chunked = chunked
        self.write(_head(status, fields))

    def write_body(self, data: bytes) -> None:
        """Send a part of the body opened before."""
        if data:
            self.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end_body(self) -> None:
        """End the body properly."""
        if self._chunked:
            self.write(b"0\r\n\r\n")

    def write(self, data: bytes) -> None:
        """Send raw bytes."""
        try:
            self.connection.sendall(data)
        except OSError as exc:
            raise ClientGone from exc

    def pause(self, seconds: float) -> None:
        """Wait, but notice at once when the client leaves."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._closing.is_set():
                raise Aborted
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.05))
            if readable and self._client_left():
                raise ClientGone

    def hang(self) -> None:
        """Say nothing until the client leaves or the server closes."""
        self.pause(3600)

    def abort(self, *, reset: bool = False) -> None:
        """Close the connection now, with a TCP reset if asked for."""
        self.keep_open = False
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Aborted

    def _client_left(self) -> bool:
        try:
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True


class Server:
    """Accepts connections and hands every request to `handle`.

    With `keeps_connections` False it closes each after one answer, for clients that nobody closes at the end of a test.
    """

    keeps_connections = True

    def __init__(self, *, port: int = 0) -> None:
        self.requests: list[Recorded] = []
        self.problems: list[BaseException] = []
        self.closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True, name=f"fake:{self.port}")
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Address without a path."""
        return f"http://127.0.0.1:{self.port}"

    def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop; connections still open are closed. Raises what went wrong inside the server."""
        if self.closing.is_set():
            return
        self.closing.set()
        with socket.create_connection(("127.0.0.1", self.port)):  # wakes accept()
            self._acceptor.join(5)
        self._listener.close()
        with self._lock:
            threads = list(self._threads)
            for connection in self._connections:
                _shut(connection)
        for thread in threads:
            thread.join(5)
        if self.problems:
            raise self.problems[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self.closing.is_set():
            connection, _ = self._listener.accept()
            if self.closing.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._connections.add(connection)
                self._threads.add(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as reader:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while (request := read_request(reader.readline, reader.read)) is not None:
                    self.requests.append(request)
                    if not self._answer(Exchange(connection, request, self.closing, keep_open=self.keeps_connections)):
                        break
        except OSError:
            pass  # the client went away between two requests
        finally:
            with self._lock:
                self._connections.discard(connection)
                self._threads.discard(threading.current_thread())

    def _answer(self, exchange: Exchange) -> bool:
        try:
            self.handle(exchange)
        except ClientGone:
            exchange.request.left_at = time.monotonic()
            return False
        except Aborted:
            return False
        except Exception as exc:  # noqa: BLE001 - boundary: a mistake in a fake must fail the test, not the thread
            self.problems.append(exc)
            return False
        finally:
            exchange.request.over.set()
        return exchange.keep_open


def read_request(readline: Callable[[], bytes], read: Callable[[int], bytes]) -> Recorded | None:
    """The next request of a connection; None when the client is done."""
    first = readline()
    if not first.strip():
        return None
    method, target, _ = first.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b"".join(_read_chunks(readline, read))
    else:
        body = read(min(int(headers.get("content-length", 0)), MAX_BODY_BYTES))
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Recorded(method, parts.path, query, headers, body, time.monotonic())


def encode(value: Any) -> bytes:
    """JSON as UTF-8; lone surrogates, which UTF-8 cannot carry, are escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _read_chunks(readline: Callable[[], bytes], read: Callable[[int], bytes]) -> Iterable[bytes]:
    while size := int(readline().split(b";")[0], 16):
        yield read(size)
        readline()
    readline()


def _head(status: int, fields: Mapping[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # already closed by the other side
