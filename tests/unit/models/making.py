"""Small GGUF files and a Hugging Face hub on loopback."""

import hashlib
import re
import struct
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ally.models.catalogue import CatalogueEntry, HubSource, PackageSource

Value = int | str | list[str] | list[int]


def gguf(
    pairs: dict[str, Value] | None = None, payload: bytes = b"\x07" * 4096, *, version: int = 3, tensor_at: int = 0
) -> bytes:
    """A GGUF file with these metadata and one tensor that starts `tensor_at` bytes into `payload`."""
    pairs = {"general.architecture": "llama", "llama.context_length": 4096} if pairs is None else pairs
    body = b"GGUF" + struct.pack("<IQQ", version, 1, len(pairs))
    for key, value in pairs.items():
        body += _text(key) + _value(value)
    body += _text("blk.0.weight") + struct.pack("<IQIQ", 1, len(payload) // 4, 0, tensor_at)
    return body + b"\0" * (-len(body) % 32) + payload


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    texts = [_text(item) if isinstance(item, str) else struct.pack("<I", item) for item in value]
    kind = 8 if value and isinstance(value[0], str) else 4
    return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(texts)


def sha256(data: bytes) -> str:
    """The hash of `data` as the hub writes it."""
    return hashlib.sha256(data).hexdigest()


def entry(name: str, source: HubSource | PackageSource, data: bytes, expected: str | None = None) -> CatalogueEntry:
    """A catalogue entry for a file with the content `data`; `expected` is another hash than its own."""
    return CatalogueEntry(
        name=name,
        display_name=name,
        family="test",
        parameters="1M",
        quantisation="F32",
        licence="Apache-2.0",
        size_bytes=len(data),
        sha256=expected or sha256(data),
        context_window=4096,
        tools=False,
        thinking=False,
        max_output_tokens=None,
        evidence="hashed",
        sources=(source,),
    )


@dataclass
class FakeHub:
    """What the fake hub has and does. `damage` spoils bytes on the way; a slow hub can be interrupted."""

    url: str = ""
    store_url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    damage: bool = False
    ranges: bool = True
    pause_s: float = 0.0
    cut_after: int | None = None
    status: int = 200
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)

    def downloads(self) -> list[str | None]:
        """The `Range` header of each download, in order."""
        return [range_ for method, path, range_ in self.requests if method == "GET" and path.startswith("/cdn/")]


@contextmanager
def serving_hub() -> Iterator[FakeHub]:
    """A hub that names files under /OWNER/REPO/resolve/REVISION/FILE and keeps them elsewhere, as the real one."""
    hub = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            _answer(self, hub)

        def do_GET(self) -> None:
            _answer(self, hub)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    hub.store_url = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(request: BaseHTTPRequestHandler, hub: FakeHub) -> None:
    hub.requests.append((request.command, request.path, request.headers.get("Range")))
    if request.path.startswith("/cdn/"):
        _send_file(request, hub, hub.files[request.path.removeprefix("/cdn/")])
        return
    found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", request.path)
    key = f"{found[1]}/{found[2]}" if found else ""
    if hub.status != 200 or key not in hub.files:
        _refuse(request, hub.status if hub.status != 200 else 404)
        return
    data = hub.files[key]
    request.send_response(302)
    request.send_header("Location", f"{hub.store_url}/cdn/{key}")
    request.send_header("X-Repo-Commit", "c" * 40)
    request.send_header("X-Linked-Etag", f'"{sha256(data)}"')
    request.send_header("X-Linked-Size", str(len(data)))
    request.send_header("Content-Length", "0")
    request.end_headers()


def _refuse(request: BaseHTTPRequestHandler, status: int) -> None:
    request.send_response(status)
    codes = {404: "EntryNotFound", 403: "GatedRepo"}
    request.send_header("X-Error-Code", codes.get(status, ""))
    request.send_header("Content-Length", "0")
    request.end_headers()


def _send_file(request: BaseHTTPRequestHandler, hub: FakeHub, data: bytes) -> None:
    start = 0
    asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range") or "")
    if asked and hub.ranges:
        start = int(asked[1])
        request.send_response(206)
        request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
    else:
        request.send_response(200)
    body = data[start:]
    if hub.damage:
        body = body[:-1] + bytes([body[-1] ^ 1])
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    sent = 0
    try:
        for at in range(0, len(body), 65_536):
            if hub.cut_after is not None and start + sent >= hub.cut_after:
                hub.cut_after = None
                request.close_connection = True
                return
            request.wfile.write(body[at : at + 65_536])
            request.wfile.flush()
            sent += 65_536
            time.sleep(hub.pause_s)
    except OSError:  # the client went away
        request.close_connection = True


def make_wheel(folder: Path, name: str, member: str, data: bytes) -> Path:
    """A wheel `NAME-1.0` that holds one file."""
    plain = name.replace("-", "_")
    wheel = folder / f"{plain}-1.0-py3-none-any.whl"
    info = f"{plain}-1.0.dist-info"
    files = {
        member: data,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]).encode()
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, content)
    return wheel
