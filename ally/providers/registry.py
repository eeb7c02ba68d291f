"""The providers that Ally knows, from all the places they come from.

The one that comes later wins: presets and built-in classes, installed packages, `<config>/ally/providers/`, the
checkout's `app/src/providers/custom/`, endpoints of config.json. Nothing is read before the first question, and no
plug-in is imported into this process before it is chosen.
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ally.errors import PluginError, UnknownProvider
from ally.messages import JsonObject
from ally.providers.base import BaseProvider
from ally.providers.compatible import CompatibleProvider
from ally.providers.discovery import facade
from ally.providers.discovery.dropped import find_dropped
from ally.providers.discovery.entry import Found, ProviderEntry, Quarantined, broken_entry, entry_of
from ally.providers.discovery.shipped import aimed, builtin_providers, endpoint_providers, preset_providers
from ally.quarantine.dropped import Places, PlugInOrigin
from ally.quarantine.manifest import Manifest

if TYPE_CHECKING:
    from ally.config.settings import Endpoint


@dataclass(frozen=True, slots=True)
class Sources:
    """Where providers come from. `user_dir` is `<config>/ally/providers`; `cache_file` remembers plug-ins."""

    checkout: Path | None
    user_dir: Path
    cache_file: Path
    endpoints: "Mapping[str, Endpoint]" = field(default_factory=dict[str, "Endpoint"])
    provider_options: Mapping[str, JsonObject] = field(default_factory=dict[str, JsonObject])


@dataclass(slots=True)
class _Index:
    """The winners by name, what each replaced, and what was left out."""

    winners: dict[str, Found] = field(default_factory=dict[str, Found])
    overrides: dict[str, str] = field(default_factory=dict[str, str])
    quarantined: list[Quarantined] = field(default_factory=list[Quarantined])
    warnings: list[str] = field(default_factory=list[str])

    def add(self, found: Found) -> None:
        old = self.winners.get(found.name)
        if old is not None and (old.origin, found.origin) != ("builtin", "builtin"):
            label = str(old.path) if old.path and old.label == found.label else old.label
            self.overrides[found.name] = label
            if found.origin != "endpoint" or old.origin != "builtin":
                self.warnings.append(found.warning(label))
        self.winners[found.name] = found


class ProviderRegistry:
    """Finds providers by name, and says what there is."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._made: dict[str, BaseProvider] = {}

    @property
    def warnings(self) -> list[str]:
        """What the user should know: which provider overrides which, and what was left out and why."""
        left_out = [f"Failed to load {broken.label}: {broken.cause}" for broken in self._index.quarantined]
        return self._index.warnings + left_out

    def entries(self) -> list[ProviderEntry]:
        """Every provider by name; plug-ins that were left out are among them, with `error`."""
        index = self._index
        rows = [entry_of(one, index.overrides.get(one.name), self._options(one.name)) for one in index.winners.values()]
        rows += [broken_entry(broken) for broken in index.quarantined]
        return sorted(rows, key=lambda row: (row.name, row.error is not None))

    def names(self) -> list[str]:
        """The names of the providers that can be used, sorted."""
        return sorted(self._index.winners)

    def get(self, name: str) -> BaseProvider:
        """The provider called `name`, in any case; its plug-in is imported now.

        Raises:
            UnknownProvider: there is none; the hint says what may have been meant.
            PluginError: it is defined by a plug-in that cannot be loaded.
        """
        key = name.strip().lower()
        if key not in self._made:
            found = self._index.winners.get(key)
            if found is None:
                raise self.unknown(name)
            self._refuse_to_replace(found)
            self._made[key] = aimed(found.make(), self._options(key))
        return self._made[key]

    def unknown(self, name: str) -> UnknownProvider:
        """The error for a name that no provider has; the hint says what may have been meant."""
        return UnknownProvider(name, self.names(), hint=self._hint(name.strip().lower()))

    def get_provider(self, name: str) -> type[BaseProvider] | None:
        """The class of the provider `name`, to be called without arguments; None if there is none."""
        try:
            provider = self.get(name)
        except UnknownProvider:
            return None
        if isinstance(provider, CompatibleProvider):
            spec = provider.spec

            def init(self: CompatibleProvider) -> None:
                CompatibleProvider.__init__(self, spec)

            return type(f"{spec.name.title()}Provider", (CompatibleProvider,), {"__init__": init})
        return type(provider)

    def list_providers(self) -> list[str]:
        """The same as `names`."""
        return self.names()

    def is_provider_available(self, name: str) -> bool:
        """Whether there is a provider of this name, in any case."""
        return name.strip().lower() in self._index.winners

    def get_provider_info(self, name: str) -> dict[str, object] | None:
        """Name, display name, variables, models and streaming of one provider; None if there is none."""
        found = self._index.winners.get(name.strip().lower())
        if found is None:
            return None
        says = found.describe(self._options(found.name))
        return {
            "name": says.name,
            "display_name": says.display_name,
            "required_env_vars": list(says.required_env_vars),
            "default_model": says.default_model,
            "available_models": list(says.available_models),
            "supports_streaming": says.supports_streaming,
        }

    @cached_property
    def _index(self) -> _Index:
        sources = self._sources
        index = _Index()
        found, index.quarantined = find_dropped(self._places(), Manifest(sources.cache_file))
        for one in (*preset_providers(), *builtin_providers(), *found, *endpoint_providers(sources.endpoints)):
            index.add(one)
        return index

    def _places(self) -> Places:
        sources = self._sources
        folders = facade.install(sources.checkout, sources.user_dir)
        origins: dict[str, PlugInOrigin] = {facade.CUSTOM: "custom", facade.USER: "user"}
        return Places(sources.checkout, sources.user_dir, [(folder, origins[folder.package]) for folder in folders])

    def _options(self, name: str) -> JsonObject:
        given = self._sources.provider_options
        return given.get(name) or {key.lower(): value for key, value in given.items()}.get(name, {})

    def _refuse_to_replace(self, found: Found) -> None:
        """A broken plug-in must not send prompts elsewhere than its author meant, by falling back to its namesake."""
        if found.origin == "endpoint":
            return
        for broken in self._index.quarantined:
            if found.name in broken.claims and broken.path and broken.path != found.path:
                raise PluginError(
                    broken.path,
                    f"Provider '{found.name}' is defined by {broken.path.name}, which cannot be used: {broken.cause}",
                    hint=f"mend {broken.path}, or remove it to use the {found.label}",
                )

    def _hint(self, key: str) -> str:
        for broken in self._index.quarantined:
            if key in broken.claims or key == broken.name.lower():
                return f"{broken.path or broken.label} was left out: {broken.cause}"
        near = difflib.get_close_matches(key, self.names(), n=1)
        return f"did you mean {near[0]}?" if near else "ally providers lists them with their origin"


@cache
def get_provider_registry() -> ProviderRegistry:
    """The registry of this process, with the user's own configuration.

    Raises:
        ConfigError: config.json cannot be used.
    """
    from ally.config.load import load_settings  # heavy
    from ally.config.paths import find_checkout, find_paths  # heavy

    paths, checkout = find_paths(os.environ), find_checkout()
    settings = load_settings(paths, checkout, os.environ, {}).settings
    return ProviderRegistry(
        Sources(
            checkout=checkout,
            user_dir=paths.config / "providers",
            cache_file=paths.cache / "providers.json",
            endpoints=settings.endpoints,
            provider_options=settings.provider_options,
        )
    )
