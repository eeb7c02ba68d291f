"""From a plug-in's `create_llm` to a `Model`."""

import importlib.util
import inspect
import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ally.egress.location import Location, classify
from ally.egress.quiet import silence
from ally.errors import AllyError, ConfigError, MissingKey, MissingPackage, ProviderError
from ally.plugins import cause_of, line_of
from ally.providers.base import DEFAULT_TEMPERATURE, BaseProvider
from ally.providers.langchain.caller import Caller
from ally.providers.langchain.facts import read_facts
from ally.providers.langchain.faults import to_ally, words_of
from ally.providers.model import Model, Profile

IDLE_S: Final = 120.0
OWN_OPTIONS: Final = ("idle_timeout_s", "context_window")
"""Options that are Ally's. A stranger's plug-in gets them only if its `create_llm` names them: the guide's examples
hand on all their kwargs, and no LangChain class knows these."""
SECRET_OPTION = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)
NEEDS_KEY = re.compile(
    r"(?:api[ _-]?key|[A-Z]_(?:KEY|TOKEN|ID)\b|token|credential|secret).*"
    r"(?:required|missing|must be|not set|need|not found|provide|no )|(?:missing|no|provide|set) .*"
    r"(?:api[ _-]?key|[A-Z]_(?:KEY|TOKEN|ID)\b|credential)",
    re.IGNORECASE | re.DOTALL,
)
INSTALL = re.compile(r"pip3? install (?:-\S+ )*['\"]?([A-Za-z][\w.-]*(?:\[[\w,-]+\])?)")
DISTRIBUTION = re.compile(r"\b([a-z0-9]+(?:[-_][a-z0-9]+)+)\b")


def wrap_llm(
    provider: BaseProvider,
    model_name: str,
    temperature: float | None,
    api_key: str | None,
    options: Mapping[str, Any],  # Any: whatever provider_options.NAME holds
) -> Model:
    """The model that `provider.create_llm` gives, behind the port.

    Raises:
        MissingPackage: the integration package is not installed; the hint is the install line.
        MissingKey: `create_llm` says that a credential is missing.
        ConfigError: `create_llm` refuses something else, or gives back nothing that can be called.
    """
    silence(os.environ)
    caller = _caller(provider, model_name, api_key, options)
    llm = _create(provider, caller, DEFAULT_TEMPERATURE if temperature is None else temperature, api_key, options)
    try:
        return _wrap(provider, llm, caller, options)
    except ImportError as error:
        raise _missing_package(error, caller) from error


def _create(
    provider: BaseProvider,
    caller: Caller,
    temperature: float,
    api_key: str | None,
    options: Mapping[str, Any],  # Any: as in wrap_llm
) -> object:
    known = OWN_OPTIONS if _is_shipped(provider) else inspect.signature(provider.create_llm).parameters
    given = {key: value for key, value in options.items() if key not in OWN_OPTIONS or key in known}
    try:
        llm: object = provider.create_llm(caller.model, temperature, api_key, **given)
    except AllyError:
        raise
    except ImportError as error:
        raise _missing_package(error, caller) from error
    except (Exception, SystemExit) as error:  # boundary: a stranger's plug-in runs here
        raise _refused(error, caller, _file_of(provider)) from error
    return llm


