"""A home with a project in it, and short ways to ask the policy about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from ally.config.settings import PermissionMode
from ally.permissions.action import Action, Allow, Ask, Decision, Kind
from ally.permissions.paths import words
from ally.permissions.policy import Place, Policy
from ally.permissions.rules import Effect, Rule, parse_rule

MODES: tuple[PermissionMode, ...] = get_args(PermissionMode)
Written = tuple[Effect, str]


@dataclass(frozen=True)
class Site:
    """`home/project` is the working folder, `home/.config/ally` is Ally's own, `home/spill` may be read."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "project"

    def policy(self, mode: PermissionMode = "ask", *rules: Written, confined: bool = True) -> Policy:
        place = Place(self.root, self.home, (self.home / ".config" / "ally",), (self.home / "spill",))
        return Policy(place, written(rules), mode, confined=confined)

    def decide(self, action: Action, mode: PermissionMode = "ask", *rules: Written, confined: bool = True) -> Decision:
        return self.policy(mode, *rules, confined=confined).decide(action)

    def file(self, kind: Kind, path: str | Path, tool: str = "") -> Action:
        """The action of a file tool on a path as a model would give it."""
        text = str(path)
        whole = self.home / text[2:] if text.startswith("~/") else self.root / text
        return Action(tool or {"write": "edit"}.get(kind, kind), kind, text, paths=(whole,))


def build_site(home: Path) -> Site:
    """Fill `home`."""
    site = Site(home)
    for folder in (".ssh", ".config/ally", "project/src/deep", "project/.git/hooks", "project-evil", "spill", "other"):
        (home / folder).mkdir(parents=True)
    for file in words(
        ".ssh/id_rsa .bashrc .config/ally/config.json project/a.py project/.env project/src/b.py "
        "project/src/deep/c.py project-evil/x.py spill/out.txt other/notes.txt project/.git/config"
    ):
        (home / file).write_text("content\n")
    return site


def run(command: str, *, network: bool = False, writable: tuple[Path, ...] = ()) -> Action:
    """The action of the shell tool."""
    return Action("shell", "run", command, command=command, network=network, writable=writable)


def written(rules: Sequence[Written]) -> list[Rule]:
    return [parse_rule(text, effect, "test") for effect, text in rules]


def word(decision: Decision) -> str:
    return "allow" if isinstance(decision, Allow) else "ask" if isinstance(decision, Ask) else "deny"
