"""The composition root: settings in, a wired application out."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ally.config.environment import is_offline_wanted
from ally.config.load import Loaded, load_settings
from ally.config.paths import Paths, find_checkout, find_paths, moved_folder
from ally.config.secrets import Keys, load_env_files
from ally.config.settings import Settings
from ally.egress.offline import enable
from ally.egress.quiet import silence
from ally.plugins import read_api_keys
from ally.providers.registry import ProviderRegistry, Sources

if TYPE_CHECKING:
    from ally.engine.conversation import Conversation
    from ally.sessions.store import Sessions


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
        _ = self.env_files  # first: an .env file may set ALLY_* variables
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
    def env_files(self) -> dict[str, Path]:
        """Variables that came from an `.env` file, now in the environment, and the file of each."""
        files = load_env_files(self.paths, self.checkout, self.env)
        _close_ways_out(self.env, self.offline)  # again: a file may have named a proxy or a tracing service
        return files

    @cached_property
    def keys(self) -> Keys:
        """Keys from `main.py`, the environment and the `.env` files."""
        files, given = self.env_files, self.given_keys
        if given is None:
            given = read_api_keys(self.checkout) if self.checkout else {}
        return Keys(self.env, given, files)

    @cached_property
    def registry(self) -> ProviderRegistry:
        """All providers; what its discovery has to say goes to `warn`."""
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

    @cached_property
    def sessions(self) -> "Sessions":
        """What was said before, in `sessions.db` of the data folder, or of `ALLY_HISTORY_DIR`."""
        from ally.sessions.store import FILE_NAME, Sessions  # heavy

        _ = self.env_files  # first: an .env file may set ALLY_* variables
        folder = moved_folder(self.env, "ALLY_HISTORY_DIR", self.paths.data, self.warn)
        return Sessions.open(folder / FILE_NAME, self.warn)

    def converse(
        self, agent: str, *, provider: str | None = None, model: str | None = None, temperature: float | None = None
    ) -> "Conversation":
        """A new conversation with `agent`; the other arguments override its settings for this one.

        Raises:
            AllyError: the agent, provider or model cannot be had; nothing was sent anywhere.
        """
        # Listing and configuring need none of these.
        from ally.agents.spec import load_agent  # heavy
        from ally.engine.conversation import Conversation  # heavy
        from ally.providers.connect import Choice, connect  # heavy
        from ally.providers.default import default_choice  # heavy

        spec = load_agent(agent)
        flags = {"provider": provider, "model": model, "temperature": temperature}
        settings = load_settings(self.paths, self.checkout, self.env, flags).settings
        wanted = settings.for_agent(agent)
        found = None if wanted.provider else default_choice(self.env, settings.provider_options.get("ollama", {}))
        choice = Choice(
            provider=found.provider if found else str(wanted.provider),
            model=wanted.model or (found.model if found else None),
            temperature=spec.temperature if wanted.temperature is None else wanted.temperature,
        )
        connected = connect(self.registry, self.keys, choice, settings.provider_options, self.warn)
        return Conversation(connected, system=wanted.system_prompt or spec.prompt)


def _close_ways_out(env: MutableMapping[str, str], offline: bool) -> None:
    silence(env)
    if offline:
        enable()
