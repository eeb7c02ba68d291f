"""What the exceptions of LangChain and of the vendors' packages mean, told by their shape; none is imported."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ally.egress.failures.meaning import find_limit_tokens, is_about_money, read_meaning
from ally.egress.failures.retry_after import find_retry_after_s
from ally.egress.failures.said import Said, read_body, read_value
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

SILENT = re.compile(r"(?:Read|Write|API|Google|Chunk|OpenAI|Anthropic)?Timeout(?:Error|Exception)?$")
SLOW_CONNECT = re.compile(r"ConnectTimeout|PoolTimeout")
NOT_CONNECTED = re.compile(r"Connect|Connection|NetworkError|ProxyError|gaierror|Pool|Unreachable|DNS|SSLError")
BROKEN_OFF = re.compile(r"RemoteProtocolError|ReadError|IncompleteRead|StreamClosed|StreamConsumed|ChunkedEncoding")
UNREADABLE = re.compile(
    r"JSONDecodeError|ValidationError|OutputParserException|UnicodeDecodeError|DecodingError|UnknownApiResponse"
)
UNSAID = 500
"""For what a service reports inside a stream without a status."""
NOTHING = "No generation chunks were returned"
NOT_JSON = "'str' object has no attribute"
"""What the SDKs stumble over when the answer is a text instead of JSON."""
PAGE = re.compile(r"<(?:!doctype|html|head|body)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Report:
    """What the chain of exceptions says."""

    caller: Caller
    names: tuple[str, ...]
    status: int | None
    said: Said
    headers: Mapping[str, str]
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
    found = next((found for one in chain if (found := _body(one)) is not None), None)
    statuses = [status for one in chain if (status := _status(one)) is not None]
    if found is not None:
        statuses += [found.status if found.status is not None else UNSAID]
    said = found or Said("")
    if not said.message:
        text = _own_words(error, has_status=bool(statuses))
        said = said._replace(message="" if PAGE.search(text) else text)
    report = _Report(
        caller,
        tuple(cls.__name__ for one in chain for cls in type(one).__mro__),
        statuses[0] if statuses else None,
        said._replace(message=caller.clean(said.message)),
        next((found for one in chain if (found := _headers(one))), dict[str, str]()),
        started,
    )
    if statuses or read_meaning(400, said) == "too_long":
        return _from_service(report)
    return _from_library(report)


def _from_service(report: _Report) -> ProviderError:
    caller, said = report.caller, report.said
    name = caller.provider
    number = f" ({report.status})" if report.status is not None else ""
    rest = f"{number}: {said.message}" if said.message else f"{number}."
    hint, kind, text = "", BadRequest, f"{name} refused the request{rest}"
    match read_meaning(report.status or 400, said):
        case "too_long":
            text, limit = f"The request is too long for {caller.model}{rest}", find_limit_tokens(said)
            return ContextTooLong(text, limit_tokens=limit, provider=name, model=caller.model)
        case "rate_limit":
            wait_s = None
            if not is_about_money(said):
                wait_s = find_retry_after_s(report.headers, said.retry_delay, said.message)
            text = f"{name} asks to slow down{rest}"
            return RateLimited(text, retry_after_s=wait_s, provider=name, model=caller.model)
        case "bad_key" | "forbidden":
            kind, text = RefusedKey, f"{name} refused the key{rest}"
            hint = f"check {' and '.join(caller.variables) or f'the key of {name}'}"
        case "no_model":
            kind, text, hint = UnknownModel, f"{name} has no model {caller.model}{rest}", f"ally providers show {name}"
        case "overloaded":
            kind, text, hint = Overloaded, f"{name} failed on its side{rest}", "try again in a moment"
        case "no_money":
            hint = "look at the plan and the balance of your account there"
        case "bad_request":
            pass
    return kind(text, hint=hint, provider=name, model=caller.model)


def _from_library(report: _Report) -> ProviderError:
    caller, text, hint = report.caller, report.said.message, ""
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
    elif report.named(UNREADABLE) or not text or NOT_JSON in text:
        kind, what, text = BadReply, "sent something unreadable", text or "a web page"
        hint = "is the base URL right?"
    else:
        kind, what, hint = ProviderError, "failed", "the error comes from the library that the plug-in uses"
    return kind(f"{caller.provider} {what}: {text}", hint=hint, provider=caller.provider, model=caller.model)


def words_of(error: BaseException) -> str:
    """What the exception says, without the input values that pydantic would repeat."""
    errors = getattr(error, "errors", None)
    if not callable(errors) or type(error).__name__ != "ValidationError":
        return str(error) or type(error).__name__
    found: Any = errors(include_input=False, include_url=False, include_context=False)  # Any: pydantic is duck-typed
    return "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in found)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, what caused it, and the members of groups."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        members: tuple[BaseException, ...] = getattr(one, "exceptions", ())
        waiting.extend(link for link in (*members, one.__cause__, one.__context__) if isinstance(link, BaseException))


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    for holder, name in ((error, "status_code"), (error, "http_status"), (error, "code"), (response, "status_code")):
        value = getattr(holder, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
            return value
    # ollama: an error inside a stream
    return 500 if getattr(error, "status_code", None) == -1 and type(error).__name__ == "ResponseError" else None


def _body(error: BaseException) -> Said | None:
    """What the service said, as the vendors' exceptions keep it: decoded or as text."""
    for name in ("body", "details", "error"):
        value: object = getattr(error, name, None)
        if isinstance(value, str) and value:
            value = read_body(value.encode("utf-8", "replace"))
        elif isinstance(value, dict | list) and value:
            value = read_value(value)  # pyright: ignore[reportUnknownArgumentType] - decoded JSON
        if isinstance(value, Said):
            return value._replace(message="") if PAGE.search(value.message) else value
    return None


def _headers(error: BaseException) -> dict[str, str]:
    headers: Any = getattr(getattr(error, "response", None), "headers", None)  # Any: httpx is duck-typed
    return {str(name).lower(): str(value) for name, value in headers.items()} if headers else {}


def _own_words(error: BaseException, *, has_status: bool) -> str:
    """The words of an exception that keeps no body, with its class where no status says more."""
    said = read_body(words_of(error).encode("utf-8", "replace")).message
    name = type(error).__name__
    if not said and PAGE.search(str(error)):
        return ""
    return said if has_status or name in said else f"{name}: {said}"
