"""What a running command prints, passed on in portions that a front end can keep up with."""

import asyncio
import codecs
import threading
from collections.abc import Callable

EVERY_S = 0.1
MAX_CHARS = 8_000
"""The most that is passed on at once: of a flood only the latest, after a line that counts what was left out."""
_KEPT_CHARS = MAX_CHARS // 2
_NOTE_CHARS = 60


class Progress:
    """Takes bytes in any thread and tells of them, as text, in the event loop it was made in.

    Bytes that are no UTF-8 become the replacement character; control characters stay, for the front end to judge.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lock = threading.Lock()
        self._text = ""
        self._left_out = 0
        self._at_begin = True
        self._is_due = False

    def feed(self, data: bytes) -> None:
        """More of it; not from two threads at once."""
        text = self._decoder.decode(data)
        with self._lock:
            self._text += text
            if len(self._text) > MAX_CHARS - _NOTE_CHARS:  # cut now and then, at the end of a line
                kept = self._text[-_KEPT_CHARS:].partition("\n")[2] or self._text[-_KEPT_CHARS:]
                self._left_out += self._text.count("\n") - kept.count("\n")
                self._text = kept
            is_due, self._is_due = self._is_due, True
        if not is_due:
            self._loop.call_soon_threadsafe(self._loop.call_later, EVERY_S, self.flush)

    def flush(self) -> None:
        """Tell what came since the last time, if anything."""
        with self._lock:
            text, left_out = self._text, self._left_out
            self._text, self._left_out, self._is_due = "", 0, False
        if left_out:
            start = "" if self._at_begin else "\n"
            text = f"{start}[… {left_out:,} lines not shown …]\n{text}"
        if text:
            self._at_begin = text.endswith("\n")
            self._tell(text)
