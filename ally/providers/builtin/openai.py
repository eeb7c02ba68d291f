"""OpenAI: GPT models."""

import re
from typing import Any

from ally.messages import JsonObject
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

_KEY = "OPENAI_API_KEY"
_BASE_URL = "https://api.openai.com/v1"
_GPT = re.compile(r"gpt-(\d+)(?:\.(\d+))?")
_O_SERIES = re.compile(r"o\d")
_ONLY_RESPONSES = re.compile(r"-pro\b|-codex\b|deep-research|^codex|computer-use")


class OpenAIProvider(BaseProvider):
    """GPT models at OpenAI, or at a gateway that `base_url` names.

    Chat completions where they can do what Ally needs. OpenAI's newest models take tools there only with
    `reasoning_effort` "none", or not at all: the former get "none" unless the options say otherwise, and the others
    (and any wished effort) use the Responses API through LangChain. `OPENAI_BASE_URL` and its like are ignored: a key
    goes to the host that config.json names and to no other.
    """

    @property
    def name(self) -> str:
        """openai."""
        return "openai"

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
        """A `ChatOpenAI`."""
        if not api_key:
            raise missing_key(_KEY)
        try:
            from langchain_openai import ChatOpenAI  # heavy
        except ImportError as error:
            raise missing_package("langchain-openai", "OpenAI") from error
        arguments = openai_arguments(with_effort(model_name, kwargs), ChatOpenAI.model_fields, "max_completion_tokens")
        arguments["api_key"] = api_key
        if needs_responses(model_name, kwargs):
            # Answers are not kept at OpenAI, so earlier thinking cannot be referred to there either.
            arguments |= {"store": arguments.get("store", False), "use_responses_api": True}
        base_url = base_url_of(kwargs, _BASE_URL)
        warmth = temperature if quirks_of(model_name).temperature else None
        llm = ChatOpenAI(model=model_name, temperature=warmth, base_url=base_url, **arguments)
        llm = llm if base_url == _BASE_URL else without_account(llm)
        listed = find_listed(self.name, model_name, base_url)
        return with_profile(llm, listed, kwargs, context_window_of(model_name))

    def create_model(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Model:
        """Chat completions spoken directly; the Responses API through LangChain where only it will do."""
        if needs_responses(model_name, kwargs):
            return super().create_model(model_name, temperature, api_key, **kwargs)
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
            options=for_the_wire(with_effort(model_name, kwargs)),
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
        problem = find_problem(config, "OpenAI", _KEY)
        return problem is None, problem

    def get_display_name(self) -> str:
        """OpenAI."""
        return "OpenAI"

    def get_default_model(self) -> str:
        """The strongest model that takes tools over chat completions."""
        return "gpt-6-sol"

    def get_available_models(self) -> list[str]:
        """Current models for text."""
        return ["gpt-6-sol", "gpt-6-luna", "gpt-6.1-sol", "gpt-6-astra", "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"]


def quirks_of(model: str) -> Quirks:
    """What is peculiar about `model` over chat completions: models that reason refuse a temperature."""
    reasons = _generation(model) >= (5, 0) or _O_SERIES.match(model.removeprefix("ft:")) is not None
    return Quirks(max_tokens_field="max_completion_tokens", temperature=not reasons or "-chat" in model)


def context_window_of(model: str) -> int | None:
    """Tokens that `model` attends to as OpenAI publishes them; None for names it does not publish."""
    generation = _generation(model)
    if generation >= (5, 4):
        return 400_000 if "-mini" in model or "-nano" in model else 1_050_000
    if generation >= (5, 0):
        return 128_000 if "-chat" in model else 400_000
    if generation == (4, 1):
        return 1_047_576
    if _O_SERIES.match(model):
        return 200_000
    return 128_000 if "gpt-4o" in model else None


def with_effort(model: str, options: JsonObject) -> JsonObject:
    """The options, with reasoning turned off where chat completions would refuse tools otherwise."""
    if _takes_tools_only_without_effort(model) and not needs_responses(model, options):
        return {"reasoning_effort": "none", **options}
    return options


def needs_responses(model: str, options: JsonObject) -> bool:
    """Whether tools need the Responses API; `use_responses_api` of the options decides if it is there."""
    wish = options.get("use_responses_api")
    if wish is not None:
        return bool(wish)
    if _ONLY_RESPONSES.search(model) or "astra" in model or _generation(model) >= (6, 1):
        return True
    return _takes_tools_only_without_effort(model) and options.get("reasoning_effort", "none") != "none"


def _takes_tools_only_without_effort(model: str) -> bool:
    return _generation(model) >= (5, 4) and "-chat" not in model


def _generation(model: str) -> tuple[int, int]:
    found = _GPT.match(model.removeprefix("ft:"))
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)
