"""Cerebras: open models, served fast."""

from typing import Any

from ally.providers.base import BaseProvider
from ally.providers.constructors import (
    base_url_of,
    for_the_wire,
    missing_key,
    missing_package,
    openai_arguments,
    without_account,
)
from ally.providers.listed import find_listed, with_profile
from ally.providers.model import Model
from ally.providers.validation import find_problem
from ally.providers.wire.target import Quirks

_KEY = "CEREBRAS_API_KEY"
_BASE_URL = "https://api.cerebras.ai/v1"
_WINDOW = 65_536  # of the free tier; paid ones attend to more
_QUIRKS = Quirks(max_tokens_field="max_completion_tokens")


class CerebrasProvider(BaseProvider):
    """Open models at Cerebras, which speaks OpenAI's protocol."""

    @property
    def name(self) -> str:
        """cerebras."""
        return "cerebras"

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
        """A `ChatCerebras`."""
        if not api_key:
            raise missing_key(_KEY)
        try:
            from langchain_cerebras import ChatCerebras  # heavy
        except ImportError as error:
            raise missing_package("langchain-cerebras", "Cerebras") from error
        arguments = openai_arguments(kwargs, ChatCerebras.model_fields, _QUIRKS.max_tokens_field)
        arguments["api_key"] = api_key
        base_url = base_url_of(kwargs, _BASE_URL)
        llm = ChatCerebras(model=model_name, temperature=temperature, base_url=base_url, **arguments)
        listed = find_listed(self.name, model_name, base_url)
        return with_profile(without_account(llm), listed, kwargs, _WINDOW)

    def create_model(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Model:
        """Chat completions spoken directly."""
        if not api_key:
            raise missing_key(_KEY)
        from ally.providers.wire import openai as wire  # heavy
        from ally.providers.wire.options import build_target  # heavy

        target = build_target(
            self.name,
            model_name,
            _BASE_URL,
            temperature=temperature,
            api_key=api_key,
            options=for_the_wire(kwargs),
            quirks=_QUIRKS,
            context_window=_WINDOW,
            key_variable=_KEY,
        )
        return wire.model(target)

    def get_required_env_vars(self) -> list[str]:
        """The key."""
        return [_KEY]

    def validate_config(self, config: dict[str, Any]) -> tuple[bool, str | None]:
        """Model, key, address and numbers."""
        problem = find_problem(config, "Cerebras", _KEY)
        return problem is None, problem

    def get_display_name(self) -> str:
        """Cerebras."""
        return "Cerebras"

    def get_default_model(self) -> str:
        """The one that has been there longest."""
        return "gpt-oss-120b"

    def get_available_models(self) -> list[str]:
        """Models of the shared service; Cerebras retires them often."""
        return ["gpt-oss-120b", "qwen-3.8-27b"]
