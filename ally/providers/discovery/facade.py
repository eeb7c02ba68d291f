"""The guide's module names under `app.src.providers`, so that a plug-in written for them works everywhere.

In a checkout they are the files in `app/`. An installed Ally has no such folder; there, modules of the same names
stand in for them. Either way the classes are those of `ally.providers`, and an `app` package in the folder where the
user happens to be is not looked at.
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from ally.plugins import PluginFolder, attach, bind

ROOT = "app.src.providers"
CUSTOM = f"{ROOT}.custom"
USER = "ally_user_providers"
BUILTIN_CLASSES = {
    "ollama": "OllamaProvider",
    "openai": "OpenAIProvider",
    "anthropic": "AnthropicProvider",
    "google": "GoogleProvider",
    "cerebras": "CerebrasProvider",
}


def install(checkout: Path | None, user_dir: Path) -> list[PluginFolder]:
    """Make the guide's names importable and return the folders of plug-ins, the one that wins last.

    A plug-in in `user_dir` may import `app.src.providers.custom._shared` from its own folder too, unless the
    checkout's folder has a file of that name.

    Raises:
        PluginError: an `__init__.py` of the checkout or of `user_dir` cannot be imported.
    """
    user = PluginFolder(USER, user_dir)
    if checkout is None:
        _stand_in()
        attach(PluginFolder(CUSTOM, user_dir))
        attach(user)
        return [user]
    custom = PluginFolder(CUSTOM, custom_dir(checkout))
    for package, path in (("app", checkout / "app"), ("app.src", checkout / "app/src")):
        if package not in sys.modules:  # a program that uses Ally as a library may have an `app` of its own
            attach(PluginFolder(package, path))
    attach(PluginFolder(ROOT, checkout / "app/src/providers"))
    attach(custom, search=[user_dir])
    attach(user)
    return [user, custom]


def custom_dir(checkout: Path) -> Path:
    """The folder that the guide drops plug-ins into."""
    return checkout / "app/src/providers/custom"


def stand_in_names() -> dict[str, dict[str, str]]:
    """Module -> public name -> the module of `ally` that has it, for all that stands in for `app/`."""
    own = {"BaseProvider": "ally.providers.base"}
    registry = dict.fromkeys(("ProviderRegistry", "get_provider_registry"), "ally.providers.registry")
    builtin = {cls: f"ally.providers.builtin.{file}" for file, cls in BUILTIN_CLASSES.items()}
    one_each = {f"{ROOT}.builtin.{file}": {cls: builtin[cls]} for file, cls in BUILTIN_CLASSES.items()}
    return {
        "app": {},
        "app.src": {},
        ROOT: own | registry,
        f"{ROOT}.base_provider": own,
        f"{ROOT}.builtin": builtin,
        **one_each,
    }


def _stand_in() -> None:
    for name, sources in stand_in_names().items():
        if name in sys.modules:
            continue
        module = ModuleType(name, "Stands in for the file of this name in a checkout of Ally.")
        module.__path__ = []
        vars(module).update(__all__=list(sources), __getattr__=_lazily(name, sources))
        bind(module)


def _lazily(module: str, sources: dict[str, str]) -> Callable[[str], object]:
    def find(name: str) -> object:
        if name in sources:
            return getattr(importlib.import_module(sources[name]), name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return find
