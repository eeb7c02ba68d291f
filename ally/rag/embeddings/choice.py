"""Which embedder the settings ask for."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from ally.config.secrets import Keys
from ally.config.settings import Settings
from ally.errors import ConfigError, MissingKey, UnknownProvider
from ally.messages import JsonObject
from ally.models.servers.ollama import full_name, server
from ally.rag.embeddings.known import ApiName, load_table

if TYPE_CHECKING:
    from ally.rag.embeddings.plug_ins import PlugIn, PlugIns

LOCAL = "local"
"""The embedder of the embedded engine."""

_HUB_HOSTS = ("huggingface.co", "huggingface.cloud")

STAY_HERE = 'set "embedding_provider" to "local"'


class Service(Protocol):
    """A service that Ally knows otherwise, e.g. an OpenAI-compatible one with its address and its key's variable."""

    @property
    def name(self) -> str: ...
    @property
    def base_url(self) -> str: ...
    @property
    def compatible(self) -> str: ...
    @property
    def env_vars(self) -> Sequence[str]: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Known:
    """What can be chosen besides `known.json`.

    `presets` are services that come with Ally, `endpoints` those of config.json, which win over all others.
    """

    presets: Sequence[Service] = ()
    endpoints: Sequence[Service] = ()
    plug_ins: "PlugIns | None" = None


@dataclass(frozen=True, slots=True)
class EmbedderChoice:
    """One model of one provider with all that it needs. The key and the headers never show in a repr.

    `api` is the format that its service speaks; None: it is `local` or `plug_in`. `base_url` has no trailing slash and
    is empty where there is no service. `is_elsewhere`: that is not the address that comes with Ally. `options` are
    `provider_options.NAME.embeddings` of config.json, for a plug-in all of `provider_options.NAME`; the time limits are
    the provider's.
    """

    provider: str
    model: str | None = None
    api: ApiName | None = None
    base_url: str = ""
    api_key: str | None = field(default=None, repr=False)
    key_variable: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    options: JsonObject = field(default_factory=dict[str, object], repr=False)
    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 120.0
    is_elsewhere: bool = False
    plug_in: "PlugIn | None" = None


def wanted_embedder(settings: Settings, keys: Keys, known: Known, env: Mapping[str, str]) -> EmbedderChoice:
    """The embedder that `embedding_provider` and `embedding_model` name; `env` says where Ollama is.

    Raises:
        UnknownProvider: nothing is called that; the hint names what may have been meant.
        MissingKey: it needs a key that is not there.
        ConfigError: the provider has no embeddings or no default model, or an option cannot be used.
    """
    name = canonical(settings.embedding_provider)
    if name == LOCAL:
        return EmbedderChoice(LOCAL, settings.embedding_model)
    return _Chooser(settings, keys, known, env).choose(name)


def makes_embeddings(preset: Service) -> bool:
    """Whether a service that comes with Ally has any."""
    return preset.compatible == "openai" and preset.name.lower() not in load_table().without


def canonical(provider: str | None) -> str:
    """The name under which `provider` is known; None is `local`."""
    name = (provider or LOCAL).strip().lower()
    return load_table().aliases.get(name, name)


