"""The guide's module names under `app.src.providers`; the classes behind them are those of `ally.providers`."""

from pathlib import Path

from ally.plugins import PluginFolder
from ally.quarantine import facade
from ally.quarantine.facade import Names

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

    Raises:
        PluginError: an `__init__.py` of the checkout or of `user_dir` cannot be imported.
    """
    return facade.install(Names(ROOT, USER, stand_in_names()), checkout, user_dir)


def custom_dir(checkout: Path) -> Path:
    """The folder that the guide drops plug-ins into."""
    return checkout / "app/src/providers/custom"


def stand_in_names() -> dict[str, dict[str, str]]:
    """Module → public name → the module of `ally` that has it, for all that stands in for `app/`."""
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
