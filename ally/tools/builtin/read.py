"""The tool that reads one file."""

import codecs
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from ally.errors import ToolError
from ally.messages import Image, JsonObject, ToolSpec
from ally.permissions.action import Action
from ally.storage.encoding import UTF8, detect, visible
from ally.tools import pictures, window
from ally.tools.base import Run, ToolOutput
from ally.tools.builtin import describe
from ally.tools.opening import Spot, granted, hold, read_some
from ally.tools.paths import act_on, failed, locate, missing
from ally.tools.threads import run_to_end

if TYPE_CHECKING:
    from ally.tools.catalogue import Bench

MAX_WHOLE_BYTES = 8_000_000
"""Files up to here are read whole: their encoding is certain and their lines are counted."""
MAX_ENDLESS_BYTES = 1_000_000
"""The most of a file that claims to be empty, as those under /proc do."""

_HEAD_BYTES = 64_000
_CHUNK_BYTES = 1_000_000
_SPEC = describe(
    "read",
    {
        "path": {"type": "string"},
        "offset": {"type": "integer", "minimum": 1, "description": "first line"},
        "limit": {"type": "integer", "minimum": 1},
    },
    ("path",),
)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What of which file; `name` is the path as the model wrote it."""

    name: str
    offset: int
    limit: int


class ReadTool:
    """Reads text of any encoding by windows, and pictures for models that see."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return _SPEC

    def action(self, args: JsonObject) -> Action:
        """It reads the path."""
        return act_on("read", "read", self._bench.workspace, args["path"])

    def preview(self, args: JsonObject) -> str:
        """Nothing: the path says it."""
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Read the window or the picture; remember the content, so that it may be overwritten."""
        wish = _Wish(args["path"], int(args.get("offset", 1)), min(int(args.get("limit", window.MAX_LINES)), 10_000))
        path = granted("read", locate("read", self._bench.workspace, wish.name), run.grant)

        def work(stop: Event) -> ToolOutput:
            try:
                with hold("read", path) as spot:
                    return self._read(spot, wish, stop)
            except FileNotFoundError as exc:
                raise missing("read", wish.name, path) from exc
            except BlockingIOError as exc:
                raise ToolError("read", f"{wish.name} has nothing to read now and never ends.") from exc
            except OSError as exc:
                raise failed("read", wish.name, exc) from exc

        return await run_to_end(work)

    def _read(self, spot: Spot, wish: _Wish, stop: Event) -> ToolOutput:
        found = spot.look()
        if found is not None and stat.S_ISDIR(found.st_mode):
            raise ToolError("read", f"{wish.name} is a folder.", hint="The tool list shows what is in it.")
        with spot.open() as handle:
            size = os.fstat(handle).st_size
            head = read_some(handle, _HEAD_BYTES)
            if kind := pictures.media_type(head):
                return self._picture(wish, kind, head + read_some(handle, pictures.MAX_BYTES + 1 - len(head)))
            if size > MAX_WHOLE_BYTES:
                lines = _read_window(handle, head, wish, stop)
                return _show(wish, lines, f"of a file of {_size(size)}", "")
            most = MAX_WHOLE_BYTES if size else MAX_ENDLESS_BYTES
            data = head + read_some(handle, most + 1 - len(head))
        if len(data) > most:
            raise ToolError("read", f"{wish.name} grew while it was read, or never ends.")
        return self._whole(spot, wish, data)

    def _whole(self, spot: Spot, wish: _Wish, data: bytes) -> ToolOutput:
        encoding = detect(data)
        if encoding is None:
            raise _binary(wish, len(data))
        content = encoding.decode(data)
        self._bench.workspace.seen[spot.path] = hashlib.sha256(data).digest()
        if not content:
            return ToolOutput("[the file is empty]", f"read {wish.name}, which is empty")
        found = window.take([content], _one_end(content), wish.offset, wish.limit, count=True)
        note = "" if encoding == UTF8 else f"[the file is in {encoding.name}; it stays so when edited]"
        return _show(wish, found, f"of {found.total}", note)

    def _picture(self, wish: _Wish, kind: str, data: bytes) -> ToolOutput:
        if not self._bench.images():
            raise ToolError("read", f"{wish.name} is a picture ({kind}), and this model cannot see pictures.")
        if len(data) > pictures.MAX_BYTES:
            hint = "Make it smaller first, with a program in the shell."
            raise ToolError("read", f"{wish.name} is larger than {_size(pictures.MAX_BYTES)}.", hint=hint)
        facts = pictures.measure(data)
        if facts is None or not min(facts.width, facts.height):
            raise ToolError("read", f"{wish.name} begins like a picture ({kind}) but is cut or damaged.")
        size = f"{facts.width} x {facts.height} pixels"
        if max(facts.width, facts.height) > pictures.MAX_PIXELS:
            raise ToolError("read", f"{wish.name} has {size}, more than {pictures.MAX_PIXELS} a side.")
        about = f"{wish.name}, {kind}, {size}"
        return ToolOutput(f"[{about}]", f"looked at {about}", (Image(data, kind),))


def _read_window(handle: int, head: bytes, wish: _Wish, stop: Event) -> window.Window:
    encoding = detect(head, is_whole=False)
    if encoding is None:
        raise _binary(wish, os.fstat(handle).st_size)
    decoder = codecs.getincrementaldecoder(encoding.codec)("replace")

    def chunks() -> Iterator[str]:
        yield decoder.decode(head.removeprefix(encoding.bom))
        while piece := read_some(handle, _CHUNK_BYTES):
            if stop.is_set():
                return
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)

    return window.take(chunks(), _one_end(encoding.decode(head[:_HEAD_BYTES])), wish.offset, wish.limit, count=False)


def _one_end(content: str) -> str:
    """The character that ends lines: a lone CR does so only where there is no LF."""
    return "\r" if "\n" not in content and "\r" in content else "\n"


def _show(wish: _Wish, found: window.Window, whole: str, note: str) -> ToolOutput:
    if not found.lines:
        raise ToolError("read", f"{wish.name} has only {found.total} lines.")
    parts = [visible(found.text)]
    if found.is_more:
        parts.append(f"[lines {found.first}-{found.last} {whole}; go on with offset {found.last + 1}]")
    if note:
        parts.append(note)
    said = f"read {wish.name}" + (f", lines {found.first}-{found.last}" if found.is_more or found.first > 1 else "")
    return ToolOutput("\n".join(parts), f"{said} {whole}" if found.is_more else said)


def _binary(wish: _Wish, size: int) -> ToolError:
    hint = "A program in the shell may show what it holds."
    return ToolError("read", f"{wish.name} is no text but binary data ({_size(size)}).", hint=hint)


def _size(size_bytes: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} bytes"
