"""What a service said about a failure, whatever shape its JSON has."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple, cast

from ally.messages import JsonObject

_LONGEST = 600
_CODE = re.compile(r"[0-9]{3}")
_STATUS_OF_KIND = {
    "authentication_error": 401,
    "invalid_api_key": 401,
    "unauthenticated": 401,
    "billing_error": 402,
    "insufficient_balance": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "resource_exhausted": 429,
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "failed_precondition": 400,
    "exceed_context_size_error": 400,
    "context_length_exceeded": 400,
    "unavailable": 503,
    "timeout_error": 504,
    "deadline_exceeded": 504,
    "overloaded_error": 529,
}
# MiniMax answers 200 and puts its own code into the body.
_STATUS_OF_MINIMAX = {1001: 504, 1002: 429, 1004: 401, 1008: 402, 1039: 429, 2013: 400, 2049: 401}


class Said(NamedTuple):
    """`kinds` are the service's own names for the failure in lower case, `status` what they stand for if known."""

    message: str
    kinds: frozenset[str] = frozenset()
    status: int | None = None
    limit_tokens: int | None = None
    retry_delay: object = None
    is_json: bool = True


def read_body(body: bytes) -> Said:
    """What the body of an error answer says."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff").strip()
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return Said("" if _is_page(text) else _shorten(text), is_json=False)
    return read_value(value)


def read_value(value: object) -> Said:
    """What the decoded JSON of an error says."""
    if isinstance(value, list) and value:
        value = cast("list[object]", value)[0]
    if not isinstance(value, dict):
        return Said(_shorten(value) if isinstance(value, str) else "")
    outer = cast("JsonObject", value)
    if (wrapped := _unwrap(outer)) is not None:
        return read_value(wrapped)
    inner = cast("JsonObject", outer["error"]) if isinstance(outer.get("error"), dict) else outer
    kinds = frozenset(
        str(inner[name]).lower()
        for name in ("code", "type", "status", "error_type", "reason")
        if isinstance(inner.get(name), str)
    ) | frozenset(str(one["reason"]).lower() for one in _details(inner) if isinstance(one.get("reason"), str))
    return Said(
        message=_shorten(_find_message(inner, outer)),
        kinds=kinds,
        status=_find_status(inner, outer, kinds),
        limit_tokens=inner["n_ctx"] if isinstance(inner.get("n_ctx"), int) else None,
        retry_delay=next((one["retryDelay"] for one in _details(inner) if "retryDelay" in one), None),
    )


def _unwrap(outer: JsonObject) -> JsonObject | None:
    """The error of llama.cpp that Ollama passes on as text."""
    text: object = outer.get("error")
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("JsonObject", value) if isinstance(value, dict) else None


def _details(inner: JsonObject) -> Iterator[JsonObject]:
    details = inner.get("details")
    if isinstance(details, list):
        yield from (cast("JsonObject", one) for one in cast("list[object]", details) if isinstance(one, dict))


def _find_message(inner: JsonObject, outer: JsonObject) -> str:
    metadata = inner.get("metadata")
    if isinstance(metadata, dict) and isinstance(raw := cast("JsonObject", metadata).get("raw"), str):
        return f"{inner.get('message', '')} {raw}"
    base = outer.get("base_resp")
    if isinstance(base, dict) and cast("JsonObject", base).get("status_msg"):
        return str(cast("JsonObject", base)["status_msg"])
    for holder in (inner, outer):
        for name in ("message", "detail", "error", "msg", "title", "errors"):
            found = holder.get(name)
            if isinstance(found, str) and found:
                return found
            if found and not isinstance(found, bool | int | float) and name != "error":
                return _as_text(found)
    return ""


def _as_text(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return ""


def _find_status(inner: JsonObject, outer: JsonObject, kinds: frozenset[str]) -> int | None:
    for holder in (inner, outer):
        for name in ("code", "status", "status_code"):
            code = holder.get(name)
            number = int(code) if isinstance(code, str) and _CODE.fullmatch(code) else code
            if isinstance(number, int) and 400 <= number < 600:
                return number
    base = outer.get("base_resp")
    if isinstance(base, dict):
        code = cast("JsonObject", base).get("status_code", 0)
        return _STATUS_OF_MINIMAX.get(code, 500) if isinstance(code, int) else 500
    return next((_STATUS_OF_KIND[kind] for kind in sorted(kinds) if kind in _STATUS_OF_KIND), None)


def _is_page(text: str) -> bool:
    return re.match(r"<(!doctype|html|head|body|\?xml)", text, re.IGNORECASE) is not None


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
