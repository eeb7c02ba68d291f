"""The files of vectors that are open: kept from one search to the next, renewed when a writer replaced them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ally.rag.stores.embedded import near, sketching
from ally.rag.stores.embedded.near import Near
from ally.rag.stores.embedded.sketch import Sketch, file_of
from ally.rag.stores.embedded.state import State
from ally.rag.stores.embedded.vectors import Mapped, stamp_of

_MOST_LAG = 0.1


@dataclass(frozen=True, slots=True)
class Sizes:
    """From which size on a collection's vectors are not gone through one by one, counted in numbers.

    Over `exact` numbers there is a sketch of them, and over `sketched` an index in its place if usearch is installed.
    """

    exact: int = 8_000 * 384
    sketched: int = 1_000_000 * 384


@dataclass(slots=True)
class Opened:
    """Of the collection in `folder`; threads may share it."""

    folder: Path
    sizes: Sizes
    _mapped: Mapped | None = None
    _near: Near | None = None
    _sketch: Sketch | None = None
    _sketch_stamp: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def mapped(self, now: State) -> Mapped | None:
        """The vectors themselves."""
        rows = now.vectors(self.folder)
        with self._lock:
            if self._mapped is None or not self._mapped.holds(rows):
                self._mapped = Mapped.of(rows)
            return self._mapped

    def finder(self, now: State) -> Near | Sketch | None:
        """What finds the nearest of many vectors; None where they are few, or it has not been made yet."""
        with self._lock:
            index = self._index(now) if self._wants_index(now) else None
            return index or (self._sketched(now) if self._is_large(now) else None)

    def build(self, now: State, is_stopped: Callable[[], bool]) -> str:
        """Make what finds the nearest, where it is missing or lags far behind; the stamp of a new index.

        Raises:
            StorageError: it cannot be written.
        """
        rows = now.vectors(self.folder)
        if self._wants_index(now):
            stamp = now.near_stamp if now.near_stamp == stamp_of(near.file_of(rows)) else ""
            is_behind = _is_behind(rows.count, now.near_rows if stamp else 0)
            return near.build(rows, stamp, is_stopped) if is_behind and now.embedded == now.passages else ""
        if self._is_large(now):
            with self._lock:
                old = self._sketched(now)
            if _is_behind(rows.count, old.count if old else 0):
                sketching.build(rows, old, is_stopped)
        return ""

    def notes(self, now: State) -> tuple[str, ...]:
        """What would help."""
        if now.rows * now.dim <= self.sizes.sketched or near.is_installed():
            return ()
        return (f"{now.rows:,} vectors are many to search; {near.INSTALL} makes that faster.",)

    def let_go(self) -> None:
        """Of all files."""
        with self._lock:
            self._mapped = self._near = self._sketch = None
            self._sketch_stamp = ""

    def _is_large(self, now: State) -> bool:
        return now.rows * now.dim > self.sizes.exact

    def _wants_index(self, now: State) -> bool:
        return now.rows * now.dim > self.sizes.sketched and near.is_installed()

    def _index(self, now: State) -> Near | None:
        rows = now.vectors(self.folder)
        if not now.near_stamp or now.near_stamp != stamp_of(near.file_of(rows)):
            self._near = None
        elif self._near is None or self._near.stamp != now.near_stamp:
            self._near = Near.of(rows, now.near_stamp)
        return self._near

    def _sketched(self, now: State) -> Sketch | None:
        rows = now.vectors(self.folder)
        stamp = f"{rows.generation} {rows.dim} {stamp_of(file_of(rows))}"
        if stamp != self._sketch_stamp:
            self._sketch, self._sketch_stamp = Sketch.of(rows), stamp
        return self._sketch


def _is_behind(rows: int, count: int) -> bool:
    """Whether so much is missing that it should be built on."""
    return rows - count > _MOST_LAG * rows
