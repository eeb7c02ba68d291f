"""How far a fetch is, shown on stderr: a bar on a terminal, else a line now and then."""

import os
import sys
import time

from ally.cli.terminal import say
from ally.models.progress import OnProgress, Progress, size_text
from ally.terminal.text import one_line

_LINE_EVERY_S = 5.0


class Meter:
    """A listener of fetches. It imports and draws nothing before the first one."""

    def __init__(self) -> None:
        self._show: OnProgress | None = None

    def __call__(self, progress: Progress) -> None:
        """Show `progress`."""
        if self._show is None:
            self._show = _Bar() if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else _Lines()
        self._show(progress)
        if progress.phase in ("done", "stopped"):
            self._show = None


class _Lines:
    """Progress as lines, for logs and dumb terminals."""

    def __init__(self) -> None:
        self._next_at = 0.0
        self._phase = ""

    def __call__(self, progress: Progress) -> None:
        started = progress.phase != self._phase
        if progress.phase == "stopped":
            return
        if started or time.monotonic() >= self._next_at:
            self._phase = progress.phase
            self._next_at = time.monotonic() + _LINE_EVERY_S
            say(_describe(progress, first=started))


class _Bar:
    """Progress as one bar that is redrawn."""

    def __init__(self) -> None:
        from rich.console import Console  # heavy
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self._console = Console(stderr=True)
        self._rich = RichProgress(*columns, console=self._console, transient=True)
        self._task = self._rich.add_task("", total=None)
        self._phase = ""

    def __call__(self, progress: Progress) -> None:
        if progress.phase in ("done", "stopped"):
            self._rich.stop()
            return
        self._rich.start()
        self._console.show_cursor(True)  # whoever ends the program in the middle leaves a usable terminal
        if progress.phase != self._phase:
            self._phase = progress.phase
            self._rich.reset(self._task, description=one_line(_title(progress)))
        self._rich.update(self._task, completed=progress.done_bytes, total=progress.total_bytes)


def _title(progress: Progress) -> str:
    titles = {"wait": "waiting for another ally to fetch", "fetch": "fetching", "check": "checking"}
    return f"{titles.get(progress.phase, 'fetched')} {progress.model}"


def _describe(progress: Progress, *, first: bool) -> str:
    text = _title(progress)
    if progress.phase == "wait":
        return text
    if progress.phase == "fetch" and first:
        text += f" from {progress.source}"
    if progress.total_bytes:
        share = 100 * progress.done_bytes // progress.total_bytes
        text += f": {size_text(progress.done_bytes)} of {size_text(progress.total_bytes)} ({share} %)"
    return text
