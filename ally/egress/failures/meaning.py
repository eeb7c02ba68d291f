"""What an error answer means, read from its status and from the words of the many vendors."""

import re
from typing import Literal

from ally.egress.failures.said import Said

Meaning = Literal["too_long", "bad_key", "forbidden", "no_model", "rate_limit", "overloaded", "no_money", "bad_request"]

_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|tokens_limit_reached|request_too_large"
    r"|max(imum)? (context|prompt) length|exceeds? (the )?(available )?context|exceeds? the maximum number of tokens"
    r"|context (length|window|size)[^.]{0,40}(exceed|overflow|limit|of only)"
    r"|(exceed|great|larg|long|overflow)\w*[^.]{0,40}context (length|window|size|limit)"
    r"|(prompt|input) (is )?too long|input length exceeds|exceeds maximum input length|too many tokens"
    r"|context the overflows"
    r"|reduce the length of (the )?(messages|prompt|input)|(inputs|max_new_tokens).{0,60}must be <=|body too large for"
    r"|too large for model",
    re.IGNORECASE,
)
_LIMITS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\+ \d+ > (\d{3,})",
        r"max(?:imum)? (?:context|prompt) length\D{0,24}?(\d{3,})",
        r"(\d{3,}) max(?:imum)?(?: context length)?",
        r"maximum number of tokens allowed \((\d{3,})\)",
        r"context (?:size|length|window|limit)\D{0,24}?(\d{3,})",
        r"limit is (\d{3,})",
        r"maximum input length of (\d{3,})",
        r"must be <= (\d{3,})",
        r"max size: (\d{3,})",
        r"cannot exceed (\d{3,})",
        r"limit (\d{3,}), requested",
    )
)
_UNKNOWN_MODEL = re.compile(
    r"model_not_found|model_not_available|model not exist|unknown model|invalid model|no such model"
    r"|not a valid model|model\b.{0,120}(not found|not exist|not supported by any provider|no longer available)",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(r"api[ _]key[ _](not valid|invalid|expired)|invalid[ _]api[ _]key", re.IGNORECASE)
_NO_MONEY = re.compile(
    r"insufficient_quota|insufficient (balance|funds|credit)|credit balance|spend(ing)?[ _](limit|cap)|out of credits",
    re.IGNORECASE,
)
_MODERATED = re.compile(r"moderation|flagged|content[ _](policy|filter)|safety system", re.IGNORECASE)


def read_meaning(status: int, said: Said) -> Meaning:
    """What the service wants to say with `status` and `said`."""
    words = _words(said)
    checks: tuple[tuple[Meaning, bool], ...] = (
        ("too_long", status not in (401, 403, 404, 429) and (status == 413 or bool(_OVERFLOW.search(words)))),
        ("bad_key", status == 401 or bool(_BAD_KEY.search(words))),
        ("forbidden", status == 403 and not _MODERATED.search(words)),
        ("no_model", status == 404 or (status < 500 and status != 429 and bool(_UNKNOWN_MODEL.search(words)))),
        ("rate_limit", status == 429),
        ("overloaded", status >= 500 or status in (408, 409, 425)),
        ("no_money", status == 402 or is_about_money(said)),
    )
    for meaning, holds in checks:
        if holds:
            return meaning
    return "bad_request"


def is_about_money(said: Said) -> bool:
    """Whether the budget is spent, so that waiting does not help."""
    return _NO_MONEY.search(_words(said)) is not None


def find_limit_tokens(said: Said) -> int | None:
    """The context window that an overflow error names."""
    if said.limit_tokens is not None:
        return said.limit_tokens
    # Without thousands separators, and without the code in which MiniMax's messages end.
    text = re.sub(r"(?<=\d),(?=\d{3})| \(\d{4}\)$", "", said.message)
    return next((int(match[1]) for pattern in _LIMITS if (match := pattern.search(text))), None)


def _words(said: Said) -> str:
    return f"{' '.join(sorted(said.kinds))} {said.message}"
