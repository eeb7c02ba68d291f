"""What there is to know about a LangChain object from the outside: whose class it is, how it can be driven."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel, BaseLanguageModel, BaseLLM

from ally.messages import JsonObject
from ally.providers.langchain.connections import stay_at_the_service

Family = Literal["openai", "anthropic", "google", "ollama", "groq", "mistral", "other"]
Drive = Literal["astream", "stream", "ainvoke", "invoke"]

FAMILIES: Mapping[str, Family] = {
    "langchain_openai": "openai",
    "langchain_anthropic": "anthropic",
    "langchain_google_genai": "google",
    "langchain_google_vertexai": "google",
    "langchain_ollama": "ollama",
    "langchain_groq": "groq",
    "langchain_mistralai": "mistral",
}
"""Packages whose chat classes always say why an answer ended; a subclass counts as its vendor's."""
SEES_IMAGES = ("openai", "anthropic", "google")
WRAPPED = ("bound", "runnable")
"""Where bindings and fallbacks keep the model inside; sequences have `steps`."""
MAX_DEPTH = 5
_NO_PARAMETERS: JsonObject = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class Vendor:
    """The model inside an object and what its class can do. `core` is the object itself if there is no model inside."""

    core: Any  # Any: a stranger's object
    family: Family
    is_completion: bool
    drive: Drive


def inspect(llm: object, *, streaming: bool) -> Vendor:
    """How to treat `llm`; `streaming` False asks for whole answers."""
    core = _core(llm)
    core = llm if core is None else core
    is_completion = isinstance(core, BaseLLM)
    family: Family = "other"  # also of completion classes: they lose the finish reason on the way
    if not is_completion:
        packages = [cls.__module__.partition(".")[0] for cls in type(core).__mro__]
        known: list[Family] = [FAMILIES[package] for package in packages if package in FAMILIES]
        family = known[0] if known else "other"
    return Vendor(core, family, is_completion, _drive(core, streaming and not _refuses_streaming(core)))


def takes_tools(llm: object) -> bool:
    """Whether tools can be bound to it; a class that only inherits the unimplemented method cannot."""
    bind = getattr(llm, "bind_tools", None)
    if not callable(bind):
        return False
    probe: JsonObject = {
        "type": "function",
        "function": {"name": "probe", "description": "Probe.", "parameters": _NO_PARAMETERS},
    }
    try:
        bind([probe])
    except Exception:  # noqa: BLE001 - boundary: a stranger's method; whatever it raises, it binds no tools
        return False
    return True


def address(core: object) -> str:
    """The base URL the object was given, or nothing."""
    for name in ("openai_api_base", "base_url", "anthropic_api_url", "groq_api_base", "api_base", "endpoint_url"):
        value = getattr(core, name, None)
        if isinstance(value, str) and value:
            return value
    return ""


def take_over(core: object) -> None:
    """Turn off retries and timers inside, which Ally does itself, visibly, and refuse redirects to strangers."""
    if getattr(core, "stream_chunk_timeout", None) is not None:
        core.stream_chunk_timeout = None  # pyright: ignore[reportAttributeAccessIssue] - seen
    for name in ("root_client", "root_async_client", "client", "async_client", "_client", "_async_client"):
        resource = getattr(core, name, None)
        for client in (resource, getattr(resource, "_client", None)):
            if isinstance(getattr(client, "max_retries", None), int) and not isinstance(client, BaseLanguageModel):
                client.max_retries = 0  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue] - seen
    if isinstance(getattr(core, "max_retries", None), int) and "google" in type(core).__module__:
        core.max_retries = 1  # pyright: ignore[reportAttributeAccessIssue] - seen; it counts the first attempt, too
    stay_at_the_service(core)


def whole_answers_only(core: object) -> None:
    """Keep LangChain from streaming behind an `invoke`: what it then puts together is repaired, not checked."""
    if isinstance(core, BaseChatModel):
        core.disable_streaming = True


def uses_responses(core: object) -> bool:
    """Whether a ChatOpenAI speaks OpenAI's newer API, which reports usage unasked and names its fields otherwise."""
    decides: Any = getattr(core, "_use_responses_api", None)  # Any: a method of ChatOpenAI
    return bool(decides({})) if callable(decides) else False


def describe(value: object) -> str:
    """The class of an object, with its module, for an error text."""
    cls = type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def is_callable_model(llm: object) -> bool:
    """Whether it has any of the methods of a LangChain object."""
    return any(callable(getattr(llm, name, None)) for name in ("astream", "stream", "ainvoke", "invoke"))


def _core(llm: Any, depth: int = MAX_DEPTH) -> Any:  # Any: a stranger's object
    """The model inside bindings, fallbacks and sequences; None if there is none."""
    if _is_model(llm):
        return llm
    steps: Any = getattr(llm, "steps", None)  # Any: a stranger's object
    inner: list[Any] = [*steps] if isinstance(steps, list) else []  # pyright: ignore[reportUnknownArgumentType] - a stranger's list
    inner += [getattr(llm, name) for name in WRAPPED if hasattr(llm, name)]
    found = (_core(one, depth - 1) for one in inner if depth)
    return next((core for core in found if core is not None), None)


def _is_model(value: object) -> bool:
    return isinstance(value, BaseLanguageModel)


def _refuses_streaming(core: object) -> bool:
    given: Any = getattr(core, "model_fields_set", ())  # Any: a stranger's object
    return getattr(core, "disable_streaming", False) is True or (
        "streaming" in given and getattr(core, "streaming", None) is False
    )


def _drive(core: object, streaming: bool) -> Drive:
    """The best way the class really implements: LangChain fills the gaps with threads that cannot be left."""
    if not _is_model(core):
        order: tuple[Drive, ...] = ("astream", "stream", "ainvoke", "invoke") if streaming else ("ainvoke", "invoke")
        ways: list[Drive] = [way for way in order if callable(getattr(core, way, None))]
        return ways[0] if ways else "invoke"
    if streaming and _native(core, "_astream"):
        return "astream"
    if streaming and _native(core, "_stream"):
        return "stream"
    return "ainvoke" if _native(core, "_agenerate") or _native(core, "_acall") else "invoke"


def _native(core: object, method: str) -> bool:
    owner = next((cls for cls in type(core).__mro__ if method in vars(cls)), None)
    return owner is not None and not owner.__module__.startswith("langchain_core.language_models")
