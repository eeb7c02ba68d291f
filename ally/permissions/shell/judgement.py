"""What the gate says about a command."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command as bash would run it.

    `words` are unquoted; None is a word that cannot be known (an expansion, a substitution, a glob; it may stand for
    none or for many). `reason` says why it is not read-only, else it is empty. `reads` and `writes` are its literal
    paths, absolute and not resolved; a plain operand that might be a path counts as read.
    """

    words: tuple[str | None, ...]
    is_read_only: bool
    reason: str
    reads: tuple[Path, ...]
    writes: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a whole command line would do, as far as its text tells.

    `reason` is the first cause why it is not read-only. `opaque` is not empty when something could not be judged, so
    that no rule may allow it. `destructive` is not empty when it must not run in any mode. `git` says that a git
    command changes the repository's data.
    """

    commands: tuple[Command, ...]
    is_read_only: bool
    reason: str
    opaque: str
    destructive: str
    git: bool
