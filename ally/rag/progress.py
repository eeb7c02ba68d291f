"""What is told while a collection is read, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Phase = Literal["looking", "reading", "embedding", "writing", "asking"]
"""The last two: writing questions with a model, and asking them, to measure how well they are answered."""

Unit = Literal["files", "passages", "questions"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. `total` is 0 while it is not known; `unit` says what is counted.

    `path` is what is being read, or measured. `eta_s` is None until there is something to judge by.
    """

    phase: Phase
    done: int
    total: int
    unit: Unit
    per_s: float = 0.0
    eta_s: float | None = None
    path: str = ""
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told of progress, at most ten times a second, and who may stop it; both are called from any thread."""

    on_progress: Callable[[Progress], None] = lambda progress: None
    is_stopped: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class Report:
    """What one run did. Files count once; `skipped` has each with its reason, `problems` what was wrong otherwise.

    It is not `is_complete` when it was stopped or the embedder failed: the next run goes on where this one ended.
    """

    name: str
    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    passages: int = 0
    embedded: int = 0
    problems: list[str] = field(default_factory=list[str])
    seconds: float = 0.0
    is_complete: bool = True
