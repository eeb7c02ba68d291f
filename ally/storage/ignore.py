"""What `.gitignore` and like files leave out, folder by folder on the way down."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ally.storage.glob import translate

_MAX_BYTES = 1_000_000
_Run = tuple[bool, re.Pattern[str] | None, re.Pattern[str] | None]  # ignored?, over the name, over the whole path


@dataclass(frozen=True, slots=True)
class _Level:
    """The rules of one file, called `file`. `prefix` is where the current folder lies below its folder: "", "a/b/"."""

    runs: tuple[_Run, ...]
    prefix: str
    file: str

    def verdict(self, name: str) -> bool | None:
        """True: left out, False: taken back by `!`, None: no word about it. The last rule that matches wins."""
        path = self.prefix + name
        for is_ignored, over_name, over_path in reversed(self.runs):
            if (over_name and over_name.fullmatch(name)) or (over_path and over_path.fullmatch(path)):
                return is_ignored
        return None


@dataclass(frozen=True, slots=True)
class Ignore:
    """The rules that hold in one folder: its own `.gitignore` and those above it, the nearest first.

    `files` are the names of such files; of two in one folder the later one has the last word.
    Files are read as git does, whether or not the folder belongs to a repository. A file that cannot be read or is
    larger than 1 MB counts as empty, a rule that makes no sense as absent.
    """

    levels: tuple[_Level, ...] = ()
    files: tuple[str, ...] = (".gitignore",)

    @classmethod
    def at(cls, folder: Path, files: tuple[str, ...] = (".gitignore",)) -> "Ignore":
        """For `folder` (absolute) with the rules of the folders above it, up to the top of its repository.

        A folder that is itself left out by them was asked for by name: then only its own rules count.
        """
        top = next((one for one in (folder, *folder.parents) if os.path.lexists(one / ".git")), folder)
        steps = folder.relative_to(top).parts
        rules = cls((), files).entered(top)
        for depth, name in enumerate(steps, 1):
            if rules.is_ignored(name, is_dir=True):
                return cls((), files).entered(folder)
            rules = rules.below(name).entered(top.joinpath(*steps[:depth]))
        return rules

    def below(self, name: str) -> "Ignore":
        """The same rules seen from the subfolder `name`, without that one's own."""
        levels = (_Level(level.runs, f"{level.prefix}{name}/", level.file) for level in self.levels)
        return Ignore(tuple(levels), self.files)

    def entered(self, folder: Path | str) -> "Ignore":
        """These rules with those in `folder`, the folder they are about."""
        found = [(_read(Path(folder, file)), file) for file in reversed(self.files)]
        own = tuple(_Level(runs, "", file) for runs, file in found if runs)
        return Ignore((*own, *self.levels), self.files) if own else self

    def is_ignored(self, name: str, *, is_dir: bool) -> bool:
        """Whether the entry `name` of the current folder is left out."""
        return bool(self.left_out_by(name, is_dir=is_dir))

    def left_out_by(self, name: str, *, is_dir: bool) -> str:
        """The name of the file whose rule leaves out the entry `name` of the current folder; "" if none does."""
        text = f"{name}/" if is_dir else name
        for level in self.levels:
            if (verdict := level.verdict(text)) is not None:
                return level.file if verdict else ""
        return ""


def _read(file: Path) -> tuple[_Run, ...]:
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > _MAX_BYTES:
            return ()
        lines = file.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ()
    groups: list[tuple[bool, list[str], list[str]]] = []
    for line in lines:
        if (rule := _rule(line)) is None:
            continue
        is_ignored, over_name, expression = rule
        if not groups or groups[-1][0] != is_ignored:
            groups.append((is_ignored, [], []))
        _, names, paths = groups[-1]
        (names if over_name else paths).append(expression)
    return tuple((sign, _either(names), _either(paths)) for sign, names, paths in groups)


def _rule(line: str) -> tuple[bool, bool, str] | None:
    """Whether it leaves out, whether it is about the name alone, and its expression; None for no rule."""
    text = re.sub(r"(?<!\\)\s+$", "", line)
    if not text or text.startswith("#"):
        return None
    is_ignored = not text.startswith("!")
    text = text if is_ignored else text[1:]
    is_dir_only = text.endswith("/")
    over_name = "/" not in text.rstrip("/")
    if not text.strip("/") or re.search(r"(?<!\\)(?:\\\\)*\\$", text):
        return None
    expression = translate(text) + ("/" if is_dir_only else "/?")
    try:
        re.compile(expression)
    except re.error:
        return None
    return is_ignored, over_name, expression


def _either(expressions: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{one})" for one in expressions), re.DOTALL) if expressions else None
