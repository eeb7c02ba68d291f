"""How fast it goes and how long it will take."""

import time
from dataclasses import dataclass, field

from ally.rag.progress import Phase, Progress, Unit, Watcher

_EVERY_S = 0.1
_SETTLED_S = 1.0
"""Before that much time has passed an estimate would jump about."""


@dataclass(slots=True)
class Pace:
    """Tells `watcher` of one phase, at most ten times a second."""

    watcher: Watcher
    phase: Phase
    unit: Unit
    total: int = 0
    done: int = 0
    skipped: int = 0
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    def step(self, count: int = 1, path: str = "") -> None:
        """`count` more are done, the last of them `path`."""
        self.done += count
        if time.monotonic() - self._told >= _EVERY_S:
            self.tell(path)

    def tell(self, path: str = "") -> None:
        """Say how far it is, whenever that was said last."""
        now = self._told = time.monotonic()
        elapsed = now - self._began
        per_s = self.done / elapsed if elapsed > 0 else 0.0
        is_settled = elapsed >= _SETTLED_S and self.done > 0 and self.total > 0
        eta_s = (self.total - self.done) / per_s if is_settled else None
        self.watcher.on_progress(
            Progress(self.phase, self.done, self.total, self.unit, per_s, eta_s, path, self.skipped)
        )
