"""One run over a collection: look, read, embed. Whatever ends it, the next run goes on from there."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ally.errors import DimensionMismatch, EmbedderChanged, ProviderError
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.embeddings.base import Embedder
from ally.rag.extract.choosing import Candidate, Skipped, choose
from ally.rag.extract.reading import FileRead, Reader
from ally.rag.indexing.changes import Changes, find_changes, is_below
from ally.rag.indexing.pace import Pace
from ally.rag.indexing.vectors import fill
from ally.rag.progress import Report, Watcher
from ally.rag.stores.base import Collection, FileState


class Stopped(Exception):
    """The watcher wants no more; what was done so far stays."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs beside the collection: `own_folders` are Ally's, which are never read; `others` are collections
    that may have vectors of the same texts."""

    home: Path
    own_folders: tuple[Path, ...]
    limits: ChunkLimits
    others: tuple[Collection, ...] = ()


def run(
    collection: Collection, embedder: Embedder, around: Surroundings, watcher: Watcher, *, rebuild: bool = False
) -> Report:
    """Bring `collection` up to date with the files of its roots.

    Text can be searched as soon as it is read; vectors follow. With `rebuild` everything is read and embedded anew.
    A failing embedder leaves the text in and stands in `Report.problems`.

    Raises:
        EmbedderChanged: its vectors are of another embedder, and `rebuild` was not asked for.
        StorageError: it cannot be written, or another process is changing it.
    """
    began = time.monotonic()
    report = Report(collection.name)
    fingerprint = collection.facts().fingerprint
    if fingerprint and fingerprint != embedder.fingerprint and not rebuild:
        raise EmbedderChanged(collection.name, fingerprint, embedder.fingerprint)
    with collection.writing():
        if fingerprint != embedder.fingerprint:
            collection.set_embedder(embedder.fingerprint)
        try:
            _Reading(collection, around, watcher, report, read_all=rebuild).run()
            report.embedded = fill(collection, embedder, around.others, watcher, report.problems)
            report.is_complete = not watcher.is_stopped()
        except Stopped:
            report.is_complete = False
        except (ProviderError, DimensionMismatch) as error:
            report.problems.append(f"{error.message} {error.hint}".strip())
            report.is_complete = False
        collection.tidy(watcher.is_stopped)
    report.seconds = time.monotonic() - began
    return report


@dataclass(slots=True)
class _Reading:
    """The text of the files."""

    collection: Collection
    around: Surroundings
    watcher: Watcher
    report: Report
    read_all: bool
    before: dict[str, FileState] = field(init=False)

    def run(self) -> None:
        self.before = self.collection.files()
        roots, missing = self._roots()
        kept = {path: state for path, state in self.before.items() if not any(is_below(path, root) for root in missing)}
        changes = find_changes(self._look(roots), kept, read_all=self.read_all)
        self._take_over(changes)
        if changes.to_read:
            self._read(changes)

    def _roots(self) -> tuple[list[Path], list[str]]:
        """The roots that are there, and those that are not: perhaps their disk is not mounted, so nothing is lost."""
        roots = self.collection.facts().roots
        missing = [root for root in roots if not os.path.lexists(root)]
        for root in missing:
            self.report.problems.append(f"{root} is not there; what was read of it is kept.")
        return [Path(root) for root in roots if root not in missing], missing

    def _look(self, roots: list[Path]) -> Iterator[Candidate | Skipped]:
        pace = Pace(self.watcher, "looking", "files")
        for one in choose(roots, self.around.home, self.around.own_folders):
            self._stop_if_asked()
            pace.step(path=one.path)
            yield one

    def _take_over(self, changes: Changes) -> None:
        """What needs no reading."""
        self.report.unchanged = changes.unchanged
        self.report.skipped = [*changes.left_out, *changes.skipped_before]
        for old_path, state in changes.moved:
            self.collection.move(old_path, state)
        self.report.moved = len(changes.moved)
        if changes.gone:
            self.collection.remove(changes.gone)
        for state in changes.newly_left_out:
            self.collection.skip(state)
        for folder in changes.closed:
            self.report.problems.append(f"{folder} cannot be looked into; what was read of it is kept.")
        no_more = [*changes.gone, *(state.path for state in changes.newly_left_out if state.path in self.before)]
        self.report.removed = sum(not self.before[path].problem for path in no_more)

    def _read(self, changes: Changes) -> None:
        pace = Pace(self.watcher, "reading", "files", len(changes.to_read), skipped=len(self.report.skipped))
        pace.tell()
        with Reader(self.around.limits) as reader:
            for one in reader.read(changes.to_read):
                self._keep(one)
                pace.skipped = len(self.report.skipped)
                pace.step(path=one.state.path)
                self._stop_if_asked()
        pace.tell()

    def _keep(self, one: FileRead) -> None:
        path, known = one.state.path, self.before.get(one.state.path)
        if one.state.problem or one.document is None:
            self.collection.skip(one.state)
            self.report.skipped.append((path, one.state.problem))
            return
        if known is not None and not known.problem and known.sha256 == one.state.sha256 and not self.read_all:
            self.collection.touch(one.state)
            self.report.unchanged += 1
            return
        self.collection.put(one.state, one.document, one.passages)
        self.report.passages += len(one.passages)
        if known is None or known.problem:
            self.report.added += 1
        else:
            self.report.changed += 1

    def _stop_if_asked(self) -> None:
        if self.watcher.is_stopped():
            raise Stopped
