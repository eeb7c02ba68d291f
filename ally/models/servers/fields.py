"""Fields of what a server says: anything may be missing, of another type or absurd, and reads as absent then."""

import hashlib
import re
from typing import cast

from ally.messages import JsonObject

LARGEST_WINDOW = 1_000_000_000
"""No context window is larger, in tokens."""

_LARGEST_NUMBER = 10**15
_LONGEST_NAME = 500
_MOST_ROWS = 1000
_EMBEDDER = re.compile(r"embed|rerank|(?:^|[/_-])(?:bge|gte|e5|colbert)-")
_QUANTISATION = re.compile(
    r"(?:^|[-._@/:])(i?q\d\w*|bf16|f16|f32|fp8|mxfp4|nvfp4|awq|gptq|[348]bit)(?=$|[-.:/])", re.IGNORECASE
)


def number(holder: JsonObject, name: str, most: int = _LARGEST_NUMBER) -> int | None:
    """The whole number above zero in field `name`; also one that is written as text or with decimals."""
    value: object = holder.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < len(str(most)) + 1:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= most else None


def window(holder: JsonObject, name: str) -> int | None:
    """The number of tokens in field `name`."""
    return number(holder, name, LARGEST_WINDOW)


def text(holder: JsonObject, name: str) -> str:
    """The text in field `name`, empty if there is none or half a character in it, which nothing can write."""
    value: object = holder.get(name)
    return value if isinstance(value, str) and len(value) <= _LONGEST_NAME and _is_writable(value) else ""


def flag(holder: JsonObject, name: str) -> bool | None:
    """What field `name` says, None if it is neither true nor false."""
    value: object = holder.get(name)
    return value if isinstance(value, bool) else None


def section(holder: JsonObject, name: str) -> JsonObject:
    """The object in field `name`, empty if there is none."""
    value: object = holder.get(name)
    return cast(JsonObject, value) if isinstance(value, dict) else {}


def rows(holder: JsonObject, name: str) -> list[JsonObject]:
    """The objects of the list in field `name`."""
    value: object = holder.get(name)
    found = cast("list[object]", value)[:_MOST_ROWS] if isinstance(value, list) else []
    return [cast(JsonObject, row) for row in found if isinstance(row, dict)]


def texts(holder: JsonObject, name: str) -> list[str]:
    """The texts of the list in field `name`."""
    value: object = holder.get(name)
    found = cast("list[object]", value)[:_MOST_ROWS] if isinstance(value, list) else []
    return [one for one in found if isinstance(one, str) and _is_writable(one)]


def _is_writable(said: str) -> bool:
    try:
        said.encode()
    except UnicodeEncodeError:
        return False
    return True


def embeds(name: str) -> bool:
    """Whether a model of this name makes vectors or ranks texts, and does not talk."""
    return _EMBEDDER.search(name.lower()) is not None


def quantisation_in(name: str) -> str:
    """The kind of weights that the name of a model tells, e.g. "Q4_K_M", empty if it tells none."""
    found = _QUANTISATION.search(name)
    return found[1] if found else ""


def digest_of(*parts: object) -> str:
    """A name for weights and template that are described by `parts`, for a server that has none of its own."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode("utf-8", "replace")).hexdigest()[:24]
