"""The screen in a page of `ally serve`: keys come from a pipe, and what is painted goes into another.

The server writes a line of JSON for each thing that happens in the page: `["stdin", text]`, `["resize", {"width": n,
"height": n}]`, `["focus"]` and `["blur"]`. The end of that pipe is the end of the page. What comes back is what a
terminal would be sent.
"""

import json
import os
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual import events
from textual.driver import Driver
from textual.geometry import Size
from textual.message import Message

from ally.tui.driver_output import RESTORE, Aside, TerminalFile
from ally.tui.terminal_keys import TerminalKeys

if TYPE_CHECKING:
    from textual.app import App

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1003h\x1b[?1006h\x1b[?2004h\x1b[?2026$p"
_TICK_S = 0.1
"""So long after an escape character alone it is the key."""
_PAINTED_WITHIN_S = 5.0
_CHUNK_BYTES = 1 << 16
_OURS = ("TEXTUAL_DRIVER", "COLUMNS", "LINES")
"""Variables that are meant for this process, not for what it starts."""


class Host(Protocol):
    """An application that is shown in a page. What others write goes to a file in `logs` meanwhile."""

    @property
    def logs(self) -> Path:
        """A folder of the user's own; it need not be there."""
        ...

    def lost(self) -> None:
        """The page went away."""
        ...


class BrowserDriver(Driver):
    """Takes standard input and output over, so that nothing else reads keys or writes on the screen."""

    def __init__(
        self, app: "App[Any]", *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        said = {name: os.environ.pop(name, "") for name in _OURS}
        super().__init__(app, debug=debug, mouse=mouse, size=size)  # pyright: ignore[reportUnknownMemberType] - as in Textual
        self._host = cast("Host", app)
        self._size = size or (int(said["COLUMNS"] or 80), int(said["LINES"] or 24))
        self._is_over = threading.Event()
        self._arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._parser = TerminalKeys(debug)
        self._keys = threading.Thread(target=self._take, name="keys", daemon=True)
        self._reading = os.dup(0)
        self._screen = TerminalFile(os.dup(1))
        self._aside = Aside(self._host.logs / "screen.log", only_terminals=False)
        self._aside.point_away()
        _point(0, os.open(os.devnull, os.O_RDONLY))

    @property
    def is_web(self) -> bool:
        """It is."""
        return True

    def write(self, data: str) -> None:
        """Paint; if nobody is there any more, nothing happens."""
        self._screen.write_now(data)

    def start_application_mode(self) -> None:
        """Begin to paint and to take keys."""
        self.write(_ENTER)
        self._resize(*self._size or (80, 24))
        threading.Thread(target=self._read, name="page", daemon=True).start()
        self._keys.start()

    def disable_input(self) -> None:
        """Take no more keys."""
        self._is_over.set()

    def stop_application_mode(self) -> None:
        """Leave the screen."""
        self._is_over.set()
        self._keys.join()
        self.write(RESTORE)

    def close(self) -> None:
        """Let go of the page. Standard error is what it was; what is printed now is for no terminal and is dropped."""
        self._aside.put_back()
        _point(1, os.open(os.devnull, os.O_WRONLY))
        os.close(self._screen.fileno())

    def open_url(self, url: str, new_tab: bool = True) -> None:
        """Nothing: what is shown opens no page by itself."""

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._reading, _CHUNK_BYTES)
            except OSError:
                data = b""
            self._arrived.put(data)
            if not data:
                return

    def _take(self) -> None:
        is_there = threading.Event()
        self._loop.call_soon_threadsafe(self._app.call_after_refresh, is_there.set)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
        is_there.wait(_PAINTED_WITHIN_S)  # before that nothing has the focus, and keys would be lost
        line = bytearray()
        while not self._is_over.is_set():
            try:
                data = self._arrived.get(timeout=_TICK_S)
            except queue.Empty:
                self._hand_on(*self._parser.tick())
                continue
            if not data:
                self._loop.call_soon_threadsafe(self._host.lost)
                return
            *complete, rest = data.split(b"\n")
            for part in complete:
                self._happened(*json.loads(line + part))
                line.clear()
            line += rest

    def _happened(self, kind: str, what: Any = None) -> None:  # Any: what belongs to that kind; the server has checked
        match kind:
            case "stdin":
                self._hand_on(*self._parser.feed(what)) if what else None
            case "resize":
                self._resize(what["width"], what["height"])
            case "focus":
                self._hand_on(events.AppFocus())
            case _:
                self._hand_on(events.AppBlur())

    def _resize(self, columns: int, rows: int) -> None:
        self._size = (columns, rows)
        size = Size(columns, rows)
        self._hand_on(events.Resize(size, size))

    def _hand_on(self, *messages: Message) -> None:
        for message in messages:
            self.process_message(message)


def _point(number: int, target: int) -> None:
    os.dup2(target, number)
    os.close(target)
