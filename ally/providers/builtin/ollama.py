"""Ollama: models on this machine or on one of yours."""

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from ally.config.paths import find_paths
from ally.errors import ConfigError
from ally.messages import JsonObject
from ally.models.servers.ollama import describe, host_url, is_cloud_name, list_models, loaded, server
from ally.providers.base import BaseProvider
from ally.providers.constructors import base_url_of, for_the_wire, missing_package, others, timeout_of
from ally.providers.model import Model
from ally.providers.validation import find_problem, url_problem

if TYPE_CHECKING:
    from ally.models.facts import ModelFacts
    from ally.models.pins import Pins
    from ally.providers.wire.target import Target

__all__ = ["OllamaProvider", "host_url", "server"]

_OWN = ("base_url", "endpoint", "context_window", "num_ctx")
_DURATION = re.compile(r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+")
_SECONDS = re.compile(r"[-+]?\d{1,12}(?:\.\d+)?")


class OllamaProvider(BaseProvider):
    """Models of an Ollama server, over its native API. No key.

    The server is `base_url` of the options, else `OLLAMA_HOST` in any spelling that Ollama itself takes, else
    127.0.0.1:11434. `num_ctx` is the context window of every request; without it Ally chooses one that fits and stays
    with it. `keep_alive`, `think` and others are passed on.
    """

    def __init__(self) -> None:
        self._options: JsonObject = {}

    def use_server(self, base_url: str) -> None:
        """List the models of the server at `base_url`, e.g. that of config.json, not of the environment."""
        self._options = {"base_url": base_url}

    @property
    def name(self) -> str:
        """ollama."""
        return "ollama"

    @property
    def base_url(self) -> str:
        """The server."""
        return server(self._options, os.environ)

    def create_llm(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Any:  # Any: a LangChain object
        """A `ChatOllama` with the window that Ally's own requests have, too."""
        try:
            from langchain_ollama import ChatOllama  # heavy
        except ImportError as error:
            raise missing_package("langchain-ollama", "Ollama") from error
        root, wanted = server(kwargs, os.environ), _wanted_window(kwargs)
        found = _ask(root, model_name, wanted)
        options = {name: value for name, value in _checked(kwargs).items() if name not in _OWN}
        arguments = others(options)
        if "think" in arguments:
            arguments["reasoning"] = arguments.pop("think")
        if "max_tokens" in arguments:
            arguments["num_predict"] = arguments.pop("max_tokens")
        client: JsonObject = {"timeout": timeout_of(kwargs), **arguments.pop("client_kwargs", {})}
        if headers := kwargs.get("headers"):
            client["headers"] = headers
        window = found.context_window if found else wanted
        more: JsonObject = {"profile": _langchain_profile(found, window), **arguments}
        return ChatOllama(
            model=model_name,
            temperature=temperature,
            base_url=root,
            client_kwargs=client,
            num_ctx=wanted if found and found.is_remote else window,
            **more,
        )

    def create_model(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Model:
        """The native API spoken directly."""
        from ally.providers.asking import AskingModel  # heavy
        from ally.providers.ollama_model import CloudModel, MeasuredModel  # heavy
        from ally.providers.wire import ollama as wire  # heavy
        from ally.providers.wire.options import build_target  # heavy

        root, wanted = server(kwargs, os.environ), _wanted_window(kwargs)
        options = {name: value for name, value in for_the_wire(_checked(kwargs)).items() if name not in _OWN}
        target = build_target(self.name, model_name, root, temperature=temperature, options=options)

        def build(found: "ModelFacts | None") -> Model:
            model = wire.model(_fitted(target, found, wanted))
            return CloudModel(model) if (found.is_remote if found else is_cloud_name(model_name)) else model

        return MeasuredModel(AskingModel(lambda: _ask(root, model_name, wanted), build), lambda: loaded(root))

    def get_required_env_vars(self) -> list[str]:
        """None."""
        return []

    def validate_config(self, config: dict[str, Any]) -> tuple[bool, str | None]:
        """Model, address and numbers."""
        problem = find_problem(config, "Ollama")
        if problem is None and not base_url_of(config, "") and (wrong := url_problem(host_url(os.environ))):
            problem = wrong.replace("base_url", "OLLAMA_HOST")
        return problem is None, problem

    def get_display_name(self) -> str:
        """Ollama (Local)."""
        return "Ollama (Local)"

    def get_default_model(self) -> str:
        """The first model that the server has; a common one if it has none or does not answer."""
        return next(iter(self.get_available_models()), "qwen3:8b")

    def get_available_models(self) -> list[str]:
        """The chat models that the server has now, those of its cloud last; empty if it does not answer in time."""
        found = list_models(self.base_url)
        return [model.name for model in found.models if not model.facts.embeds] if found else []


def _ask(root: str, model: str, wanted: int | None) -> "ModelFacts | None":
    """What the server says of the model, with the window to ask for; None if it does not answer in time."""
    from ally.models.pins import choose  # late: it is needed with the first model, not for listing providers

    described = describe(root, model)
    if described is None:
        return None
    facts = described.facts
    pin = choose(root, model, described, wanted, _pins())
    if pin is not None:
        return replace(facts, context_window=pin.num_ctx, context_window_source=pin.source)
    window = facts.trained_window
    return replace(facts, context_window=window, context_window_source="server" if window else "guess")


def _fitted(target: "Target", found: "ModelFacts | None", wanted: int | None) -> "Target":
    """`target` with what the server says; without it, with the window that was pinned before."""
    if found is None:
        window = wanted or _pins().find(target.base_url, target.model) or _unmeasured(target.model)
        options = target.options | ({"num_ctx": window} if window else {})
        source = "user" if wanted else "guess"
        return replace(target, options=options, context_window=window, context_window_source=source, constrains=True)
    sent = wanted if found.is_remote else found.context_window
    quirks = target.quirks
    return replace(
        target,
        options=target.options | ({"num_ctx": sent} if sent else {}),
        context_window=found.context_window,
        context_window_source=found.context_window_source,
        constrains=found.constrains,
        parameters=found.parameters,
        digest=found.digest,
        quirks=replace(quirks, tools=found.tools is not False, images=found.images is not False),
    )


def _unmeasured(model: str) -> int | None:
    from ally.models.pins import UNMEASURED  # late: as above

    return None if is_cloud_name(model) else UNMEASURED


def _pins() -> "Pins":
    from ally.models.pins import Pins  # late: as above

    return Pins.of_user(find_paths(os.environ))


def _langchain_profile(found: "ModelFacts | None", window: int | None) -> JsonObject | None:
    """What LangChain's middleware reads, e.g. to know when to summarise."""
    facts: JsonObject = {"max_input_tokens": window} if window else {}
    if found is not None:
        known = {"tool_calling": found.tools, "image_inputs": found.images, "reasoning_output": found.thinking}
        facts |= {name: value for name, value in known.items() if value is not None}
        facts["structured_output"] = found.constrains
    return facts or None


def _wanted_window(options: JsonObject) -> int | None:
    """The window that the user asks for.

    Raises:
        ConfigError: it is no number of tokens.
    """
    inner: object = options.get("options")
    holders = [options, cast(JsonObject, inner)] if isinstance(inner, dict) else [options]
    for holder in holders:
        for name in ("num_ctx", "context_window"):
            value: object = holder.get(name)
            if value is None:
                continue
            if type(value) is not int or not 0 < value <= 100_000_000:
                raise _unusable(name, "a whole number of tokens")
            return value
    return None


def _checked(options: JsonObject) -> JsonObject:
    """`options` with `keep_alive` as the API takes it: a duration such as "10m", or seconds; below 0 is for ever.

    Raises:
        ConfigError: it is neither.
    """
    value: object = options.get("keep_alive")
    if value is None:
        return {name: other for name, other in options.items() if name != "keep_alive"}
    text = value.strip() if isinstance(value, str) else ""
    if _SECONDS.fullmatch(text):
        # As text the API wants a unit, although the server's own variable OLLAMA_KEEP_ALIVE does not.
        return {**options, "keep_alive": float(text) if "." in text else int(text)}
    if _DURATION.fullmatch(text):
        return {**options, "keep_alive": text}
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e12 < value < 1e12:
        raise _unusable("keep_alive", 'a duration such as "10m", a number of seconds, or -1 for ever')
    return options


def _unusable(name: str, wanted: str) -> ConfigError:
    key = f"provider_options.ollama.{name}"
    return ConfigError(f"{key} must be {wanted}.", key=key, hint=f"correct {key} in config.json")
