"""The gate: a command line → what it would do."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import normpath

from ally.permissions.shell.destructive import Vital, destruction, fork_bomb
from ally.permissions.shell.git import subcommand
from ally.permissions.shell.judgement import Command, Judgement
from ally.permissions.shell.parse import MAX_CHARACTERS, parse
from ally.permissions.shell.readonly import examine
from ally.permissions.shell.walk import Folders, Simple, Walk
from ally.permissions.shell.words import Surroundings, Word, expand
from ally.permissions.shell.wrappers import OPAQUE, SHELLS, shell_script, unwrap

MAX_COMMANDS = 50
_MAX_DEPTH = 4
_FIND_RUNS = ("-exec", "-execdir", "-ok", "-okdir")


def read(command: str, root: Path, home: Path) -> Judgement:
    """What `command` would do when bash runs it in `root`. Never raises; looks at the file system, changes nothing."""
    gate = _Gate(root, Vital.of(root, home), normpath(home))
    try:
        gate.read(command, (normpath(root),), 0)
    except RecursionError:
        gate.opaque.append("it is nested too deeply")
    return gate.judgement(command)


@dataclass(slots=True)
class _Gate:
    """Collects over all nested texts; lists hold reasons in the order they were met."""

    root: Path
    vital: Vital
    home: str
    commands: list[Command] = field(default_factory=list[Command])
    notes: list[str] = field(default_factory=list[str])
    opaque: list[str] = field(default_factory=list[str])
    destructive: str = ""
    is_git: bool = False

    def judgement(self, command: str) -> Judgement:
        if not self.commands and not self.opaque:
            self.notes.append("it runs nothing")
        opaque = self.opaque[0] if self.opaque else ""
        refused = [found.reason for found in self.commands if not found.is_read_only]
        reason = next(iter([*self.opaque, *refused, *self.notes]), "")
        destructive = self.destructive or fork_bomb(command)
        return Judgement(
            tuple(self.commands),
            not reason and not destructive,
            reason or destructive,
            opaque,
            destructive,
            self.is_git,
        )

    def read(self, text: str, folders: Folders, depth: int) -> None:
        """Judge one text; scripts found inside go through here again."""
        if len(text) > MAX_CHARACTERS * 10:
            self.opaque.append(f"it is longer than {MAX_CHARACTERS} characters")
            return
        script = parse(text)
        if script.opaque:
            self.opaque.append(script.opaque)
        walk = Walk(script, self.home)
        walk.visit(script.tree, folders)
        if script.tree.has_error:
            walk.simples += self._rough(text, folders)
        self.opaque += walk.opaque
        self.notes += walk.notes
        if len(walk.simples) + len(self.commands) > MAX_COMMANDS:
            self.opaque.append(f"it holds more than {MAX_COMMANDS} commands")
        for simple in walk.simples:
            self.destructive = self.destructive or destruction(simple, self.vital)
            if len(self.commands) <= MAX_COMMANDS:
                self._simple(simple, list(simple.words), depth)
        self.destructive = self.destructive or fork_bomb(text)

    def _rough(self, text: str, folders: Folders) -> list[Simple]:
        """Commands of a text that could not be parsed: good enough to stop the worst."""
        around = Surroundings(self.home, folders)
        pieces = re.split(r"[;&|\n()`]+", text)
        raws = [piece.split() for piece in pieces[:200]]
        return [
            Simple([word for raw in raw_words for word in expand(raw, around)], folders, self.home)
            for raw_words in raws
        ]

    def _simple(self, simple: Simple, words: list[Word], depth: int) -> None:
        """Take off wrappers one by one, then judge what is left."""
        refusal = ""
        for _ in range(10):
            unwrapped = unwrap(words) if words else None
            if unwrapped is None:
                break
            refusal = refusal or unwrapped.refusal
            if unwrapped.opaque:
                self.opaque.append(unwrapped.opaque)
            self._script(simple, words, depth, refusal)
            if unwrapped.is_other_user or not unwrapped.words:
                self._add(simple, words, refusal)
            words = list(unwrapped.words)
            if not words:
                return
        if self._script(simple, words, depth, refusal):
            return
        self._add(simple, words, refusal)
        self._found_commands(simple, words, depth)

    def _script(self, simple: Simple, words: list[Word], depth: int, refusal: str) -> bool:
        """Read the script of a shell; whether that says all there is to say about the command."""
        name = (words[0].text or "").rsplit("/", 1)[-1] if words else ""
        text = shell_script(words) if words else None
        is_fed = text is None and name in SHELLS
        if is_fed:
            text = simple.stdin or _echoed(simple)
        if not text or name == "":
            return False
        if depth >= _MAX_DEPTH:
            self.opaque.append("it is nested too deeply")
            return False
        is_plain = [word.text for word in words] == ["bash", "-c", text] and not simple.redirects
        if not is_plain:
            self.opaque.append("a script in another shell or with options")
        self.read(text, simple.folders, depth + 1)
        if refusal:
            self.notes.append(refusal)
        return is_plain

    def _add(self, simple: Simple, words: list[Word], refusal: str) -> None:
        found = examine(simple, words, self.root)
        reason = refusal or found.refusal
        name = (words[0].text or "").rsplit("/", 1)[-1] if words else ""
        if words and words[0].text is None:
            self.opaque.append("its program is not known")
        elif name in OPAQUE:
            self.opaque.append(f"{name} changes what later words mean")
        elif name == "printf" and any((word.text or "").startswith("-v") for word in words[1:2]):
            self.opaque.append("it sets variables")
        if name == "git" and reason and subcommand(words)[0]:
            self.is_git = True
        texts = tuple(word.text for word in words)
        self.commands.append(Command(texts, not reason, reason, found.reads, found.writes))

    def _found_commands(self, simple: Simple, words: list[Word], depth: int) -> None:
        """What `find` would run."""
        if words[:1] and (words[0].text or "").rsplit("/", 1)[-1] in ("find", "fd", "fdfind"):
            for i, word in enumerate(words):
                if word.text in (*_FIND_RUNS, "-x", "-X", "--exec", "--exec-batch") and words[i + 1 :]:
                    inner = list[Word]()
                    for part in words[i + 1 :]:
                        if part.text in (";", "+"):
                            break
                        inner.append(Word("", None) if "{}" in (part.text or "") else part)
                    if inner and len(self.commands) <= MAX_COMMANDS:
                        self._simple(Simple(inner, None, self.home), inner, depth + 1)


def _echoed(simple: Simple) -> str:
    """What a shell gets to run through a pipe, when that is written out."""
    before = simple.fed_by
    if before is None or not before.words or before.words[0].text not in ("echo", "printf", "cat"):
        return ""
    return before.stdin or " ".join("".join(word.guesses[:1]) for word in before.words[1:])
