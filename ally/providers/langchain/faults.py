"""What the exceptions of LangChain and of the vendors' packages mean, told by their shape; none is imported."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ally.egress.offline import find_blocked
from ally.errors import (
    AllyError,
    BadReply,
    BadRequest,
    ContextTooLong,
    CutStream,
    IdleStream,
    OfflineRefused,
    Overloaded,
    ProviderError,
    RateLimited,
    RefusedKey,
    UnknownModel,
    Unreachable,
)
from ally.providers.langchain.caller import Caller

MAX_TEXT = 600
TOO_LONG = re.compile(
    r"context[ _]length|context window|prompt is too long|maximum prompt length|input token count .* exceeds"
    r"|exceeds? the (?:available context|context length)|greater than the context length|context[ _]size"
    r"|reduce the length of the messages|too large for model|input length exceeds|request_too_large",
    re.IGNORECASE,
)
LIMITS = (
    re.compile(
        r"(?:maximum context length|maximum prompt length|context (?:size|window|length))\D{0,20}(\d{3,})", re.I
    ),
    re.compile(r"(?:>|maximum(?: number of tokens)? allowed \(?)\s*(\d{3,})", re.I),
    re.compile(r"model with (\d{3,}) maximum", re.I),
)
BAD_KEY = re.compile(
    r"api[ _-]?key (?:not valid|not found|invalid)|invalid (?:x-)?api[ _-]?key|incorrect api key", re.I
)
SILENT = re.compile(r"(?:Read|Write|API|Google|Chunk|OpenAI|Anthropic)?Timeout(?:Error|Exception)?$")
NOT_CONNECTED = re.compile(r"Connect|Connection|NetworkError|ProxyError|gaierror|Pool|Unreachable|DNS|SSLError")
BROKEN_OFF = re.compile(r"RemoteProtocolError|ReadError|IncompleteRead|StreamClosed|StreamConsumed|ChunkedEncoding")
SLOW_CONNECT = re.compile(r"ConnectTimeout|PoolTimeout")
NOTHING = "No generation chunks were returned"
UNREADABLE = re.compile(r"JSONDecodeError|ValidationError|OutputParserException|UnicodeDecodeError|DecodingError")
STATUSES: Mapping[tuple[int, ...] | range, type[ProviderError]] = {
    (401, 403): RefusedKey,
    (404,): UnknownModel,
    (408, 504): Unreachable,
    (429,): RateLimited,
    range(500, 600): Overloaded,
}
KINDS = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "request_too_large": 413,
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
    "timeout_error": 504,
}


@dataclass(frozen=True, slots=True)
class _Report:
    """What the chain of exceptions says."""

    caller: Caller
    names: tuple[str, ...]
    status: int | None
    text: str
    retry_after_s: float | None
    started: bool

    def named(self, pattern: re.Pattern[str]) -> bool:
        """Whether one of the classes of the exceptions is called so."""
        return any(pattern.search(name) for name in self.names)


def to_ally(error: BaseException, caller: Caller, *, started: bool = False) -> AllyError:
    """The Ally error for an exception of a call; `started` says whether a part of the answer had arrived."""
    chain = list(_chain(error))
    if (own := next((one for one in chain if isinstance(one, AllyError)), None)) is not None:
        return own
    if (blocked := find_blocked(error)) is not None:
        return OfflineRefused(blocked.destination, provider=caller.provider, model=caller.model)
    report = _Report(
        caller,
        tuple(cls.__name__ for one in chain for cls in type(one).__mro__),
        next((status for one in chain if (status := _status(one)) is not None), None),
        caller.clean(_text(error, chain)),
        next((wait for one in chain if (wait := _retry_after(one)) is not None), None),
        started,
    )
    return _from_status(report, report.status) if report.status is not None else _from_names(report)


def _from_status(report: _Report, status: int) -> ProviderError:
    caller, text = report.caller, f"({status}): {report.text}"
    if status == 413 or (status != 429 and TOO_LONG.search(text)):
        return _too_long(report)
    hint = ""
    kind = next((kind for known, kind in STATUSES.items() if status in known), BadRequest)
    if kind is RefusedKey or (status == 400 and BAD_KEY.search(text)):
        kind, what = RefusedKey, "refused the key"
        hint = f"check {' and '.join(caller.variables) or 'the key of this provider'}"
    elif kind is UnknownModel:
        what = f"does not have {caller.model}"
        hint = f"see: ally providers show {caller.provider}"
    elif kind is RateLimited:
        message = f"{caller.provider} asks to slow down {text}"
        return RateLimited(message, retry_after_s=report.retry_after_s, provider=caller.provider, model=caller.model)
    elif kind is Unreachable:
        what = "took too long"
    else:
        what = "failed on its side" if kind is Overloaded else "refused the request"
    return kind(f"{caller.provider} {what} {text}", hint=hint, provider=caller.provider, model=caller.model)


def _from_names(report: _Report) -> ProviderError:
    caller, text, hint = report.caller, report.text, ""
    if TOO_LONG.search(text):
        return _too_long(report)
    if report.named(SILENT) and not report.named(SLOW_CONNECT):
        return IdleStream(caller.idle_s, provider=caller.provider, model=caller.model)
    kind: type[ProviderError] = CutStream if report.started or "incomplete" in text.lower() else Unreachable
    if report.named(BROKEN_OFF):
        what = "broke off the connection"
    elif report.named(NOT_CONNECTED):
        what = "cannot be reached" if kind is Unreachable else "was lost in the middle of the answer"
        hint = "is the service running, and is its address right?"
    elif NOTHING in text:
        kind, what, text = BadReply, "ended without any answer", "the stream held nothing that could be read"
        hint = "is the base URL right? a log-in page of the network answers like this, too"
    elif report.named(UNREADABLE):
        kind, what = BadReply, "sent something unreadable"
    else:
        kind, what, hint = ProviderError, "failed", "the error comes from the library that the plug-in uses"
    return kind(f"{caller.provider} {what}: {text}", hint=hint, provider=caller.provider, model=caller.model)


def _too_long(report: _Report) -> ContextTooLong:
    caller = report.caller
    limit = next((int(found[1]) for pattern in LIMITS if (found := pattern.search(report.text))), None)
    message = f"The conversation is too long for {caller.model}: {report.text}"
    return ContextTooLong(message, limit_tokens=limit, provider=caller.provider, model=caller.model)


def words_of(error: BaseException) -> str:
    """What the exception says, without the input values that pydantic would repeat."""
    return _without_input(error) or str(error) or type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, what caused it, and the members of groups."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(one.exceptions)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - any
        waiting.extend(link for link in (one.__cause__, one.__context__) if link is not None)


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    for holder, name in ((error, "status_code"), (error, "http_status"), (error, "code"), (response, "status_code")):
        value = getattr(holder, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
            return value
    if getattr(error, "status_code", None) == -1 and type(error).__name__ == "ResponseError":
        return 500  # ollama: an error inside a stream
    details = _details(error)
    return next((KINDS[kind] for key in ("code", "type") if (kind := str(details.get(key))) in KINDS), None)


def _details(error: BaseException) -> Mapping[str, Any]:  # Any: a decoded error body
    body = getattr(error, "body", None) or getattr(error, "details", None)
    if not isinstance(body, Mapping):
        return {}
    inner: Any = body.get("error", body)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - JSON
    return inner if isinstance(inner, Mapping) else {"message": str(inner)}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON


def _text(error: BaseException, chain: list[BaseException]) -> str:
    """The service's own words, else the exception's."""
    said = next((str(message) for one in chain if (message := _details(one).get("message"))), "")
    if not said:
        said = words_of(error)
        if _status(error) is None and type(error).__name__ not in said:
            said = f"{type(error).__name__}: {said}"
    said = " ".join(said.split())
    return said if len(said) <= MAX_TEXT else said[:MAX_TEXT] + "…"


def _without_input(error: BaseException) -> str:
    """pydantic repeats the input, which may be a key; its own list of errors can leave it out."""
    errors = getattr(error, "errors", None)
    if not callable(errors) or type(error).__name__ != "ValidationError":
        return ""
    found: Any = errors(include_input=False, include_url=False, include_context=False)  # Any: pydantic is duck-typed
    return "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in found)


def _retry_after(error: BaseException) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    value = headers.get("retry-after") if headers is not None else None
    if value is None:
        found = re.search(r"retryDelay['\"]?:\s*['\"](\d+(?:\.\d+)?)s", str(error))
        return float(found[1]) if found else None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(str(value)) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
