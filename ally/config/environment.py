"""The `ALLY_*` variables that stand for a setting, and the flags that do.

A variable or flag holds for every agent of the run: `ALLY_PROVIDER` and `--provider` also win over
`provider_per_model`, `ALLY_MODEL` and `--model` over `models`. Variables that are not in this table are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ally.config.settings import AGENTS
from ally.errors import ConfigError
from ally.messages import JsonObject


@dataclass(frozen=True, slots=True)
class Override:
    """A setting that a variable and, where `flag` is not empty, a flag may give."""

    variable: str
    flag: str
    key: str
    help: str


OVERRIDES = (
    Override("ALLY_PROVIDER", "provider", "provider", "the provider of every agent"),
    Override("ALLY_MODEL", "model", "model", "the model of every agent"),
    Override("ALLY_TEMPERATURE", "temperature", "temperatures", "the temperature of every agent, 0 to 2"),
    Override("ALLY_PERMISSION_MODE", "permission_mode", "permissions.mode", "what happens with a call no rule names"),
    Override("ALLY_EMBEDDING_PROVIDER", "", "embedding_provider", "the provider of embeddings"),
    Override("ALLY_EMBEDDING_MODEL", "", "embedding_model", "the embedding model"),
    Override("ALLY_SCRAPING_METHOD", "", "scraping_method", "how documents become text"),
)

OTHER_VARIABLES = {
    "ALLY_HOME": "one folder for everything of Ally: configuration, data, state and cache (an absolute path)",
    "ALLY_HISTORY_DIR": "the folder of the sessions (an absolute path), in place of the data folder",
    "ALLY_OFFLINE": "1: nothing leaves this machine, as with `--offline`",
    "ALLY_PLAIN": "1: plain lines, as with `--plain`; 0: the screen, also where `tui.plain` says otherwise",
    "ALLY_SANDBOX": "`B` or `C`: a weaker sandbox for commands than this machine could give, to test with",
}

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("", "0", "false", "no", "off")


def is_offline_wanted(env: Mapping[str, str]) -> bool:
    """Whether `ALLY_OFFLINE` is on.

    Raises:
        ConfigError: it says neither yes nor no.
    """
    text = env.get("ALLY_OFFLINE", "").strip().lower()
    if text not in _TRUE + _FALSE:
        # Whoever asks for privacy with a typing error must not go online.
        raise ConfigError("ALLY_OFFLINE must be 1 or 0.", key="ALLY_OFFLINE", hint="ALLY_OFFLINE=1 keeps Ally offline")
    return text in _TRUE


def environment_layers(env: Mapping[str, str]) -> list[tuple[str, JsonObject]]:
    """(variable, settings it gives) for each variable that is set and not empty."""
    return [
        (override.variable, _settings(override, override.variable, text))
        for override in OVERRIDES
        if (text := env.get(override.variable, "").strip())
    ]


def flag_layers(flags: Mapping[str, object]) -> list[tuple[str, JsonObject]]:
    """(flag, settings it gives) for each flag that was given; other names in `flags` are ignored."""
    return [
        (name, _settings(override, name, value))
        for override in OVERRIDES
        if override.flag and (value := flags.get(override.flag)) is not None
        for name in ["--" + override.flag.replace("_", "-")]
    ]


def _settings(override: Override, name: str, value: object) -> JsonObject:
    if override.key == "temperatures":
        number = _number(name, value)
        return {"temperatures": dict.fromkeys(AGENTS, number)}
    text = str(value).strip()
    if not text:
        raise ConfigError(f"{name} is empty.", key=name, hint=f"give {override.help}, or leave {name} out")
    if "." in override.key:
        outer, inner = override.key.split(".")
        return {outer: {inner: text}}
    return {override.key: text}


def _number(name: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 2:
        raise ConfigError(
            f"{name} must be a number from 0 to 2, not {str(value)[:40]!r}.", key=name, hint=f"e.g. {name} 0.7"
        )
    return number
