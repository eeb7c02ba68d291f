"""Asking a server on this machine or in this network, and remembering for a moment what it said."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ally.egress.lookup import NoAnswer, OtherAnswer, get_json
from ally.messages import JsonObject

TIMEOUT_S = 0.3
"""Longest wait for all that is asked at once."""

Headers = Mapping[str, str]

_REMEMBERED_S = 5.0
_REFUSAL_REMEMBERED_S = 1.0
_CHEAP_S = 0.05

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was said, when, and after how long a wait."""

    said: JsonObject | None
    until: float
    took_s: float


_answers: dict[tuple[str, tuple[tuple[str, str], ...]], _Answer] = {}


def ask(url: str, headers: Headers | None = None) -> JsonObject | None:
    """What a GET of `url` says; None if there is no usable answer in time.

    An answer is repeated for five seconds, and so is silence that had to be waited for; a refusal for one, so that a
    server that has just loaded its model is asked again.
    """
    known = _remembered(url, headers)
    if known is not None:
        return known.said
    begun, lasts_s = time.monotonic(), _REMEMBERED_S
    try:
        said = get_json(url, TIMEOUT_S, headers)
    except NoAnswer as reason:
        said, lasts_s = None, _REFUSAL_REMEMBERED_S if isinstance(reason, OtherAnswer) else 0.0
    ended = time.monotonic()
    if said is None and ended - begun > _CHEAP_S:
        lasts_s = _REMEMBERED_S
    if lasts_s:
        _answers[_key(url, headers)] = _Answer(said, ended + lasts_s, ended - begun)
    return said


def is_silent(url: str, headers: Headers | None = None) -> bool:
    """Whether a moment ago an answer of `url` was waited for in vain."""
    known = _remembered(url, headers)
    return known is not None and known.said is None and known.took_s >= TIMEOUT_S


def forget() -> None:
    """Ask again next time, instead of repeating an answer of the last seconds."""
    _answers.clear()


def within(timeout_s: float, work: Callable[[], T]) -> T | None:
    """What `work` gives if it is done in time, else None; the program does not wait for it at its end."""
    found: list[T] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True, name="asking")
    thread.start()
    thread.join(timeout_s)
    return found[0] if found else None


def root_of(base_url: str) -> str:
    """The address of a server without the prefix of its OpenAI-compatible API and without a slash at the end."""
    return base_url.rstrip("/").removesuffix("/v1").rstrip("/")


def _remembered(url: str, headers: Headers | None) -> _Answer | None:
    known = _answers.get(_key(url, headers))
    return known if known is not None and time.monotonic() < known.until else None


def _key(url: str, headers: Headers | None) -> tuple[str, tuple[tuple[str, str], ...]]:
    return url, tuple(sorted((headers or {}).items()))
