"""The patterns of rules: paths as globs, commands word by word.

Each comes in two strengths. What *permits* is exact: the resolved path, the program as written. What *restricts* is
wide: every form of the path without regard to case, whatever lies below it, the program by its last name, and a word
that nobody can know counts as the one in the rule.
"""

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ally.permissions.paths import Spot, fold, fold_path
from ally.storage.glob import expand_braces, translate

Words = Sequence[str | None]

_MAX_STARS = 4
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=.*", re.DOTALL)
_SPECIAL = re.compile(r"([*?\[\]{}\\])")


def escape_glob(text: str) -> str:
    """`text` as a glob that matches nothing else."""
    return _SPECIAL.sub(r"\\\1", text)


def permits_path(pattern: str, spot: Spot, root: Path, home: Path) -> bool:
    """Whether a glob of a rule that allows covers the place where `spot` really leads."""
    return bool(_path_pattern(pattern, str(root), str(home)).fullmatch(_relative(str(spot.resolved))))


def restricts_path(pattern: str, spot: Spot, root: Path, home: Path) -> bool:
    """Whether a glob of a rule that asks or denies covers `spot`, or a folder it lies in."""
    wide = _wide_pattern(pattern, str(root), str(home))
    for form in spot.forms:
        parts = _relative(fold_path(form)).split("/")
        if any(wide.fullmatch("/".join(parts[:length])) for length in range(1, len(parts) + 1)):
            return True
    return False


def check_path_pattern(pattern: str) -> None:
    """See whether `pattern` can be understood.

    Raises:
        ValueError: it cannot.
    """
    _path_pattern(pattern, "/r", "/h")
    _wide_pattern(pattern, "/r", "/h")


@lru_cache(maxsize=1_000)
def split_words(pattern: str) -> tuple[re.Pattern[str] | None, ...]:
    """The words of a pattern, quoted as in a shell; None at the end stands for any further words.

    A `*` without quotes stands for any text inside a word; alone and last it stands for all words that follow.

    Raises:
        ValueError: a quote is not closed, or a word holds more than four stars.
    """
    words = _split(pattern)
    if words and words[-1] == [("*", False)]:
        return (*map(_word, words[:-1]), None)
    return tuple(map(_word, words))


def permits_words(pattern: str, words: Words) -> bool:
    """Whether a rule that allows covers this one command; a word nobody can know is covered by a last `*` only."""
    wanted = split_words(pattern)
    is_open = bool(wanted) and wanted[-1] is None
    fixed = [word for word in wanted if word is not None]
    if not words or words[0] is None or len(words) < len(fixed) or (len(words) > len(fixed) and not is_open):
        return False
    return all(word is not None and one.fullmatch(word) is not None for one, word in zip(fixed, words, strict=False))


def restricts_words(pattern: str, words: Words) -> bool:
    """Whether a rule that asks or denies covers this command, also with options before its sub-command."""
    wanted = split_words(pattern)
    if pattern.endswith(":*") and restricts_words(pattern[:-2] + " *", words):  # as others write it
        return True
    is_open = bool(wanted) and wanted[-1] is None
    fixed = [word for word in wanted if word is not None]
    rest = list(words)
    while rest and rest[0] is not None and _ASSIGNMENT.fullmatch(rest[0]):
        del rest[0]
    if not fixed:
        return bool(rest)
    if not rest or rest[0] is None or not _is_program(fixed[0], rest[0]):
        return False
    return any(_fits(fixed[1:], rest[start:], is_open=is_open) for start in _starts(rest))


def first_word(pattern: str) -> str:
    """The program that a pattern names, in lower case; "" if it holds a star."""
    words = _split(pattern)
    plain = bool(words) and all(is_literal or char != "*" for char, is_literal in words[0])
    return fold("".join(char for char, _ in words[0]).rpartition("/")[2]) if plain else ""


def _is_program(wanted: re.Pattern[str], word: str) -> bool:
    names = (word, word.rpartition("/")[2])
    return any(wanted.fullmatch(name) or wanted.fullmatch(name.lower()) for name in names)


