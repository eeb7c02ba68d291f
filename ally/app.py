"""The composition root: settings in, a wired application out."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ally.agents.spec import load_agent
from ally.config.environment import is_offline_wanted
from ally.config.load import Loaded, load_settings
from ally.config.paths import Paths, find_checkout, find_paths
from ally.config.secrets import Keys, load_env_files
from ally.config.settings import Settings
from ally.egress.offline import enable
from ally.egress.quiet import silence
from ally.engine.conversation import Conversation
from ally.plugins import read_api_keys
from ally.providers.connect import Choice, connect
from ally.providers.default import default_choice
from ally.providers.registry import ProviderRegistry, Sources


@dataclass
class App:
    """Everything a front end needs, made when it is first asked for, so that listing costs no more than listing."""

    env: MutableMapping[str, str]
    paths: Paths
    checkout: Path | None
    offline: bool
    warn: Callable[[str], None]
    given_keys: Mapping[str, str | None] | None

    @classmethod
    def open(
        cls,
        env: MutableMapping[str, str],
        *,
        offline: bool,
        api_keys: Mapping[str, str | None] | None,
        warn: Callable[[str], None],
    ) -> "App":
        """The application for this process; telemetry of every library is off and offline mode is on from here."""
        offline = offline or is_offline_wanted(env)
        _close_ways_out(env, offline)
        return cls(env, find_paths(env), find_checkout(), offline, warn, api_keys)

    @cached_property
    def loaded(self) -> Loaded:
        """Settings with the place where each was set."""
        return load_settings(self.paths, self.checkout, self.env, {})

    @property
    def settings(self) -> Settings:
        """What the user set."""
        return self.loaded.settings

    @property
    def origins(self) -> dict[str, str]:
        """Dotted key to the file or variable it came from."""
        return self.loaded.origins

    @cached_property
    def keys(self) -> Keys:
        """Keys from `main.py`, the environment and the `.env` files."""
        files = load_env_files(self.paths, self.checkout, self.env)
        _close_ways_out(self.env, self.offline)  # again: an .env file may have named a proxy or a tracing service
        given = self.given_keys
        if given is None:
            given = read_api_keys(self.checkout) if self.checkout else {}
        return Keys(self.env, given, files)

    @cached_property
    def registry(self) -> ProviderRegistry:
        """All providers; what its discovery has to say goes to `warn`."""
        _ = self.keys  # reads .env, and plug-ins may look at variables when they are listed
        sources = Sources(
            checkout=self.checkout,
            user_dir=self.paths.config / "providers",
            endpoints=self.settings.endpoints,
            cache_file=self.paths.cache / "providers.json",
            provider_options=self.settings.provider_options,
        )
        registry = ProviderRegistry(sources)
        for warning in registry.warnings:
            self.warn(warning)
        return registry

    def converse(
        self, agent: str, *, provider: str | None = None, model: str | None = None, temperature: float | None = None
    ) -> Conversation:
        """A new conversation with `agent`; the other arguments override its settings for this one.

        Raises:
            AllyError: the agent, provider or model cannot be had; nothing was sent anywhere.
        """
        spec = load_agent(agent)
        wanted = self.settings.for_agent(agent)
        options = self.settings.provider_options
        named = provider or wanted.provider
        default = Choice(named) if named else default_choice(self.env, options.get("ollama", {}))
        choice = Choice(
            provider=default.provider,
            model=model or (wanted.model if _is_same(provider, wanted.provider) else None) or default.model,
            temperature=_first(temperature, wanted.temperature, spec.temperature),
        )
        connected = connect(self.registry, self.keys, choice, options, self.warn)
        return Conversation(connected, system=wanted.system_prompt or spec.prompt)


def _close_ways_out(env: MutableMapping[str, str], offline: bool) -> None:
    silence(env)
    if offline:
        enable()


def _is_same(asked: str | None, configured: str | None) -> bool:
    """Whether the configured model belongs to the provider that was asked for."""
    return asked is None or (configured is not None and asked.lower() == configured.lower())


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
