"""From a provider's name to a model that is ready to be called."""

import contextlib
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ally.config.secrets import Key, Keys
from ally.errors import AllyError, ConfigError, MissingKey, MissingPackage
from ally.messages import JsonObject
from ally.plugins import cause_of, failure
from ally.providers.base import DEFAULT_TEMPERATURE, BaseProvider, takes_fast_road
from ally.providers.model import Model
from ally.providers.registry import ProviderRegistry
from ally.providers.tool_calling import ToolCallingModel, Verdict, with_tools

SHOWN_MODELS = 5

_ELSEWHERE = {
    "api_key": "put the key into .env, or into api_keys of main.py",
    "model_name": 'set "model" in config.json',
    "temperature": 'set "temperatures" in config.json',
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model of which provider. None: the provider's default model, its own temperature."""

    provider: str
    model: str | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A choice with everything that goes with it."""

    name: str
    model: str
    temperature: float | None
    key: Key | None
    options: JsonObject

    @property
    def key_value(self) -> str | None:
        return self.key.value if self.key else None


def connect(
    registry: ProviderRegistry,
    keys: Keys,
    choice: Choice,
    options: Mapping[str, JsonObject],
    warn: Callable[[str], None],
    verdict: Verdict = None,
) -> ToolCallingModel:
    """The model of `choice`, as one that takes tools. Nothing is sent to the service yet.

    `options` are `provider_options` of config.json by provider name. What the provider's `validate_config` objects to
    goes to `warn`; whether it is fatal is for the provider to decide. `verdict` is how a check found that the model
    calls tools best.

    Raises:
        UnknownProvider: there is no provider of that name.
        MissingKey, MissingPackage: the provider needs one that is not there.
        ConfigError: no model was chosen and there is no default, or the options cannot be used.
        PluginError: the provider is a plug-in that fails.
    """
    provider = registry.get(choice.provider)
    name = choice.provider.strip().lower()
    with _guarded(provider):
        variables = list(provider.get_required_env_vars())
        is_fast = takes_fast_road(type(provider)) and provider.supports_streaming()
        model = choice.model or _default_model(provider, name)
    key = keys.find(name, variables)
    if is_fast and variables and key is None:
        raise _missing_key(name, keys.missing(name, variables))
    wanted = _Wanted(name, model, choice.temperature, key, _options_of(options, name))
    _validate(provider, wanted, warn)
    return with_tools(_create(provider, wanted, is_fast), verdict)


def _create(provider: BaseProvider, wanted: _Wanted, is_fast: bool) -> Model:
    # The method of the base class is the guide's road; a class that inherits another one may still have to take it.
    create = provider.create_model if is_fast else _GuidesRoad(provider)
    with contextlib.redirect_stdout(sys.stderr):
        try:
            return create(wanted.model, wanted.temperature, wanted.key_value, **wanted.options)
        except AllyError:
            raise
        except ImportError as exc:
            raise _missing_package(exc, wanted.name) from exc
        except (TypeError, ValueError) as exc:
            key = f"provider_options.{wanted.name}"
            raise ConfigError(f"{wanted.name}: {exc}", key=key, hint=f"see {key} in config.json") from exc
        except (Exception, SystemExit) as exc:  # boundary: a stranger's plug-in runs here
            raise failure(_file_of(provider), exc) from exc


@dataclass(frozen=True, slots=True)
class _GuidesRoad:
    provider: BaseProvider

    def __call__(self, model: str, temperature: float | None, key: str | None, **options: object) -> Model:
        return BaseProvider.create_model(self.provider, model, temperature, key, **options)


def _validate(provider: BaseProvider, wanted: _Wanted, warn: Callable[[str], None]) -> None:
    temperature = DEFAULT_TEMPERATURE if wanted.temperature is None else wanted.temperature
    config = {
        **wanted.options,
        "model_name": wanted.model,
        "api_key": wanted.key_value,
        "temperature": temperature,
    }
    try:
        with contextlib.redirect_stdout(sys.stderr):
            is_valid, problem = provider.validate_config(config)
    except (Exception, SystemExit) as exc:  # noqa: BLE001  # boundary: a stranger's plug-in runs here
        is_valid, problem = False, f"validate_config failed: {cause_of(exc)}"
    if not is_valid:
        text = str(problem or "the configuration is not valid")
        secret = wanted.key_value
        warn(f"Provider validation warning: {text.replace(secret, '***') if secret else text}")


def _default_model(provider: BaseProvider, name: str) -> str:
    model = provider.get_default_model()
    if model:
        return model
    known: Sequence[str] = provider.get_available_models()
    some = f"; it has {', '.join(known[:SHOWN_MODELS])}" if known else ""
    raise ConfigError(
        f"No model is chosen, and {name} has no default.",
        key="model",
        hint=f'name one with --model or "model" in config.json{some}',
    )


def _options_of(options: Mapping[str, JsonObject], name: str) -> JsonObject:
    given: JsonObject = {}
    for key, value in options.items():
        if key.lower() == name:
            given |= value
    given.pop("embeddings", None)  # for the embedder of the same name
    for option in _ELSEWHERE.keys() & given.keys():
        key = f"provider_options.{name}.{option}"
        raise ConfigError(f"{key} is no option of a provider.", key=key, hint=_ELSEWHERE[option])
    return given


def _missing_key(name: str, missing: Sequence[str]) -> MissingKey:
    variable = missing[0] if missing else "its key"
    return MissingKey(
        name, missing, hint=f"put {variable}=... into .env, or stay on this machine: ally --provider local"
    )


def _missing_package(exc: ImportError, name: str) -> MissingPackage:
    package = (exc.name or "").partition(".")[0].replace("_", "-") or str(exc)
    return MissingPackage(package, provider=name, hint=f"{sys.executable} -m pip install {package}")


@contextlib.contextmanager
def _guarded(provider: BaseProvider) -> Generator[None]:
    """What a plug-in prints goes to stderr, and what it raises becomes a `PluginError`."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except AllyError:
        raise
    except (Exception, SystemExit) as exc:  # boundary: a stranger's plug-in runs here
        raise failure(_file_of(provider), exc) from exc


def _file_of(provider: BaseProvider) -> Path:
    module = sys.modules.get(type(provider).__module__)
    return Path(getattr(module, "__file__", None) or type(provider).__module__)