def _starts(words: Words) -> list[int]:
    """Where the words after the program may begin if options, each with or without a value, come before."""
    starts = [1]
    for position in range(1, len(words)):
        word, before = words[position], words[position - 1] if position > 1 else None
        is_option = word is not None and word.startswith("-")
        is_value = before is not None and before.startswith("-") and position > 1
        if not (is_option or is_value):
            break
        starts.append(position + 1)
    return starts


def _fits(wanted: Sequence[re.Pattern[str]], words: Words, *, is_open: bool) -> bool:
    for one, word in zip(wanted, words, strict=False):
        if word is None:  # it may stand for none or for many
            return True
        if not one.fullmatch(word):
            return False
    more = words[len(wanted) :]
    return len(words) >= len(wanted) and (is_open or all(word is None for word in more))


def _split(pattern: str) -> list[list[tuple[str, bool]]]:
    """Words as lists of (character, whether it was quoted)."""
    words: list[list[tuple[str, bool]]] = []
    word: list[tuple[str, bool]] | None = None
    quote, position = "", 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "\\" and quote != "'" and position < len(pattern):
            word = [*(word or []), (pattern[position], True)]
            position += 1
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote, word = char, word or []
        elif not quote and char.isspace():
            words += [] if word is None else [word]
            word = None
        else:
            word = word or []
            word.append((char, bool(quote)))
    if quote:
        raise ValueError(f"a {quote} is not closed")
    return words if word is None else [*words, word]


def _word(chars: list[tuple[str, bool]]) -> re.Pattern[str]:
    if sum(char == "*" and not is_literal for char, is_literal in chars) > _MAX_STARS:
        raise ValueError(f"a word holds more than {_MAX_STARS} stars")
    parts = (".*" if char == "*" and not is_literal else re.escape(char) for char, is_literal in chars)
    return re.compile("".join(parts), re.DOTALL)


def _relative(path: str) -> str:
    return path.strip("/")


@lru_cache(maxsize=2_000)
def _path_pattern(pattern: str, root: str, home: str) -> re.Pattern[str]:
    return _compiled([_anchored(one, root, home) for one in expand_braces(pattern)])


@lru_cache(maxsize=2_000)
def _wide_pattern(pattern: str, root: str, home: str) -> re.Pattern[str]:
    globs = [_anchored(one, root, home, is_wide=True) for one in expand_braces(pattern)]
    return _compiled([fold_path(glob) for glob in globs])


def _compiled(globs: Sequence[str]) -> re.Pattern[str]:
    alternatives: list[str] = []
    for glob in globs:
        alternatives.append(translate(glob))
        if glob.endswith("/**"):  # a folder with everything in it is also the folder itself
            alternatives.append(translate(glob.removesuffix("/**")))
    try:
        return re.compile("|".join(f"(?:{one})" for one in alternatives), re.DOTALL)
    except re.error as exc:
        raise ValueError(f"it is no pattern: {exc.msg}") from exc


def _anchored(pattern: str, root: str, home: str, *, is_wide: bool = False) -> str:
    """`pattern` from the root of the file system on; one without a slash is a name at any depth below `root`, in a
    rule that restricts anywhere."""
    pattern = pattern.removesuffix("/") + "/**" if pattern.endswith("/") and pattern != "/" else pattern
    base, rest = root, pattern
    if pattern == "~" or pattern.startswith("~/"):
        base, rest = home, pattern[2:]
    elif pattern.startswith("/"):
        base, rest = "/", pattern[1:]
    elif "/" not in pattern and pattern not in ("..", "."):
        return f"/**/{pattern}" if is_wide else f"{escape_glob(root)}/**/{pattern}"
    rest = os.path.normpath(rest) if rest else ""
    while rest == ".." or rest.startswith("../"):
        base, rest = os.path.dirname(base), rest[3:]  # noqa: PTH120 - text, with a glob in it
    return "/".join(filter(None, [escape_glob(base).rstrip("/"), "" if rest == "." else rest])) or "/"
