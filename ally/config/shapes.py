"""What a value in config.json may be: one small vocabulary that checks, builds, and describes itself as JSON Schema.

A record is a frozen dataclass whose fields carry `metadata=about(shape, help)`. Pydantic does the same and more, but
importing it takes longer than all the rest of a start: 0.55 s of the 0.62 s CPU for reading the configuration, measured
2026-11-22. The few shapes that a configuration needs are therefore here.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, Protocol, cast

from ally.messages import JsonObject

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at `keys`. `sentence` names the key and never repeats a text, which may be somebody's secret."""

    keys: Keys
    kind: Literal["unknown", "missing", "value"]
    sentence: str
    hint: str


class Shape(Protocol):
    """What a value may be."""

    def problems(self, value: object, keys: Keys) -> Iterator[Problem]:
        """What is wrong with `value`; `keys` is where it stands."""
        ...

    def build(self, value: Any) -> object:  # Any: a value without problems, of the type the shape is for
        """The value as the program uses it."""
        ...

    def schema(self) -> JsonObject:
        """The shape as JSON Schema."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """Text. `check` gives it back as the program uses it, or raises ValueError with the rest of a sentence."""

    check: Callable[[str], str] | None = None

    def problems(self, value: object, keys: Keys) -> Iterator[Problem]:
        """Not text, or text that `check` refuses."""
        if not isinstance(value, str):
            yield _wrong(keys, "text in double quotes", value)
        elif self.check:
            try:
                self.check(value)
            except ValueError as exc:
                yield Problem(keys, "value", f"{_dotted(keys)} {exc}", "ally config schema describes every key")

    def build(self, value: str) -> str:
        """The text after `check`."""
        return self.check(value) if self.check else value

    def schema(self) -> JsonObject:
        """A string."""
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def problems(self, value: object, keys: Keys) -> Iterator[Problem]:
        """Another word, or no text."""
        accepted = "one of " + ", ".join(f'"{word}"' for word in self.words)
        if not isinstance(value, str):
            yield _wrong(keys, accepted, value)
        elif value not in self.words:
            guess = nearest(value, self.words)
            hint = f'did you mean "{guess}"?' if guess else f"write {accepted}"
            yield Problem(keys, "value", f"{_dotted(keys)} must be {accepted}", hint)

    def build(self, value: str) -> str:
        """The word."""
        return value

    def schema(self) -> JsonObject:
        """An enumeration."""
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high`."""

    low: float
    high: float

    def problems(self, value: object, keys: Keys) -> Iterator[Problem]:
        """No number, or one outside the range."""
        if not isinstance(value, int | float) or isinstance(value, bool) or not self.low <= value <= self.high:
            yield _wrong(keys, f"a number from {self.low:g} to {self.high:g}", value)

    def build(self, value: float) -> float:
        """The number."""
        return value

    def schema(self) -> JsonObject:
        """A number."""
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number, 1 or more, of `unit`."""

    unit: str

    def problems(self, value: object, keys: Keys) -> Iterator[Problem]:
        """No whole number, or less than 1."""
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            yield _wrong(keys, f"a whole number of {self.unit}, 1 or more", value)

    def build(self, value: int) -> int:
        """The number."""
        return value

    def schema(self) -> JsonObject:
        """An integer."""
        return {"type": "integer", "minimum": 1}


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of texts."""

    def problems(self, value: object, keys: Keys) -> Iterator[Problem]:
        """No list, or one with something else than text in it."""
        if not isinstance(value, list):
            yield _wrong(keys, "a list [...]", value)
            return
        for position, item in enumerate(cast(list[object], value), 1):
            if not isinstance(item, str):
                yield _wrong(keys, f"a list of texts (entry {position} is not)", item)

    def build(self, value: list[str]) -> tuple[str, ...]:
        """The texts, which nobody can change."""
        return tuple(value)

    def schema(self) -> JsonObject:
        """An array of strings."""
        return {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class AnyObject:
    """An object that is not looked into."""

    def problems(self, value: object, keys: Keys) -> Iterator[Problem]:
        """No object."""
        if not isinstance(value, dict):
            yield _wrong(keys, "an object {...}", value)

    def build(self, value: JsonObject) -> JsonObject:
        """The object."""
        return value

    def schema(self) -> JsonObject:
        """An object."""
        return {"type": "object"}


@dataclass(frozen=True, slots=True)
class Map:
    """An object from names to values of one shape.

    With `names` only those are accepted, and `noun` says what they are; else `check_name` raises ValueError for a name
    that cannot be one.
    """

    values: Shape
    names: tuple[str, ...] = ()
    noun: str = "key"
    check_name: Callable[[str], None] | None = None

    def problems(self, value: object, keys: Keys) -> Iterator[Problem]:
        """No object, a name that is not accepted, or problems of its values."""
        if not isinstance(value, dict):
            yield _wrong(keys, "an object {...}", value)
            return
        for name, item in cast(JsonObject, value).items():
            if self.names and name not in self.names:
                yield unknown((*keys, name), self.names, self.noun)
                continue
            try:
                if self.check_name:
                    self.check_name(name)
            except ValueError as exc:
                yield Problem((*keys, name), "value", f"{_dotted(keys)} {exc}", "use another name")
                continue
            yield from self.values.problems(item, (*keys, name))

    def build(self, value: JsonObject) -> dict[str, object]:
        """The object with built values."""
        return {name: self.values.build(item) for name, item in value.items()}

    def schema(self) -> JsonObject:
        """An object with these properties, or with any."""
        values = self.values.schema()
        if self.names:
            properties = {name: nullable(values) for name in self.names}
            return {"type": "object", "properties": properties, "additionalProperties": False}
        return {"type": "object", "additionalProperties": values}


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a record."""

    shape: Shape
    help: str
    attribute: str
    is_required: bool
    default: object


@dataclass(frozen=True, slots=True)
class Record:
    """An object with known keys: a dataclass whose fields are described by `about`."""

    cls: type[Any]  # Any: a dataclass, which has no static type of its own
    entries: Mapping[str, Entry] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", _entries(self.cls))

    def problems(self, value: object, keys: Keys) -> Iterator[Problem]:
        """No object, an unknown or missing key, or problems of its values."""
        if not isinstance(value, dict):
            yield _wrong(keys, "an object {...}", value)
            return
        found = cast(JsonObject, value)
        for name, item in found.items():
            if name in self.entries:
                yield from self.entries[name].shape.problems(item, (*keys, name))
            else:
                yield unknown((*keys, name), tuple(self.entries), "key")
        for name, entry in self.entries.items():
            if entry.is_required and name not in found:
                yield Problem((*keys, name), "missing", f"{_dotted(keys)} needs {name}", entry.help)

    def build(self, value: JsonObject) -> Any:  # Any: an instance of `cls`
        """An instance of the dataclass."""
        return self.cls(**{self.entries[name].attribute: self.entries[name].shape.build(value[name]) for name in value})

    def schema(self) -> JsonObject:
        """An object with these properties."""
        result: JsonObject = {"type": "object", "additionalProperties": False}
        required = [name for name, entry in self.entries.items() if entry.is_required]
        if required:
            result["required"] = required
        result["properties"] = {name: _property(entry) for name, entry in self.entries.items()}
        return result


def about(shape: Shape, text: str, *, key: str = "") -> Mapping[str, object]:
    """Field metadata: what the value may be and what it is for; `key` where it is not the field's name."""
    return {"shape": shape, "help": text, "key": key}


def nullable(schema: JsonObject) -> JsonObject:
    """`schema`, or null, which stands for a value that is not set."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def nearest(word: str, known: Sequence[str]) -> str:
    """The one of `known` that `word` most likely meant, or ""."""
    by_plain = {_plain(name): name for name in known}
    found = difflib.get_close_matches(_plain(word), list(by_plain), n=1, cutoff=0.6)
    return by_plain[found[0]] if found else ""


def unknown(keys: Keys, known: Sequence[str], noun: str = "key") -> Problem:
    """The problem of a name that is not among `known`, with the one that was probably meant."""
    parent, name = keys[:-1], keys[-1]
    # Somebody may have pasted a key where a name belongs.
    shown = f'"{name}"' if len(name) <= 30 else f'"{name[:8]}…"'
    place = f" in {_dotted(parent)}" if parent else ""
    guess = nearest(name, known)
    hint = f'did you mean "{guess}"?' if guess else f"known: {', '.join(known) or 'nothing below it'}"
    if noun == "key" and _sounds_secret(name):
        hint = _where_keys_belong(parent)
    return Problem(keys, "unknown", f"unknown {noun} {shown}{place}", hint)


def type_name(value: object) -> str:
    """What a JSON value is, in words; a number is shown."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return str(value)[:20]
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"


def _entries(cls: type[Any]) -> dict[str, Entry]:  # Any: a dataclass
    result: dict[str, Entry] = {}
    for item in fields(cls):
        is_required = item.default is MISSING and item.default_factory is MISSING
        default: object = None
        if item.default is not MISSING:
            default = item.default
        elif item.default_factory is not MISSING:
            default = item.default_factory()
        meta = item.metadata
        result[meta["key"] or item.name] = Entry(meta["shape"], meta["help"], item.name, is_required, default)
    return result


def _property(entry: Entry) -> JsonObject:
    schema = entry.shape.schema()
    result: JsonObject = {"description": entry.help, **(schema if entry.is_required else nullable(schema))}
    if isinstance(entry.default, str):
        result["default"] = entry.default
    return result


def _wrong(keys: Keys, accepted: str, value: object) -> Problem:
    return Problem(keys, "value", f"{_dotted(keys)} must be {accepted}, not {type_name(value)}", f"write {accepted}")


def _sounds_secret(name: str) -> bool:
    plain = _plain(name)
    return plain in ("key", "keys", "token") or any(part in plain for part in ("apikey", "secret", "password"))


def _where_keys_belong(parent: Keys) -> str:
    if parent[:1] == ("endpoints",):
        return 'put the key into .env, e.g. LAB_KEY=..., and its variable here: "api_key_env": "LAB_KEY"'
    return "keys do not belong into config.json; put them into .env, e.g. OPENAI_API_KEY=..."


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _dotted(keys: Keys) -> str:
    return ".".join(keys)
