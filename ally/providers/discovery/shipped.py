"""Providers that need no plug-in: Ally's own classes, the services in presets.json, the endpoints of config.json."""

import importlib
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ally.messages import JsonObject
from ally.providers.base import BaseProvider
from ally.providers.builtin.ollama import host_url
from ally.providers.compatible import CompatibleProvider, CompatibleSpec, load_presets, spec_from_endpoint
from ally.providers.constructors import base_url_of
from ally.providers.discovery.description import describe
from ally.providers.discovery.entry import Found, Origin
from ally.providers.discovery.facade import BUILTIN_CLASSES
from ally.providers.validation import url_problem

if TYPE_CHECKING:
    from ally.config.settings import Endpoint

BUILTIN_LABEL = "built-in provider"
_FOLDER = Path(__file__).parents[1] / "builtin"


def builtin_providers() -> list[Found]:
    """One provider for each file in `ally/providers/builtin/`; the file has the provider's name."""
    return [_builtin(file) for file in sorted(_FOLDER.glob("[!_]*.py"))]


def preset_providers() -> list[Found]:
    """The services of presets.json."""
    presets = load_presets()
    return [_compatible(spec, "builtin", BUILTIN_LABEL) for spec in presets.values()]


def endpoint_providers(endpoints: "Mapping[str, Endpoint]") -> list[Found]:
    """The services that the user configured."""
    specs = [spec_from_endpoint(name, endpoint) for name, endpoint in endpoints.items()]
    return [_compatible(spec, "endpoint", "endpoint of config.json") for spec in specs]


def aimed(provider: BaseProvider, options: JsonObject) -> BaseProvider:
    """`provider`; if it asks its server for models, then the server of its `provider_options`."""
    use_server: object = getattr(provider, "use_server", None)
    base_url = base_url_of(options, "")
    if callable(use_server) and url_problem(base_url) is None:
        use_server(base_url)
    return provider


def _builtin(file: Path) -> Found:
    make = partial(_make_builtin, file.stem)
    return Found(
        name=file.stem,
        origin="builtin",
        label=BUILTIN_LABEL,
        make=make,
        describe=lambda options: describe(aimed(make(), options)),
        path=file,
        addresses=_ADDRESSES.get(file.stem, tuple),
    )


def _make_builtin(name: str) -> BaseProvider:
    module = importlib.import_module(f"ally.providers.builtin.{name}")
    provider_class: type[BaseProvider] = getattr(module, BUILTIN_CLASSES.get(name, f"{name.capitalize()}Provider"))
    return provider_class()


def _compatible(spec: CompatibleSpec, origin: Origin, label: str) -> Found:
    return Found(
        name=spec.name.lower(),
        origin=origin,
        label=label,
        make=lambda: CompatibleProvider(spec),
        describe=lambda options: describe(aimed(CompatibleProvider(spec), options)),
        addresses=lambda: (spec.base_url,),
    )


def _ollama_address() -> tuple[str, ...]:
    return (host_url(os.environ),)


def _this_machine() -> tuple[str, ...]:
    return ("http://127.0.0.1",)


_ADDRESSES: dict[str, Callable[[], tuple[str, ...]]] = {"ollama": _ollama_address, "local": _this_machine}
