"""Asking a server on this machine or in this network, and remembering for a moment what it said."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from ally.egress.lookup import NoAnswer, get_json
from ally.messages import JsonObject

TIMEOUT_S = 0.3
"""Longest wait for all that is asked at once."""

Headers = Mapping[str, str]

_REMEMBERED_S = 5.0
_CHEAP_S = 0.05

T = TypeVar("T")

_answers: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[float, JsonObject | None]] = {}


def ask(url: str, headers: Headers | None = None) -> JsonObject | None:
    """What a GET of `url` says; None if there is no usable answer in time.

    An answer is repeated for five seconds, and so is silence that had to be waited for.
    """
    key = url, tuple(sorted((headers or {}).items()))
    begun = time.monotonic()
    known = _answers.get(key)
    if known is not None and begun - known[0] < _REMEMBERED_S:
        return known[1]
    try:
        answer = get_json(url, TIMEOUT_S, headers)
    except NoAnswer:
        answer = None
    ended = time.monotonic()
    if answer is not None or ended - begun > _CHEAP_S:
        _answers[key] = ended, answer
    return answer


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
