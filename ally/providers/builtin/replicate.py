"""Replicate: models that complete a text."""

from typing import Any

from ally.providers.base import BaseProvider
from ally.providers.constructors import base_url_of, for_the_wire, missing_key, missing_package
from ally.providers.model import Model
from ally.providers.validation import find_problem
from ally.providers.wire.target import Quirks

_KEY = "REPLICATE_API_TOKEN"
_BASE_URL = "https://api.replicate.com/v1"
_QUIRKS = Quirks(tools=False, structured="none", images=False)


class ReplicateProvider(BaseProvider):
    """Language models at Replicate, as `owner/name` or `owner/name:version`.

    A model there takes one text and gives one text: the conversation is written out for it, and tools are described
    in words.
    """

    @property
    def name(self) -> str:
        """replicate."""
        return "replicate"

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
        """A completion LLM over the same client that Ally uses."""
        if not api_key:
            raise missing_key(_KEY)
        try:
            from ally.providers.langchain.llm import CompletionLLM  # heavy
        except ImportError as error:
            raise missing_package("langchain-core", "Replicate") from error
        return CompletionLLM(model=lambda: self.create_model(model_name, temperature, api_key, **kwargs))

    def create_model(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Model:
        """The predictions API spoken directly."""
        if not api_key:
            raise missing_key(_KEY)
        from ally.providers.wire import replicate as wire  # heavy
        from ally.providers.wire.options import build_target  # heavy

        target = build_target(
            self.name,
            model_name,
            base_url_of(kwargs, _BASE_URL),
            temperature=temperature,
            api_key=api_key,
            options=for_the_wire(kwargs),
            quirks=_QUIRKS,
            key_variable=_KEY,
        )
        return wire.model(target)

    def get_required_env_vars(self) -> list[str]:
        """The token."""
        return [_KEY]

    def validate_config(self, config: dict[str, Any]) -> tuple[bool, str | None]:
        """Model, key, address and numbers; also that the model has an owner."""
        problem = find_problem(config, "Replicate", _KEY)
        if problem is None and "/" not in str(config["model_name"]):
            problem = f"model_name must look like owner/name, not {config['model_name']}"
        return problem is None, problem

    def get_display_name(self) -> str:
        """Replicate."""
        return "Replicate"

    def get_default_model(self) -> str:
        """A chat model with open weights."""
        return "meta/meta-llama-3-70b-instruct"

    def get_available_models(self) -> list[str]:
        """Language models that have been there for long; the full list is at replicate.com/collections."""
        return [
            "meta/meta-llama-3-70b-instruct",
            "meta/meta-llama-3-8b-instruct",
            "meta/meta-llama-3.1-405b-instruct",
            "openai/gpt-4.1",
            "deepseek-ai/deepseek-r1",
        ]
