"""Tier C: no sandbox. The environment is still without keys, and what a command leaves running is still ended."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ally.sandbox.base import Confinement, Launch, Tier
from ally.sandbox.environment import Parent, child_environment
from ally.sandbox.leftovers import MARK, end_marked, new_mark


@dataclass(frozen=True, slots=True)
class Unconfined:
    """Runs commands with the user's full rights; `reason` says why there is nothing better."""

    why: str
    parent: Parent
    tier: Tier = field(default="C", init=False)
    name: str = field(default="none", init=False)

    @property
    def reason(self) -> str:
        """Why there is no sandbox, and what that means."""
        return f"commands run with your full rights: {self.why}"

    def with_environment(self, env: Mapping[str, str]) -> "Unconfined":
        """The same with another parent environment."""
        return replace(self, parent=Parent(env))

    def launch(self, argv: Sequence[str], confinement: Confinement) -> Launch:
        """Prepare to run `argv`; the confinement only says where, and which variables."""
        mark = new_mark()
        env = child_environment(self.parent, confinement.root, network=confinement.network) | {MARK: mark}
        held = contextlib.ExitStack()
        held.callback(end_marked, mark)
        return Launch(list(argv), env, confinement.root, (), held)
