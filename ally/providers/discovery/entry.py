"""One row of `ally providers`, and where it came from."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ally.egress.location import Location, classify
from ally.messages import JsonObject
from ally.providers.base import BaseProvider
from ally.providers.discovery.description import Description

Origin = Literal["builtin", "custom", "user", "entry-point", "endpoint"]
_FARTHEST_FIRST: tuple[Location, ...] = ("cloud", "lan", "local")


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """What a listing tells about a provider.

    `overrides` is what it replaces, `error` why it cannot be used; then the rest is unknown and `name` is that of the
    file. `notes` are methods that failed where the guide has a default.
    """

    name: str
    display_name: str
    origin: Origin
    path: Path | None = None
    required_env_vars: tuple[str, ...] = ()
    default_model: str | None = None
    available_models: tuple[str, ...] = ()
    supports_streaming: bool = True
    location: Location = "cloud"
    overrides: str | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A provider in one of the places where providers come from; nothing of it has run yet.

    `label` says what it is, for the one that overrides it. `describe` takes its `provider_options`. `addresses` are
    where its prompts may go, as far as can be seen without running it.
    """

    name: str
    origin: Origin
    label: str
    make: Callable[[], BaseProvider]
    describe: Callable[[JsonObject], Description]
    path: Path | None = None
    addresses: Callable[[], Iterable[str]] = tuple

    def warning(self, overridden: str) -> str:
        """What to tell the user when it takes the place of `overridden`."""
        label = f"{self.label[0].upper()}{self.label[1:]}"
        kind, found, source = label.partition(" from ")
        return f"{kind} '{self.name}'{found}{source} overrides {overridden}"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A plug-in, or one class of it, that cannot be used. `claims` are the provider names it seems to define."""

    name: str
    origin: Origin
    label: str
    cause: str
    path: Path | None = None
    claims: frozenset[str] = frozenset()


def entry_of(found: Found, overrides: str | None, options: JsonObject) -> ProviderEntry:
    """The row of a usable provider; `options` are its `provider_options`."""
    says = found.describe(options)
    chosen = options.get("base_url") or options.get("endpoint") or says.base_url
    addresses = [chosen] if isinstance(chosen, str) else found.addresses()
    return ProviderEntry(
        name=found.name,
        display_name=says.display_name,
        origin=found.origin,
        path=found.path,
        required_env_vars=says.required_env_vars,
        default_model=says.default_model,
        available_models=says.available_models,
        supports_streaming=says.supports_streaming,
        location=farthest(addresses),
        overrides=overrides,
        notes=says.notes,
    )


def broken_entry(broken: Quarantined) -> ProviderEntry:
    """The row of what was left out."""
    return ProviderEntry(
        name=broken.name, display_name=broken.name, origin=broken.origin, path=broken.path, error=broken.cause
    )


def farthest(addresses: Iterable[str]) -> Location:
    """How far the farthest of `addresses` is; without any the cautious answer is the cloud."""
    places = [classify(address) for address in addresses]
    for place in _FARTHEST_FIRST:
        if place in places:
            return place
    return "cloud"


def key_state(entry: ProviderEntry, missing: Sequence[str]) -> str:
    """Whether its keys are there, in a word or two."""
    if not entry.required_env_vars:
        return "not needed"
    return f"no {', '.join(missing)}" if missing else "set"
