"""`provider_options` as the constructors of LangChain's chat models call them."""

from collections.abc import Collection, Iterable
from typing import TypeVar

from ally.messages import JsonObject
from ally.providers.wire.options import is_own, wants_stream

T = TypeVar("T")

TIMEOUT_S = 120.0
"""Longest silence of a service on the guide's road; `timeout` or `idle_timeout_s` of the options wins."""

_ONLY_LANGCHAIN = frozenset({"max_retries", "use_responses_api", "stream_usage", "output_version"})


def missing_package(package: str, provider: str) -> ImportError:
    """The error of a provider whose integration package is not there; the text is the guide's."""
    return ImportError(f"{package} package is required for {provider} provider. Install it with: pip install {package}")


def missing_key(variable: str) -> ValueError:
    """The error of a provider that was given no key; the text is the guide's."""
    return ValueError(f"{variable} environment variable is required")


def base_url_of(options: JsonObject, default: str) -> str:
    """Where requests go: `base_url` or `endpoint` of the options, else `default`; without a trailing slash."""
    return str(options.get("base_url") or options.get("endpoint") or default).rstrip("/")


def timeout_of(options: JsonObject) -> float:
    """Seconds that a request may stay silent."""
    return float(options.get("timeout") or options.get("idle_timeout_s") or TIMEOUT_S)


def others(options: JsonObject) -> JsonObject:
    """The options that are not Ally's own, and in LangChain's words whether whole answers are wanted."""
    whole = {} if wants_stream(options) else {"disable_streaming": True}
    return {name: value for name, value in options.items() if not is_own(name)} | whole


def for_the_wire(options: JsonObject) -> JsonObject:
    """The options without those that only LangChain understands: the rest is sent as request fields."""
    return {name: value for name, value in options.items() if name not in _ONLY_LANGCHAIN}


def openai_arguments(options: JsonObject, fields: Iterable[str], max_tokens_field: str) -> JsonObject:
    """Keyword arguments for ChatOpenAI and its relatives.

    `fields` are the arguments that the class knows; other options go into the request body as they are, which is what
    the fast road does with them. `max_tokens` is sent under `max_tokens_field`, whatever the class prefers.
    """
    known: Collection[str] = frozenset(fields)
    arguments: JsonObject = {"timeout": timeout_of(options), "max_retries": 2}
    body: JsonObject = {}
    for name, value in others(options).items():
        if name in ("max_tokens", "max_completion_tokens"):
            body[max_tokens_field] = value
        elif name in known:
            arguments[name] = value
        else:
            body[name] = value
    if headers := options.get("headers"):
        arguments["default_headers"] = headers
    if body:
        arguments["extra_body"] = {**body, **arguments.get("extra_body", {})}
    return arguments


def without_account(llm: T) -> T:
    """A `ChatOpenAI` that does not tell its service the OpenAI account of `OPENAI_ORG_ID` and `OPENAI_PROJECT_ID`."""
    for client in (getattr(llm, "root_client", None), getattr(llm, "root_async_client", None)):
        if client is not None:
            client.organization = None
            client.project = None
    return llm
