"""What a tool call would touch, and what was decided about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["none", "read", "write", "delete", "run", "fetch", "other"]
"""What a call does: nothing beyond the conversation, look at files, change them, delete them, run a command, fetch a
URL, or something with effects elsewhere that only its tool knows (always asked)."""

Scope = Literal["once", "session", "project", "always"]


@dataclass(frozen=True, slots=True)
class Action:
    """What one call would do, said by its tool, so that the policy can judge it without knowing the tool.

    `subject` is what a rule `tool(pattern)` is compared with: the path as the model gave it, the command, the URL.
    `paths` are absolute and not yet resolved: what is read, written or deleted (for `run`, `command` says that).
    `network` and `writable` are what a command asks for beyond its sandbox.
    """

    tool: str
    kind: Kind
    subject: str = ""
    paths: tuple[Path, ...] = ()
    command: str = ""
    network: bool = False
    writable: tuple[Path, ...] = ()

    @property
    def is_read_only(self) -> bool:
        """Whether it can change nothing, so that it may run beside others."""
        return self.kind in ("none", "read")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a call that was allowed may do, and no more.

    `paths` are the resolved forms of the action's paths, checked again when they are opened. A command with
    `is_read_only` may write nowhere, one with `git` may change the repository's data (its hooks and config stay as they
    are), `network` and `writable` open exactly what was asked for.
    """

    paths: tuple[Path, ...] = ()
    is_read_only: bool = False
    git: bool = False
    network: bool = False
    writable: tuple[Path, ...] = ()


NO_GRANT = Grant()


@dataclass(frozen=True, slots=True)
class Allow:
    """It runs. `rule` is what decided: a rule as written with its origin, or the name of a built-in one."""

    rule: str
    reason: str
    grant: Grant = NO_GRANT


@dataclass(frozen=True, slots=True)
class Deny:
    """It does not run, and nobody is asked."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The user decides. `remember` are the rules that an answer for longer than once would add, in words of rules;
    `scopes` holds only "once" where nothing narrow enough could be remembered."""

    rule: str
    reason: str
    scopes: tuple[Scope, ...] = ("once",)
    remember: tuple[str, ...] = ()
    grant: Grant = NO_GRANT


Decision = Allow | Deny | Ask
