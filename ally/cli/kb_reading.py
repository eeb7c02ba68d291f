"""`ally kb add` and `ally kb sync`: reading files into a collection."""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

from ally.app import App
from ally.chat.knowing import how_far, outcome, quoted, short_path
from ally.cli import exits
from ally.cli.terminal import say
from ally.errors import AllyError, UsageError
from ally.rag.library import check_name
from ally.rag.progress import Progress, Report, Watcher
from ally.terminal.text import one_line

T = TypeVar("T")

WATCH_EVERY_S = 2.0
"""How long `--watch` waits at least between two looks; a look that took longer is followed by a longer wait."""
_LINE_EVERY_S = 5.0
_WAIT_FACTOR = 20


def run(args: argparse.Namespace, app: App) -> int:
    """Read what is new and embed it; Ctrl-C keeps what was done."""
    library = app.library
    if args.action == "add":
        check_name(args.name)
        if not args.path:  # of an empty variable; it would be the working folder
            raise UsageError("The path is empty.", hint="ally kb add PATH NAME; . is the folder that you are in")
    embedder = library.embedder
    if embedder.location != "local":
        say(f"The texts are sent to {embedder.provider} ({embedder.location}) for their vectors.")
    with _told_of_interruption(args.name):
        if args.action == "add":
            report = shown(lambda watcher: library.add(Path(args.path), args.name, watcher))
        else:
            report = shown(lambda watcher: library.sync(args.name, watcher, rebuild=args.rebuild))
        _tell(report, app, as_json=args.json)
    if args.watch:
        with contextlib.suppress(KeyboardInterrupt):
            _watch(app, args.name)
        say(f"{args.name} is not watched any more.")
    return exits.OK if report.is_complete else exits.FAILED


def _watch(app: App, name: str) -> None:
    """Keep the collection as the files are, until Ctrl-C."""
    say(f"Watching {name}; Ctrl-C ends it.")
    while True:
        began = time.monotonic()
        try:
            report = app.library.sync(name)
        except AllyError as error:
            say(f"{error.message} {error.hint}")
        else:
            if report.added or report.changed or report.moved or report.removed or not report.is_complete:
                for line in (outcome(report)[0], *report.problems):
                    say(line)
        time.sleep(max(WATCH_EVERY_S, _WAIT_FACTOR * (time.monotonic() - began)))


def _tell(report: Report, app: App, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({name: getattr(report, name) for name in report.__slots__}, indent=2), flush=True)
        return
    facts = next((one for one in app.library.collections() if one.name == report.name), None)
    for line in outcome(report, facts):
        say(line)


def shown(work: Callable[[Watcher], T]) -> T:
    """What `work` gives, whose progress is shown on stderr: a bar on a terminal, else a line now and then."""
    show = _Bar() if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else _Lines()
    try:
        return work(Watcher(on_progress=show.show))
    finally:
        show.end()


class _Lines:
    """Progress as lines, for logs and dumb terminals."""

    def __init__(self) -> None:
        self._next_at = time.monotonic() + _LINE_EVERY_S

    def show(self, progress: Progress) -> None:
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + _LINE_EVERY_S
            say(how_far(progress))

    def end(self) -> None:
        pass


class _Bar:
    """Progress as one line that is redrawn."""

    def __init__(self) -> None:
        from rich.console import Console  # heavy
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._console = Console(stderr=True)
        columns = (BarColumn(), TextColumn("{task.description}", markup=False))
        self._rich = RichProgress(*columns, console=self._console, transient=True)
        self._task = self._rich.add_task("", total=None)

    def show(self, progress: Progress) -> None:
        self._rich.start()
        self._console.show_cursor(True)  # whoever ends the program in the middle leaves a usable terminal
        told = how_far(progress)
        if progress.path:
            told += f": {short_path(progress.path)}"
        space = max(10, self._console.width - 42)
        self._rich.update(
            self._task,
            total=progress.total or None,
            completed=progress.done,
            description=one_line(told)[:space],
        )

    def end(self) -> None:
        self._rich.stop()


@contextlib.contextmanager
def _told_of_interruption(name: str) -> Generator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say(f"Interrupted. What was read is in; ally kb sync {quoted(name)} goes on from here.")
        raise
