"""How long a service asks to wait before the next request."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_EXHAUSTIBLE = ("requests", "tokens", "input-tokens", "output-tokens")
_DIGITS = re.compile(r"[0-9]{1,18}")
_DURATION = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9}(?:\.\d{1,18})?)(ms|s))?")
_IN_TEXT = re.compile(
    r"(?:try again in|retry in|retry after|available in)\s+(\d[\dhms.]*)(?:\s*(seconds?|sec))?", re.IGNORECASE
)


def find_retry_after_s(headers: Mapping[str, str], retry_delay: object, message: str) -> float | None:
    """Seconds to wait, from the first source that says so, None when none does.

    Args:
        headers: of the answer, names in lower case: `retry-after-ms`, `retry-after`, then the reset time of whatever
            budget is used up (OpenAI, Groq, Anthropic, OpenRouter).
        retry_delay: Google's `RetryInfo.retryDelay`, e.g. "34s".
        message: the service's words, e.g. "Please try again in 7.66s".
    """
    for found in (
        _number(headers.get("retry-after-ms"), 0.001),
        _seconds_or_date(headers.get("retry-after")),
        _from_budgets(headers),
        _duration(retry_delay) if isinstance(retry_delay, str) else None,
        _from_text(message),
    ):
        if found is not None:
            return max(found, 0.0)
    return None


def _number(text: str | None, unit: float) -> float | None:
    try:
        value = float(text) * unit if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e9 else None


def _seconds_or_date(text: str | None) -> float | None:
    if not text:
        return None
    seconds = _number(text, 1)
    if seconds is not None:
        return seconds
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return _duration(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - time.time()


def _from_budgets(headers: Mapping[str, str]) -> float | None:
    waits: list[float] = []
    for prefix, reset_first in (("x-ratelimit", True), ("anthropic-ratelimit", False)):
        for budget in _EXHAUSTIBLE:
            remaining = f"{prefix}-remaining-{budget}" if reset_first else f"{prefix}-{budget}-remaining"
            reset = f"{prefix}-reset-{budget}" if reset_first else f"{prefix}-{budget}-reset"
            if headers.get(remaining) == "0":
                waits += [wait for wait in [_reset(headers.get(reset))] if wait is not None]
    if headers.get("x-ratelimit-remaining") == "0":
        waits += [wait for wait in [_reset(headers.get("x-ratelimit-reset"))] if wait is not None]
    return max(waits, default=None)


def _reset(text: str | None) -> float | None:
    """A reset time given as seconds, as "6m0s", as Unix time in s or ms, or as an RFC 3339 date."""
    if not text:
        return None
    number = float(text) if _DIGITS.fullmatch(text) else _number(text, 1)
    if number is not None:
        if number > 1e11:
            return number / 1000 - time.time()
        return number - time.time() if number > 1e9 else number
    duration = _duration(text)
    if duration is not None:
        return duration
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - time.time()


def _duration(text: str) -> float | None:
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    hours, minutes, number, unit = match.groups()
    seconds = float(number or 0) * (0.001 if unit == "ms" else 1)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds


def _from_text(message: str) -> float | None:
    match = _IN_TEXT.search(message)
    if match is None:
        return None
    text = match[1].rstrip(".")
    return _number(text, 1) if match[2] else _duration(text)
