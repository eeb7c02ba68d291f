"""`provider_options` of config.json, sorted into what Ally uses itself and what goes to the service."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast
from urllib.parse import urlsplit

from ally.errors import ConfigError
from ally.messages import JsonObject
from ally.providers.listed import find_listed
from ally.providers.wire.target import Quirks, Target

_NOT_FOR_THE_SERVICE = ("base_url", "endpoint", "headers", "group_id", "context_window", "temperature", "timeout")
_FLAGS = ("stream", "streaming", "disable_streaming")
_SECONDS = {"connect_timeout_s": "connect_timeout_s", "timeout": "idle_timeout_s", "idle_timeout_s": "idle_timeout_s"}


def build_target(  # noqa: PLR0913 - the facts of a target; all but three are named
    provider: str,
    model: str,
    base_url: str,
    *,
    temperature: float | None = None,
    api_key: str | None = None,
    options: Mapping[str, object] | None = None,
    quirks: Quirks | None = None,
    headers: Mapping[str, str] | None = None,
    context_window: int | None = None,
    key_variable: str = "",
) -> Target:
    """The target of a wire call.

    Options of Ally's own win over the arguments: `base_url` (or `endpoint`), `headers` (added), `context_window`,
    `idle_timeout_s` (or `timeout`), `connect_timeout_s`, `stream: false`; `group_id` is left out. All others stay in
    `Target.options` as fields of the request. None means not given.

    At a service in the cloud the list of hosted models is asked, too: the smaller window counts, and what the model
    cannot do there is taken from the quirks.

    Raises:
        ConfigError: an option of Ally's own cannot be used.
    """
    given: JsonObject = {name: value for name, value in (options or {}).items() if value is not None}
    target = Target(
        provider=provider,
        model=model,
        base_url=_base_url(provider, given.get("base_url") or given.get("endpoint") or base_url),
        api_key=(api_key or "").strip() or None,
        temperature=_number(provider, "temperature", given["temperature"])
        if temperature is None and "temperature" in given
        else temperature,
        options={name: value for name, value in given.items() if not is_own(name)},
        headers={**(headers or {}), **_headers(provider, given.get("headers", {}))},
        quirks=quirks or Quirks(),
        context_window=_tokens(provider, given["context_window"]) if "context_window" in given else context_window,
        context_window_source="user" if "context_window" in given else "catalogue",
        streaming=wants_stream(given),
        key_variable=key_variable,
    )
    times = {
        field: _number(provider, name, given[name], more_than=0) for name, field in _SECONDS.items() if name in given
    }
    return _as_listed(replace(target, **times) if times else target)


def _as_listed(target: Target) -> Target:
    listed = find_listed(target.provider, target.model, target.base_url, target.options)
    if listed is None:
        return target
    quirks = target.quirks
    quirks = replace(quirks, tools=quirks.tools and listed.tools, images=quirks.images and listed.images)
    if target.context_window_source != "user":
        window = min(listed.context_window, target.context_window or listed.context_window)
        target = replace(target, context_window=window)
    constrains = quirks.structured == "json_schema" and listed.structured
    return replace(target, quirks=quirks, constrains=constrains, price=listed.price)


def is_own(name: str) -> bool:
    """Whether Ally uses the option itself, so that it is no field of a request."""
    return name in _NOT_FOR_THE_SERVICE or name in _FLAGS or name in _SECONDS


def wants_stream(given: Mapping[str, object]) -> bool:
    """Whether answers may come piece by piece: nothing in the options says otherwise."""
    wanted = given.get("stream", given.get("streaming", True)) is not False
    return wanted and given.get("disable_streaming") is not True


def _base_url(provider: str, value: object) -> str:
    text = value.strip().rstrip("/") if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(char.isspace() for char in text):
        raise _unusable(provider, "base_url", "an address such as http://127.0.0.1:8000/v1")
    return text


def _headers(provider: str, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _unusable(provider, "headers", 'an object of texts, e.g. {"X-Team": "lab"}')
    found = cast("Mapping[object, object]", value)
    if not all(isinstance(name, str) and isinstance(text, str) for name, text in found.items()):
        raise _unusable(provider, "headers", 'an object of texts, e.g. {"X-Team": "lab"}')
    return {str(name): str(text) for name, text in found.items()}


def _number(provider: str, name: str, value: object, *, more_than: float | None = None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or (more_than is not None and value <= more_than):
        raise _unusable(provider, name, "a number" if more_than is None else f"a number above {more_than:g}")
    return float(value)


def _tokens(provider: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise _unusable(provider, "context_window", "a whole number of tokens")
    return value


def _unusable(provider: str, name: str, wanted: str) -> ConfigError:
    key = f"provider_options.{provider}.{name}"
    return ConfigError(f"{key} must be {wanted}.", key=key, hint=f"correct {key} in config.json")
