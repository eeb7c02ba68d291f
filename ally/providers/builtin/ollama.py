"""Ollama: models on this machine or on one of yours."""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from ally.messages import JsonObject
from ally.providers.base import BaseProvider
from ally.providers.constructors import base_url_of, for_the_wire, missing_package, others, timeout_of
from ally.providers.model import Model
from ally.providers.served import ollama_models
from ally.providers.validation import find_problem, url_problem

_DEFAULT_PORTS = {"http": 80, "https": 443}


class OllamaProvider(BaseProvider):
    """Models of an Ollama server, over its native API. No key.

    The server is `base_url` of the options, else `OLLAMA_HOST` in any spelling that Ollama itself takes, else
    127.0.0.1:11434. Options such as `num_ctx`, `keep_alive` and `think` are passed on.
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
        """A `ChatOllama`."""
        try:
            from langchain_ollama import ChatOllama  # heavy
        except ImportError as error:
            raise missing_package("langchain-ollama", "Ollama") from error
        arguments = others(kwargs)
        if "think" in arguments:
            arguments["reasoning"] = arguments.pop("think")
        if "max_tokens" in arguments:
            arguments["num_predict"] = arguments.pop("max_tokens")
        client: JsonObject = {"timeout": timeout_of(kwargs), **arguments.pop("client_kwargs", {})}
        if headers := kwargs.get("headers"):
            client["headers"] = headers
        return ChatOllama(
            model=model_name,
            temperature=temperature,
            base_url=server(kwargs, os.environ),
            client_kwargs=client,
            **arguments,
        )

    def create_model(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Model:
        """The native API spoken directly."""
        from ally.providers.wire import ollama as wire  # heavy
        from ally.providers.wire.options import build_target  # heavy

        options = {name: value for name, value in for_the_wire(kwargs).items() if name not in ("base_url", "endpoint")}
        if "num_ctx" in options:
            options.setdefault("context_window", options["num_ctx"])
        target = build_target(
            self.name,
            model_name,
            server(kwargs, os.environ),
            temperature=temperature,
            api_key=None,
            options=options,
        )
        return wire.model(target)

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
        """What the server has now; empty if it does not answer in time."""
        return ollama_models(self.base_url)


def server(options: JsonObject, env: Mapping[str, str]) -> str:
    """Root of the server's API. An address with the `/v1` of its OpenAI-compatible API is understood too."""
    chosen = base_url_of(options, "") or host_url(env)
    return chosen.removesuffix("/v1").removesuffix("/api").rstrip("/")


def host_url(env: Mapping[str, str]) -> str:
    """The URL that `OLLAMA_HOST` means, by Ollama's own rules.

    Without a scheme the port is 11434 unless given, with one it is the scheme's. An address that a server listens on
    (0.0.0.0, ::, or none) becomes the loopback address where it can be reached.
    """
    text = env.get("OLLAMA_HOST", "").strip().strip("\"'")
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest, default_port = "http", text, 11434
    else:
        default_port = _DEFAULT_PORTS.get(scheme, 11434)
    address, slash, path = rest.partition("/")
    host, port = _split_port(address, default_port)
    return f"{scheme}://{_reachable(host)}:{port}{slash + path}".rstrip("/")


def _split_port(address: str, default: int) -> tuple[str, int]:
    if address.startswith("["):  # [::1] or [::1]:11434
        host, _, tail = address[1:].partition("]")
        port = tail.removeprefix(":")
    elif address.count(":") > 1:  # a bare IPv6 address
        host, port = address, ""
    else:
        host, _, port = address.partition(":")
    valid = port.isascii() and port.isdigit() and 0 < int(port) < 65536
    return host, int(port) if valid else default


def _reachable(host: str) -> str:
    if not host:
        return "127.0.0.1"
    try:
        ip = ip_address(host)
    except ValueError:
        return host
    if ip.version == 4:
        return "127.0.0.1" if ip.is_unspecified else host
    return "[::1]" if ip.is_unspecified else f"[{ip}]"
