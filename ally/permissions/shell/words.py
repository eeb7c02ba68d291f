"""One word as it is written → the words bash makes of it."""

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import join

_MAX_GUESSES = 16
_MAX_BRACES = 20
_NESTED = re.compile(r"\{[^}]*\{")
_NAME = re.compile(r"[A-Za-z_]\w*")
_BRACES = re.compile(r"(?<!\$)\{([^{}]*,[^{}]*)\}")
_RANGE = re.compile(r"(?<!\$)\{[\w+-]*\.\.[\w.+-]*\}")
_QUOTED = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$\{\w+\}""", re.DOTALL)
_LATE_TILDE = re.compile(r"([A-Za-z_]\w*\+?=(?:.*:)?)~(?=/|$)")
_BRACKETS = re.compile(r"\[!?[A-Za-z0-9_.]+(?:-[A-Za-z0-9]+)*\]")
"""The brackets that bash and Python read alike: no `[^x]`, no classes, nothing quoted inside."""
_ANSI = {"n": "\n", "t": "\t", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "r": "\r", "v": "\v"}
_ANSI_CODE = re.compile(r"x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})")


@dataclass(frozen=True, slots=True)
class Word:
    """A word after expansion.

    `text` is its exact value, None when that is not known. `pattern` is set for a glob whose text is otherwise known,
    with everything that was quoted escaped. `guesses` are the values it may have when variables that are not known are
    empty: good enough to stop something, never to allow it. `is_number` holds where all that is not known is `$?`.
    """

    raw: str
    text: str | None
    pattern: str | None = None
    guesses: tuple[str, ...] = ()
    is_number: bool = False

    @property
    def may_be_option(self) -> bool:
        """Whether one of the words it stands for could begin with a dash."""
        known = self.text if self.text is not None else self.pattern
        return known is None or known[:1] in ("-", "*", "?", "[", "")


@dataclass(slots=True)
class Surroundings:
    """What expansions depend on: the home folder, the possible working folders, variables the command itself set."""

    home: str
    folders: tuple[str, ...] | None
    variables: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def expand(raw: str, around: Surroundings) -> list[Word]:
    """The words `raw` becomes: one, or several where braces are expanded."""
    if not _may_expand(raw):
        return [_expand_one(raw, around)]
    parts = _brace_parts(raw)
    if parts is None or re.search(r"[\"'\\$`]", raw) or _NESTED.search(raw) or any(_may_expand(part) for part in parts):
        guesses = [guess for part in parts or [raw] for guess in _expand_one(part, around).guesses]
        return [Word(raw, None, None, tuple(guesses[:_MAX_GUESSES]))]
    return [_expand_one(part, around) for part in parts if part]


def _may_expand(raw: str) -> bool:
    """Whether braces outside quotes could be expanded."""
    bare = raw if "$'" in raw else _QUOTED.sub("_", raw)
    start = bare.find("{")
    return start >= 0 and "}" in bare and ("," in bare[start:] or ".." in bare[start:])


def _brace_parts(raw: str) -> list[str] | None:
    """What braces with commas stand for; None for ranges and for more than 64 words."""
    if _RANGE.search(raw) or raw.count("{") > _MAX_BRACES:
        return None
    done, todo = list[str](), [raw]
    while todo:
        part = todo.pop(0)
        if match := _BRACES.search(part):
            todo[:0] = [part[: match.start()] + choice + part[match.end() :] for choice in match[1].split(",")]
        else:
            done.append(part)
        if len(done) + len(todo) > 64:
            return None
    return done


def _expand_one(raw: str, around: Surroundings) -> Word:
    if re.fullmatch(r"[\w./=:,@%+-]+", raw):
        return Word(raw, raw, None, (raw,))
    if match := _LATE_TILDE.match(raw):
        return Word(raw, None, None, (match[1] + around.home + raw[match.end() :],))
    reading = _Reading(raw, around)
    reading.read()
    return reading.word()


@dataclass(slots=True)
class _Reading:
    """Walks over one raw word; `exact` is lost at the first thing that cannot be known."""

    raw: str
    around: Surroundings
    i: int = 0
    exact: bool = True
    is_glob: bool = False
    begins_unknown: bool = False
    text: list[str] = field(default_factory=list[str])
    pattern: list[str] = field(default_factory=list[str])
    guesses: list[str] = field(default_factory=lambda: [""])

    def word(self) -> Word:
        pattern = "".join(self.pattern) if self.exact and self.is_glob else None
        text = "".join(self.text) if self.exact and not self.is_glob else None
        guesses = self.guesses
        if self.begins_unknown:
            guesses = [guess for guess in guesses if not guess.startswith("/") or re.fullmatch(r"/+[*.]*", guess)]
        return Word(
            self.raw,
            text,
            pattern,
            tuple(guesses),
            re.fullmatch(r"\$[?#]|\"[\w :=-]*\$[?#][\w :=-]*\"", self.raw) is not None,
        )

    def read(self) -> None:
        if self.raw.startswith("~"):
            self._tilde()
        while self.i < len(self.raw):
            char = self.raw[self.i]
            if char == "\\":
                self._literal(self.raw[self.i + 1 : self.i + 2].replace("\n", ""))
                self.i += 2
            elif char == "'":
                end = self.raw.find("'", self.i + 1)
                self._literal(self.raw[self.i + 1 : end])
                self.i = end + 1 if end >= 0 else len(self.raw)
            elif char == '"':
                self._double()
            elif char == "$":
                self._dollar(in_quotes=False)
            elif char in "*?" or (char == "[" and "]" in self.raw[self.i :]):
                self._glob(char)
            elif char in "`<>":
                self._unknown(())
                self.i = len(self.raw)
            else:
                self._literal(char)
                self.i += 1

    def _literal(self, text: str) -> None:
        self.text.append(text)
        self.pattern.append(glob.escape(text))
        self.guesses = [guess + text for guess in self.guesses]

    def _glob(self, char: str) -> None:
        self.is_glob = True
        self.exact = self.exact and (char != "[" or _BRACKETS.match(self.raw, self.i) is not None)
        self.text.append(char)
        self.pattern.append(char)
        self.guesses = [guess + char for guess in self.guesses]
        self.i += 1

    def _unknown(self, guesses: Sequence[str]) -> None:
        self.exact = False
        both = [before + after for before in self.guesses for after in guesses]
        self.guesses = both[:_MAX_GUESSES]

    def _tilde(self) -> None:
        prefix = re.match(r"~[^/\\'\"$*?`<>]*", self.raw)
        name = prefix[0][1:] if prefix else ""
        self.i = 1 + len(name)
        if name == "" and (self.i == len(self.raw) or self.raw[self.i] == "/"):
            self._home()
        elif name in ("+", "-"):
            self._unknown(self.around.folders or ())
        else:
            self._unknown((f"/home/{name}",))

    def _home(self) -> None:
        if "HOME" in self.around.variables:
            self._unknown(self.around.variables["HOME"])
        else:
            self._literal(self.around.home)

    def _double(self) -> None:
        self.i += 1
        while self.i < len(self.raw) and self.raw[self.i] != '"':
            char = self.raw[self.i]
            if char == "\\":
                after = self.raw[self.i + 1 : self.i + 2]
                self._literal({"\n": "", "$": "$", "`": "`", '"': '"', "\\": "\\"}.get(after, "\\" + after))
                self.i += 2
            elif char == "$":
                self._dollar(in_quotes=True)
            elif char == "`":
                self._unknown(())
                self.i = len(self.raw)
            else:
                self._literal(char)
                self.i += 1
        self.i += 1

    def _dollar(self, *, in_quotes: bool) -> None:
        rest = self.raw[self.i :]
        if rest.startswith("$'") and not in_quotes:
            self._ansi()
        elif rest.startswith("$(") or (rest.startswith('$"') and not in_quotes):
            self._substitution(rest)
        elif rest.startswith("${"):
            end = rest.find("}")
            name = _NAME.match(rest, 2)
            is_plain = name is not None and name.end() == end
            self._variable(name[0] if name else "", is_plain=is_plain, in_quotes=in_quotes)
            self.i += end + 1 if end >= 0 else len(rest)
        elif name := _NAME.match(rest, 1):
            self._variable(name[0], is_plain=True, in_quotes=in_quotes)
            self.i += name.end()
        elif rest[1:2] in tuple("?#$!"):
            self._unknown(("0",))
            self.i += 2
        elif rest[1:2] in tuple("0123456789@*-_["):
            self._unknown(())
            self.i += 2
        else:
            self._literal("$")
            self.i += 1

    def _variable(self, name: str, *, is_plain: bool, in_quotes: bool) -> None:
        known = self.around.variables.get(name)
        is_one_word = in_quotes or not re.search(r"[\s*?\[\\]", self.around.home)
        if name == "HOME" and known is None and is_plain and is_one_word:
            self._literal(self.around.home)
        elif name == "HOME" and known is None:
            self._unknown((self.around.home,))
        elif name == "PWD" and known is None:
            self._unknown(self.around.folders or ())
        else:
            self.begins_unknown = self.begins_unknown or (known is None and self.guesses == [""])
            self._unknown(known if known is not None else ("",))

    def _substitution(self, rest: str) -> None:
        """What it gives is not known, but for the folder commands ask for."""
        if match := re.match(r"\$\(\s*(?:pwd|git rev-parse --show-toplevel|realpath \.)\s*\)", rest):
            self._unknown(self.around.folders or ())
            self.i += match.end()
            return
        if match := re.match(r"\$\(\s*echo\s+(~|\$HOME|\"\$HOME\"|/)\s*\)", rest):
            self._unknown((self.around.home if match[1] != "/" else "/",))
            self.i += match.end()
            return
        self._unknown(())
        self.i = len(self.raw)

    def _ansi(self) -> None:
        i, raw = self.i + 2, self.raw
        while i < len(raw) and raw[i] != "'":
            if raw[i] != "\\":
                self._literal(raw[i])
                i += 1
            elif raw[i + 1 : i + 2] in _ANSI:
                self._literal(_ANSI[raw[i + 1]])
                i += 2
            elif raw[i + 1 : i + 2] in tuple("\\'\"?"):
                self._literal(raw[i + 1])
                i += 2
            elif code := _ANSI_CODE.match(raw, i + 1):
                self._code(code)
                i = code.end()
            else:
                self._unknown(())
                i += 2
        self.i = i + 1

    def _code(self, code: re.Match[str]) -> None:
        octal = code[2]
        value = int(octal, 8) & 0xFF if octal else int(code[1] or code[3] or code[4], 16)
        if 0 < value < 0x80:
            self._literal(chr(value))
        else:
            self._unknown(())


def matches(pattern: str, folder: str, limit: int) -> list[str] | None:
    """The paths a glob stands for now, as bash would name them, absolute; None when there are more than `limit`."""
    found = list[str]()
    for path in glob.iglob(join(glob.escape(folder), pattern)):  # noqa: PTH207 - gives the names exactly as bash makes them
        found.append(path)
        if len(found) > limit:
            return None
    return found


def assigned(values: Mapping[str, tuple[str, ...]], name: str, words: Sequence[Word]) -> dict[str, tuple[str, ...]]:
    """`values` after `name` was given one of `words`."""
    guesses = tuple(guess for word in words for guess in word.guesses)[:_MAX_GUESSES]
    return {**values, name: (values.get(name, ()) + guesses)[-_MAX_GUESSES:]}
