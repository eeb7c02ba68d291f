"""What models in the cloud can hold, do and cost: a list that comes with Ally, or a newer one that the user fetched."""

import functools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ally.config.paths import Paths, find_paths
from ally.errors import ConfigError
from ally.models.price import Price, Rates

SHIPPED = Path(__file__).with_name("hosted.json")

_VARIANT = re.compile(r":[a-z0-9.-]+$")
_TUNED = re.compile(r"^ft:([^:]+):.*$")
_DATE = re.compile(r"[-@](?:20\d\d-?\d\d-?\d\d|\d\d-20\d\d|(?:0[1-9]|1[0-2]|2[3-9])\d\d|latest)$")

_ONE_RATE, _ALL_RATES = 2, 4

TOOLS, IMAGES, THINKING, STRUCTURED = "tirs"


@dataclass(frozen=True, slots=True)
class HostedModel:
    """One model of a service as models.dev describes it.

    `context_window` is how many tokens a prompt may have, which services with a limit of its own for the prompt count
    without the answer. `structured`: answers can be held to a JSON Schema; False also where nobody says so. `price` is
    what the service itself asks, None if that is not known.
    """

    context_window: int
    max_output_tokens: int | None
    tools: bool
    images: bool
    thinking: bool
    structured: bool
    price: Price | None = None


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One model: tokens of a prompt, tokens of an answer (0: not known), and a letter for each thing that it can do.

    `price`: US dollars for a million tokens read, written, read from the cache, put into it. What is left out at the
    end costs as much as other tokens that are read; none: not known. `longer` are the prices of longer prompts, least
    first, each after the number of tokens that a prompt has more than.
    """

    window: int
    output: int
    can: str
    price: tuple[float, ...] = ()
    longer: tuple[tuple[float, ...], ...] = ()


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
    dashes. A name that would fit several models of different abilities fits none. One that only differs in its price
    has none, and so has a variant or a tuned model that is not listed itself.
    """
    found = current()
    rows = found.providers.get(provider.strip().lower(), {})
    fitting = _fitting(rows, model.strip())
    if len({(row.window, row.output, row.can) for row in fitting}) != 1:
        return None
    price = _price(fitting[0], found.as_of) if len(set(fitting)) == 1 and _is_itself(rows, model.strip()) else None
    window, output, can = fitting[0].window, fitting[0].output, fitting[0].can
    return HostedModel(window, output or None, TOOLS in can, IMAGES in can, THINKING in can, STRUCTURED in can, price)


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


def _fitting(rows: Mapping[str, Row], model: str) -> list[Row]:
    """The rows that `model` may mean."""
    for name in _spellings(model):
        if name in rows:
            return [rows[name]]
    for strict in (True, False):
        wanted = _key(model, strict=strict)
        fitting = [row for name, row in rows.items() if _key(name, strict=strict) == wanted]
        if fitting:
            return fitting
    return []


def _is_itself(rows: Mapping[str, Row], model: str) -> bool:
    """Whether it is no variant and no tuned one of what is listed."""
    if {model, model.lower()} & rows.keys():
        return True
    return not (_VARIANT.search(model.lower()) or _TUNED.search(model))


def _price(row: Row, as_of: str) -> Price | None:
    """The price of a row; None if it has none, or one that cannot be understood."""
    steps = ((0, *row.price), *row.longer)
    if not all(_ONE_RATE < len(step) <= _ALL_RATES + 1 for step in steps):
        return None
    return Price(as_of, tuple(_rates(int(above), *usual) for above, *usual in steps))


def _rates(above: int, read: float, written: float, *cache: float) -> Rates:
    from_cache, into_cache = (*cache, *[read] * (2 - len(cache)))
    return Rates(above, read, written, from_cache, into_cache)


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
