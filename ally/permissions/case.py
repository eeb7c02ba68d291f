"""One action, looked at: where its paths lead and what its command would do."""

import os
from dataclasses import dataclass
from pathlib import Path

from ally.permissions.action import Action, Grant
from ally.permissions.commands import judge_safely, named, reads, unknown, writes
from ally.permissions.paths import ALWAYS_OPEN, Place, Spot, locate
from ally.permissions.rules import Right
from ally.permissions.shell import Judgement


@dataclass(frozen=True, slots=True)
class Touch:
    """A place that an action reads, writes or deletes. `is_named` says no more than that a command names it."""

    spot: Spot
    right: Right
    is_named: bool = False
    is_git: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """An action with everything that the decision needs. `impossible` says why it can have no effect at all."""

    action: Action
    touches: tuple[Touch, ...]
    judgement: Judgement | None = None
    impossible: str = ""

    @property
    def is_read_only(self) -> bool:
        """Whether it can change nothing, here or elsewhere."""
        if self.judgement is None:
            return self.action.is_read_only
        return self.judgement.is_read_only and not self.action.network and not self.action.writable

    def outside(self, place: Place) -> tuple[Touch, ...]:
        """What it touches beyond the working folder and what may be read without asking."""
        return tuple(touch for touch in self.touches if not touch.is_named and not _is_inside(touch, place))

    def grant(self, place: Place) -> Grant:
        """All that it asks for, and no more."""
        if self.judgement is None:
            paths = dict.fromkeys(touch.spot.resolved for touch in self.touches)
            return Grant(paths=tuple(paths))
        asked = [Path(os.path.realpath(path)) for path in self.action.writable]
        # A sandbox can open only what is there, and never all of the home folder.
        found = (touch.spot.resolved for touch in self.outside(place) if touch.right == "write")
        wanted = [path for path in found if path.exists() and not place.home.is_relative_to(path)]
        return Grant(
            paths=tuple(dict.fromkeys(touch.spot.resolved for touch in self.touches if not touch.is_named)),
            is_read_only=self.is_read_only,
            git=self.judgement.git,
            network=self.action.network,
            writable=tuple(dict.fromkeys([*asked, *wanted])),
        )


def examine(action: Action, place: Place) -> Case:
    """Look at `action`; `place` has all links followed. Changes nothing."""
    if action.kind == "run":
        return _examine_command(action, place)
    right: Right = action.kind if action.kind in ("write", "delete") else "read"
    spots = [locate(path, place.root) for path in action.paths]
    if None in spots:
        return Case(action, (), impossible="no file can have such a path")
    found = [spot for spot in spots if spot is not None]
    return Case(action, tuple(Touch(spot, right) for spot in found))


def is_shared(touch: Touch) -> bool:
    """Whether the file has a second name (a hard link), so that its own does not tell what would be changed."""
    if touch.right != "write" or touch.is_named:
        return False
    try:
        found = touch.spot.resolved.stat()
    except (OSError, ValueError):
        return False
    return found.st_nlink > 1 and not touch.spot.resolved.is_dir()


def identity(path: Path) -> tuple[int, int] | None:
    """Device and number of a file that has several names; None for any other."""
    try:
        found = os.stat(path)  # noqa: PTH116 - many of them, without more objects than needed
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if found.st_nlink > 1 else None


def _examine_command(action: Action, place: Place) -> Case:
    if "\0" in action.command:
        return Case(action, (), unknown("it holds a NUL"), impossible="no command can hold a NUL")
    judgement = judge_safely(action.command, place)
    writable = [locate(path, place.root) for path in action.writable]
    if None in writable:
        return Case(action, (), judgement, impossible="no file can have such a path")
    touches = [Touch(spot, "read") for spot in reads(judgement, place)]
    touches += [Touch(spot, "write") for spot in writes(judgement, place)]
    touches += [Touch(spot, "write") for spot in writable if spot is not None]
    touches += [
        Touch(spot, "read", is_named=True, is_git=is_git) for spot, is_git in named(judgement, action.command, place)
    ]
    return Case(action, tuple(touches), judgement)


def _is_inside(touch: Touch, place: Place) -> bool:
    path = touch.spot.resolved
    if path.is_relative_to(place.root) or path in ALWAYS_OPEN:
        return True
    return touch.right == "read" and any(path.is_relative_to(folder) for folder in place.readable)