@dataclass(frozen=True, slots=True)
class _Chooser:
    settings: Settings
    keys: Keys
    known: Known
    env: Mapping[str, str]

    def choose(self, name: str) -> EmbedderChoice:
        for service in self.known.endpoints:
            if service.name.lower() == name:
                return self._of_service(name, service)
        plug_in = self.known.plug_ins.find(name) if self.known.plug_ins else None
        if plug_in is not None:
            return self._of_plug_in(name, plug_in)
        if name in load_table().services:
            return self._of_table(name)
        for service in self.known.presets:
            if service.name.lower() == name:
                return self._of_service(name, service)
        raise self._unknown(name)

    def _of_table(self, name: str) -> EmbedderChoice:
        row, options = load_table().services[name], _provider_options(self.settings, name)
        own = _own(name, options)
        model = self.settings.embedding_model or row.default_model
        if row.api == "ollama":
            model, base_url = full_name(model), server({**options, **own}, self.env)
        elif row.api == "huggingface":  # a base_url outside `embeddings` is for chatting
            base_url = _base_url(name, {}, own)
        else:
            base_url = _base_url(name, options, own) or row.base_url
        is_hub = row.api != "huggingface" or _is_below(base_url, _HUB_HOSTS)  # the token is for nobody else
        return self._choice(
            EmbedderChoice(
                name, model, row.api, base_url, is_elsewhere=base_url != row.base_url and row.api != "ollama"
            ),
            row.env_vars if is_hub else (),
            needs_key=is_hub and bool(row.env_vars),
        )

    def _of_service(self, name: str, service: Service) -> EmbedderChoice:
        is_preset = service not in self.known.endpoints
        if service.compatible != "openai" or (is_preset and not makes_embeddings(service)):
            raise ConfigError(
                f"{name} makes no embeddings.", key="embedding_provider", hint=f"choose another one, or {STAY_HERE}"
            )
        options = _provider_options(self.settings, name)
        model = self.settings.embedding_model or (load_table().defaults.get(name) if is_preset else None)
        if not model:
            raise ConfigError(
                f"No embedding model is chosen, and {name} has no default.",
                key="embedding_model",
                hint='name one that it serves in "embedding_model" of config.json',
            )
        chosen = _base_url(name, options, _own(name, options))
        return self._choice(
            EmbedderChoice(
                name,
                model,
                "openai",
                chosen or service.base_url.rstrip("/"),
                headers=service.headers,
                is_elsewhere=bool(chosen) or not is_preset,
            ),
            service.env_vars,
            needs_key=bool(service.env_vars),
        )

    def _of_plug_in(self, name: str, plug_in: "PlugIn") -> EmbedderChoice:
        model = self.settings.embedding_model or plug_in.default_model
        chosen = self._choice(EmbedderChoice(name, model), plug_in.env_vars, needs_key=bool(plug_in.env_vars))
        options = {key: value for key, value in _provider_options(self.settings, name).items() if key != "embeddings"}
        return replace(chosen, options=options | chosen.options, plug_in=plug_in)

    def _choice(self, start: EmbedderChoice, variables: Sequence[str], *, needs_key: bool) -> EmbedderChoice:
        """`start` with the key, the headers, the options and the time limits of its provider."""
        name = start.provider
        key = self.keys.find(name, variables)
        if needs_key and key is None:
            missing = self.keys.missing(name, variables)
            variable = missing[0] if missing else "its key"
            raise MissingKey(name, missing, hint=f"put {variable}=... into .env, or stay on this machine: {STAY_HERE}")
        options = _provider_options(self.settings, name)
        idle = options.get("idle_timeout_s", options.get("timeout", start.idle_timeout_s))
        connect = options.get("connect_timeout_s", start.connect_timeout_s)
        return replace(
            start,
            api_key=key.value if key else None,
            key_variable=next(iter(variables), ""),
            headers={**start.headers, **_headers(name, options.get("headers", {}))},
            options=_own(name, options),
            connect_timeout_s=_seconds(name, "connect_timeout_s", connect),
            idle_timeout_s=_seconds(name, "idle_timeout_s", idle),
        )

    def _unknown(self, name: str) -> UnknownProvider:
        table = load_table()
        endpoints = [one.name.lower() for one in self.known.endpoints]
        brought = self.known.plug_ins.names() if self.known.plug_ins else []
        presets = [one.name.lower() for one in self.known.presets if makes_embeddings(one)]
        names = {LOCAL, *table.services, *brought, *presets, *endpoints}
        near = difflib.get_close_matches(name, [*names, *table.aliases], n=1)
        hint = f'did you mean "{near[0]}"?' if near else "see embedding_provider in config.json"
        return UnknownProvider(name, sorted(names), hint=hint)


def _provider_options(settings: Settings, name: str) -> JsonObject:
    """The options of a provider, whatever the case of its name and whichever of its names it has there."""
    found: JsonObject = {}
    for key, value in settings.provider_options.items():
        if canonical(key) == name:
            found |= value
    return found


def _own(name: str, options: JsonObject) -> JsonObject:
    own: object = options.get("embeddings", {})
    if not isinstance(own, dict):
        raise _unusable(name, "embeddings", "an object of options")
    return cast("JsonObject", own)


def _base_url(name: str, options: JsonObject, own: JsonObject) -> str:
    value = own.get("base_url") or options.get("base_url") or options.get("endpoint") or ""
    text = value.strip().rstrip("/") if isinstance(value, str) else " "
    try:
        parts = urlsplit(text)
        is_usable = not text or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    except ValueError:
        is_usable = False
    if not is_usable or any(char.isspace() for char in text):
        raise _unusable(name, "base_url", "an address such as http://127.0.0.1:8000/v1")
    return text


def _is_below(base_url: str, domains: Sequence[str]) -> bool:
    host = (urlsplit(base_url).hostname or "").lower()
    is_inside = any(host == domain or host.endswith(f".{domain}") for domain in domains)
    return is_inside and base_url.startswith("https://")


def _headers(name: str, value: object) -> dict[str, str]:
    found = cast("dict[object, object]", value) if isinstance(value, dict) else {None: None}
    if not all(isinstance(one, str) for pair in found.items() for one in pair):
        raise _unusable(name, "headers", 'an object of texts, e.g. {"X-Team": "lab"}')
    return {str(key): str(text) for key, text in found.items()}


def _seconds(name: str, option: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise _unusable(name, option, "a number of seconds")
    return float(value)


def _unusable(name: str, option: str, wanted: str) -> ConfigError:
    key = f"provider_options.{name}.{option}"
    return ConfigError(f"{key} must be {wanted}.", key=key, hint=f"correct {key} in config.json")
