"""What models in the cloud can hold and do: a list that comes with Ally, or a newer one that the user fetched."""

import functools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ally.config.paths import Paths, find_paths
from ally.errors import ConfigError

SHIPPED = Path(__file__).with_name("hosted.json")

_VARIANT = re.compile(r":[a-z0-9.-]+$")
_TUNED = re.compile(r"^ft:([^:]+):.*$")
_DATE = re.compile(r"[-@](?:20\d\d-?\d\d-?\d\d|\d\d-20\d\d|(?:0[1-9]|1[0-2]|2[3-9])\d\d|latest)$")

Row = tuple[int, int, str]
"""Tokens of a prompt, tokens of an answer (0: not known), and a letter for each thing that the model can do."""

TOOLS, IMAGES, THINKING, STRUCTURED = "tirs"


@dataclass(frozen=True, slots=True)
class HostedModel:
    """One model of a service as models.dev describes it.

    `context_window` is how many tokens a prompt may have, which services with a limit of its own for the prompt count
    without the answer. `structured`: answers can be held to a JSON Schema; False also where nobody says so.
    """

    context_window: int
    max_output_tokens: int | None
    tools: bool
    images: bool
    thinking: bool
    structured: bool


class HostedList(msgspec.Struct, frozen=True):
    """A file of this list. `as_of` is the day of the data, e.g. 2026-09-30; `providers` go by Ally's names."""

    as_of: str
    source: str
    providers: dict[str, dict[str, Row]]
    about: str = ""
    licence: str = ""


def find(provider: str, model: str) -> HostedModel | None:
    """What is known of `model` at `provider`, None if it is not listed.

    A name may differ from the listed one in case, a vendor before it, a date or a variant after it, and in dots for
    dashes. A name that would fit several models of different abilities fits none.
    """
    rows = current().providers.get(provider.strip().lower())
    row = _find(rows, model.strip()) if rows else None
    if row is None:
        return None
    window, output, can = row
    return HostedModel(window, output or None, TOOLS in can, IMAGES in can, THINKING in can, STRUCTURED in can)


def current() -> HostedList:
    """The newer one of the shipped list and that of the data folder; one that cannot be read is left aside."""
    shipped = _load(SHIPPED, 0)
    try:
        file = fetched_file(find_paths(os.environ))
        changed = file.stat().st_mtime_ns
    except (ConfigError, OSError):
        return shipped
    try:
        fetched = _load(file, changed)
    except (OSError, msgspec.MsgspecError):
        return shipped
    return fetched if fetched.as_of >= shipped.as_of else shipped


def fetched_file(paths: Paths) -> Path:
    """Where `ally models update` keeps what it fetched."""
    return paths.data / "hosted.json"


def decode(data: bytes) -> HostedList:
    """The list in `data`.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return msgspec.json.decode(data, type=HostedList)


@functools.lru_cache(maxsize=4)
def _load(file: Path, changed_ns: int) -> HostedList:
    return decode(file.read_bytes())


def _find(rows: Mapping[str, Row], model: str) -> Row | None:
    for name in _spellings(model):
        if name in rows:
            return rows[name]
    for strict in (True, False):
        wanted = _key(model, strict=strict)
        fitting = {row for name, row in rows.items() if _key(name, strict=strict) == wanted}
        if fitting:
            return fitting.pop() if len(fitting) == 1 else None
    return None


def _spellings(model: str) -> Iterator[str]:
    yield model
    plain = _TUNED.sub(r"\1", model.removeprefix("models/"))
    yield plain
    yield plain.lower()
    yield _VARIANT.sub("", plain.lower())


def _key(name: str, *, strict: bool) -> str:
    """What is left of a name when everything that spellings differ in is gone; not `strict`: also its vendor."""
    plain = _VARIANT.sub("", _TUNED.sub(r"\1", name.lower()).removeprefix("models/"))
    plain = plain if strict else plain.rpartition("/")[2]
    return _DATE.sub("", plain).replace(".", "-").replace("_", "-")
