"""From what went wrong on the wire to the error tree."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlsplit

import httpx2

from ally.egress.failures.meaning import find_limit_tokens, is_about_money, read_meaning
from ally.egress.failures.retry_after import find_retry_after_s
from ally.egress.failures.said import Said, read_body, read_value
from ally.egress.location import classify
from ally.egress.offline import find_blocked
from ally.errors import (
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

_SECRET_HEADER = re.compile(r"key|token|auth|secret|cookie", re.IGNORECASE)
_MASKED = re.compile(r"[\w-]*\*{3,}[\w-]*")
_UNSAID = 500


class Service(Protocol):
    """What the errors of a service name. `base_url` has no trailing slash; the key and the headers are kept secret.

    `key_variable` is the environment variable that holds the key; empty: it is not known.
    """

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def base_url(self) -> str: ...
    @property
    def api_key(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def connect_timeout_s(self) -> float: ...
    @property
    def idle_timeout_s(self) -> float: ...
    @property
    def key_variable(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Hints:
    """What to do next in a service's own words. Empty: Ally's. `here` is how to stay on this machine."""

    unreachable: str = ""
    unknown_model: str = ""
    too_long: str = "send less at once, or use a model with a larger window: ally models"
    here: str = "ally --provider local"
    offline: str = ""


class Faults:
    """Makes the errors of one target; no message ever holds its key, even if the service echoes it."""

    def __init__(self, target: Service, hints: Hints) -> None:
        self._target = target
        self._hints = hints
        self._who = {"provider": target.provider, "model": target.model}
        self._secrets = _find_secrets(target)

    def from_answer(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error that an answer other than 200 stands for. `headers` have names in lower case."""
        if 300 <= status < 400:
            place = _host_of(headers.get("location", "")) or "another path"
            return self.bad_reply(f"answered {status} and points to {place}", hint="set base_url to the final address")
        return self._from_said(status, headers, read_body(body))

    def from_event(self, value: object) -> ProviderError:
        """The error that the service reports inside a 200 answer."""
        said = read_value(value)
        return self._from_said(said.status, {}, said)

    def from_transport(self, error: Exception, *, answering: bool) -> ProviderError:
        """The error that a failure of the connection stands for; `answering` says that a 200 had come."""
        blocked = error if isinstance(error, OfflineRefused) else find_blocked(error)
        if blocked is not None:
            return OfflineRefused(blocked.destination, hint=self._hints.offline, **self._who)
        name, place = self._target.provider, _place(self._target)
        match error:
            case httpx2.ReadTimeout():
                return IdleStream(self._target.idle_timeout_s, **self._who)
            case httpx2.DecodingError() | httpx2.SSEError():
                return self.bad_reply("sent something that is not a model's answer")
            case httpx2.ConnectTimeout():
                text = f"No connection to {name} at {place} within {self._target.connect_timeout_s:g} s."
            case httpx2.ConnectError() | OSError():
                text = f"No connection to {name} at {place}: {_cause(error)}."
            case httpx2.ProxyError():
                text = f"The proxy on the way to {name} failed: {self._clean(str(error))}."
            case _ if answering:
                return self.cut()
            case _:
                text = f"{name} at {place} closed the connection without an answer."
        return Unreachable(self._clean(text), hint=self._hints.unreachable or self._way_back(), **self._who)

    def _way_back(self) -> str:
        """What to do about a service that cannot be reached."""
        if classify(self._target.base_url) == "local":
            return f"start its server, or use the embedded engine: {self._hints.here}"
        return f"check base_url and the network, or stay on this machine: {self._hints.here}"

    def _pay_hint(self) -> str:
        return f"look at the plan and the balance of your account there, or stay on this machine: {self._hints.here}"

    def cut(self) -> CutStream:
        """The answer ended without the service's finish mark."""
        return CutStream(
            f"The answer of {self._target.provider} broke off before it was complete.", hint="try again", **self._who
        )

    def bad_reply(self, what: str, *, hint: str = "check base_url") -> BadReply:
        """The service answered, but not in its format; `what` begins with a verb."""
        return BadReply(
            self._clean(f"{self._target.provider} at {_place(self._target)} {what}."), hint=hint, **self._who
        )

    def unsendable_key(self) -> RefusedKey:
        """The key has characters that no HTTP header can hold."""
        return RefusedKey(
            f"The key of {self._target.provider} has characters that cannot be sent.",
            hint=f"{self._key_hint()}: copy it again without spaces or quotes",
            **self._who,
        )

    def _from_said(self, status: int | None, headers: Mapping[str, str], said: Said) -> ProviderError:
        name, model = self._target.provider, self._target.model
        number = f" ({status})" if status is not None else ""
        rest = self._clean(f"{number}: {said.message}" if said.message else f"{number}.")
        error: ProviderError
        match read_meaning(_UNSAID if status is None else status, said):
            case "too_long":
                text, limit_tokens = f"The request is too long for {model}{rest}", find_limit_tokens(said)
                error = ContextTooLong(text, limit_tokens=limit_tokens, hint=self._hints.too_long, **self._who)
            case "bad_key":
                error = RefusedKey(f"{name} refused the key{rest}", hint=self._key_hint(), **self._who)
            case "forbidden":
                error = RefusedKey(f"{name} does not allow this with the key{rest}", hint=self._key_hint(), **self._who)
            case "no_model":
                error = UnknownModel(f"{name} has no model {model}{rest}", hint=self._model_hint(said), **self._who)
            case "rate_limit":
                error = self._rate_limit(headers, said, rest)
            case "overloaded":
                error = Overloaded(f"{name} failed on its side{rest}", hint="try again in a moment", **self._who)
            case "no_money":
                error = BadRequest(f"{name} refused the request{rest}", hint=self._pay_hint(), **self._who)
            case "bad_request":
                error = BadRequest(f"{name} refused the request{rest}", **self._who)
        return error

    def _rate_limit(self, headers: Mapping[str, str], said: Said, rest: str) -> RateLimited:
        spent = is_about_money(said)
        wait_s = None if spent else find_retry_after_s(headers, said.retry_delay, said.message)
        if spent:
            hint = self._pay_hint()
        else:
            hint = f"try again in {wait_s:.0f} s" if wait_s is not None else "try again later, or use another model"
        text = f"{self._target.provider} asks to slow down{rest}"
        return RateLimited(text, retry_after_s=wait_s, is_spent=spent, hint=hint, **self._who)

    def _key_hint(self) -> str:
        if self._target.key_variable:
            return f"check {self._target.key_variable} in .env or the environment"
        return (
            f"check the key of {self._target.provider}; `ally providers show {self._target.provider}` says where from"
        )

    def _model_hint(self, said: Said) -> str:
        if not said.is_json:
            return f"check base_url ({_place(self._target)}); the answer does not look like that of a model service"
        return self._hints.unknown_model or f"see the models: ally providers show {self._target.provider}"

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            # A host in a redirect comes in lower case.
            text = re.sub(re.escape(secret), "[key]", text, flags=re.IGNORECASE)
        return _MASKED.sub("[key]", text)


def _find_secrets(target: Service) -> tuple[str, ...]:
    values = {value for name, value in target.headers.items() if _SECRET_HEADER.search(name)}
    values |= {value.partition(" ")[2] for value in values} | {target.api_key or ""}
    values |= {quote(value, safe="") for value in values}
    return tuple(sorted((value for value in values if len(value) >= 4), key=len, reverse=True))


def _place(target: Service) -> str:
    parts = urlsplit(target.base_url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _cause(error: BaseException) -> str:
    """The innermost reason in words, e.g. that nothing listens there."""
    link: BaseException | None = error
    while link is not None:
        match link:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({link.verify_message})"
            case ssl.SSLError():
                return f"the TLS handshake failed ({link.reason or 'no reason given'})"
            case ConnectionRefusedError():
                return "nothing listens there"
            case OSError() if type(link).__name__ in ("gaierror", "herror"):
                return "the name cannot be resolved"
            case OSError() if link.strerror:
                return link.strerror
            case _:
                link = link.__cause__ or link.__context__
    return "connection refused" if "refused" in str(error) else "the connection failed"