def _wrap(provider: BaseProvider, llm: object, caller: Caller, options: Mapping[str, Any]) -> Model:  # Any: as above
    from ally.providers.langchain import vendor  # heavy
    from ally.providers.langchain.completion import CompletionModel  # heavy
    from ally.providers.langchain.model import LangChainModel  # heavy

    if not vendor.is_callable_model(llm):
        message = f"create_llm of the provider {caller.provider} gave {vendor.describe(llm)}, not a LangChain model."
        raise ConfigError(message, hint="return an object like langchain_openai.ChatOpenAI(...)")
    found = vendor.inspect(llm, streaming=provider.supports_streaming())
    vendor.take_over(found.core)
    if found.drive in ("ainvoke", "invoke"):
        vendor.whole_answers_only(found.core)
    address = vendor.address(found.core)
    said = read_facts(provider, caller.model, found.core, options, address)
    tools = not found.is_completion and _wants_tools(provider) and said.tools is not False and vendor.takes_tools(llm)
    images = found.family in vendor.SEES_IMAGES if said.images is None else said.images
    profile = Profile(
        provider=caller.provider,
        model=caller.model,
        location=_location(address),
        context_window=said.context_window,
        context_window_source=said.context_window_source,
        tools=tools,
        images=images and not found.is_completion,
        streaming=found.drive in ("astream", "stream"),
        road="guide",
        price=said.price,
    )
    kind = CompletionModel if found.is_completion else LangChainModel
    return kind(llm, found, caller, profile)


def _caller(provider: BaseProvider, model: str, api_key: str | None, options: Mapping[str, Any]) -> Caller:  # Any: same
    variables = tuple(provider.get_required_env_vars())
    credentials = [api_key, *(os.environ.get(name) for name in variables)]
    credentials += [value for name, value in options.items() if SECRET_OPTION.search(name) and isinstance(value, str)]
    secrets = tuple({secret for secret in credentials if secret and len(secret) >= 6})
    return Caller(provider.name, model, variables, secrets, float(options.get("idle_timeout_s") or IDLE_S))


def _is_shipped(provider: BaseProvider) -> bool:
    return any(cls.__module__.startswith("ally.") and cls is not BaseProvider for cls in type(provider).__mro__)


def _wants_tools(provider: BaseProvider) -> bool:
    """The guide's `supports_tools`, a method some plug-ins add."""
    supports: Any = getattr(provider, "supports_tools", None)  # Any: a stranger's attribute
    return bool(supports()) if callable(supports) else True


def _location(address: str) -> Location:
    return classify(address) if address else "cloud"


def _missing_package(error: ImportError, caller: Caller) -> ProviderError | ConfigError:
    """The package to install, named by the plug-in's text or by the failed import."""
    text = caller.clean(str(error))
    inner = error if error.name else error.__cause__ or error.__context__
    module = (inner.name or "") if isinstance(inner, ModuleNotFoundError) else ""
    if isinstance(inner, ImportError) and not module and inner.name and _is_installed(inner.name):
        message = f"{text} ({caller.clean(str(inner))})"
        return ConfigError(message, hint=f"the installed package does not fit the plug-in for {caller.provider}")
    found = INSTALL.search(text) or (DISTRIBUTION.search(text) if not module or module not in text else None)
    package = found[1] if found else module.partition(".")[0].replace("_", "-")
    if not package:
        return ConfigError(f"The provider {caller.provider} cannot be used: {text}")
    line = f"{shlex.quote(sys.executable)} -m pip install {package}"
    return MissingPackage(package, provider=caller.provider, hint=line)


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module.partition(".")[0]) is not None


def _refused(error: BaseException, caller: Caller, file: Path) -> AllyError:
    text = caller.clean(words_of(error))
    if any(name in text for name in caller.variables) or NEEDS_KEY.search(text):
        missing = [name for name in caller.variables if name in text] or caller.variables
        hint = f"set {' and '.join(missing)} in .env" if missing else ""
        return MissingKey(caller.provider, missing, message=text, hint=hint)
    if isinstance(error, ValueError):
        return ConfigError(text, hint=f"see provider_options.{caller.provider} and the model's name in config.json")
    known = to_ally(error, caller)
    if type(known) is not ProviderError:
        return known
    line = line_of(file, error)
    place = f"{file}, line {line}" if line else f"provider_options.{caller.provider} in config.json"
    cause = caller.clean(cause_of(error))
    return ConfigError(f"create_llm of the provider {caller.provider} failed: {cause}", hint=f"see {place}")


def _file_of(provider: BaseProvider) -> Path:
    return Path(getattr(sys.modules.get(type(provider).__module__), "__file__", None) or "")
