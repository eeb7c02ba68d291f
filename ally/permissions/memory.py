"""Rules that the user's answers added: for this session, for a folder, or for good."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ally.errors import AllyError, StorageError
from ally.permissions.action import Scope
from ally.permissions.private import PrivateFile
from ally.permissions.rules import Rule, parse_rule


class _Remembered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int = 1
    always: tuple[str, ...] = ()
    projects: dict[str, tuple[str, ...]] = {}


class Answers:
    """What was allowed by answers. `file` is `permissions.json` of the state folder, `root` the working folder.

    Several processes may use one file at the same time, and each sees what the others remember.
    """

    def __init__(self, file: Path, root: Path, notify: Callable[[str], None]) -> None:
        self._file = PrivateFile(file, _Remembered(), notify)
        self._root = os.path.realpath(root)
        self._notify = notify
        self._session: list[Rule] = []
        self._seen: tuple[_Remembered, tuple[Rule, ...]] | None = None

    def rules(self) -> Sequence[Rule]:
        """All that hold here, the narrower scope first. A file that cannot be believed gives none."""
        found = self._file.read()
        if self._seen is None or self._seen[0] is not found:
            here = self._parsed(found.projects.get(self._root, ()), f"answer for {self._root}")
            self._seen = found, (*here, *self._parsed(found.always, "answer for everywhere"))
        return (*self._session, *self._seen[1])

    def remembered(self) -> list[tuple[str, str]]:
        """(folder, rule) of everything that is kept in the file; no folder for what holds everywhere."""
        found = self._file.read()
        everywhere = [("", rule) for rule in found.always]
        return [(folder, rule) for folder, rules in found.projects.items() for rule in rules] + everywhere

    def remember(self, rules: Sequence[str], scope: Scope) -> None:
        """Add rules that allow. What cannot be written holds for this session, and the user is told.

        Raises:
            ConfigError: a text is no rule; none of them was added.
        """
        if scope == "once":
            return
        parsed = [parse_rule(text, "allow", "answer for this session") for text in rules]
        if scope != "session":
            texts = tuple(rule.text for rule in parsed)
            try:
                self._file.update(lambda found: self._added(found, texts, scope))
            except StorageError as error:
                self._notify(f"{error.message} The answer holds for this session only.")
            else:
                return
        self._session += [rule for rule in parsed if rule not in self._session]

    def _added(self, found: _Remembered, texts: tuple[str, ...], scope: Scope) -> _Remembered:
        if scope == "always":
            return msgspec.structs.replace(found, always=_united(found.always, texts))
        before = found.projects.get(self._root, ())
        return msgspec.structs.replace(found, projects={**found.projects, self._root: _united(before, texts)})

    def _parsed(self, texts: Sequence[str], origin: str) -> list[Rule]:
        rules: list[Rule] = []
        for text in texts:
            try:
                rules.append(parse_rule(text, "allow", origin))
            except AllyError as error:
                self._notify(error.message)
        return rules


def _united(before: tuple[str, ...], texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *texts)))
