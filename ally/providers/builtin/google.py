"""Google: Gemini models."""

import re
from typing import Any

from ally.messages import JsonObject
from ally.providers.base import BaseProvider
from ally.providers.constructors import base_url_of, for_the_wire, missing_key, missing_package, others, timeout_of
from ally.providers.listed import find_listed, with_profile
from ally.providers.model import Model
from ally.providers.validation import find_problem
from ally.providers.wire.target import Quirks

_KEY = "GOOGLE_GEN_AI_API_KEY"
_BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
_GEMINI = re.compile(r"(?:models/)?gemini-(\d+)(?:\.(\d+))?")


class GoogleProvider(BaseProvider):
    """Gemini models with a key of Google AI Studio."""

    @property
    def name(self) -> str:
        """google."""
        return "google"

    @property
    def base_url(self) -> str:
        """Where requests go unless config.json says otherwise."""
        return _BASE_URL

    def create_llm(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Any:  # Any: a LangChain object
        """A `ChatGoogleGenerativeAI`."""
        if not api_key:
            raise missing_key(_KEY)
        try:
            from langchain_google_genai import ChatGoogleGenerativeAI  # heavy
        except ImportError as error:
            raise missing_package("langchain-google-genai", "Google") from error
        base_url = base_url_of(kwargs, _BASE_URL)
        root, version = _split_version(base_url)
        arguments: JsonObject = {"max_retries": 2, **others(kwargs)}
        if quirks_of(model_name).temperature and temperature is not None:
            arguments["temperature"] = temperature
        if headers := kwargs.get("headers"):
            arguments["additional_headers"] = headers
        llm = ChatGoogleGenerativeAI(  # pyright: ignore[reportCallIssue] - pydantic aliases, unknown to the checker
            model=model_name,
            google_api_key=api_key,
            base_url=root,
            api_version=version,
            vertexai=False,
            timeout=timeout_of(kwargs),
            **arguments,
        )
        listed = find_listed(self.name, model_name, base_url)
        return with_profile(llm, listed, kwargs, context_window_of(model_name))

    def create_model(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Model:
        """generateContent spoken directly."""
        if not api_key:
            raise missing_key(_KEY)
        from ally.providers.wire import gemini as wire  # heavy
        from ally.providers.wire.options import build_target  # heavy

        options = for_the_wire(kwargs)
        if "base_url" in options or "endpoint" in options:
            options = {**options, "base_url": "/".join(_split_version(base_url_of(options, _BASE_URL)))}
        target = build_target(
            self.name,
            model_name.removeprefix("models/"),
            _BASE_URL,
            temperature=temperature,
            api_key=api_key,
            options=options,
            quirks=quirks_of(model_name),
            context_window=context_window_of(model_name),
            key_variable=_KEY,
        )
        return wire.model(target)

    def get_required_env_vars(self) -> list[str]:
        """The key."""
        return [_KEY]

    def validate_config(self, config: dict[str, Any]) -> tuple[bool, str | None]:
        """Model, key, address and numbers."""
        problem = find_problem(config, "Google", _KEY)
        return problem is None, problem

    def get_display_name(self) -> str:
        """Google Gemini."""
        return "Google Gemini"

    def get_default_model(self) -> str:
        """The current stable model for agents."""
        return "gemini-3.8-flash"

    def get_available_models(self) -> list[str]:
        """Current models for text."""
        return ["gemini-3.8-flash", "gemini-3.6-flash", "gemini-3.5-flash-lite", "gemini-3.1-pro-preview"]


def quirks_of(model: str) -> Quirks:
    """What is peculiar about `model`: Google withdrew the temperature with Gemini 3.6."""
    return Quirks(temperature=_generation(model) < (3, 6))


def context_window_of(model: str) -> int | None:
    """Tokens that Gemini models attend to as Google publishes them."""
    return 1_048_576 if _GEMINI.match(model) else None


def _generation(model: str) -> tuple[int, int]:
    found = _GEMINI.match(model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def _split_version(base_url: str) -> tuple[str, str]:
    found = re.search(r"/(v\d[a-z0-9]*)$", base_url)
    return (base_url[: found.start()], found[1]) if found else (base_url, "v1beta")
