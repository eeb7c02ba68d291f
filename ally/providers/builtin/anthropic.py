"""Anthropic: Claude models."""

import re
from typing import Any

from ally.messages import JsonObject
from ally.providers.base import BaseProvider
from ally.providers.constructors import base_url_of, for_the_wire, missing_key, missing_package, others, timeout_of
from ally.providers.listed import find_listed, with_profile
from ally.providers.model import Model
from ally.providers.validation import find_problem
from ally.providers.wire.target import Quirks

_KEY = "ANTHROPIC_API_KEY"
_BASE_URL = "https://api.anthropic.com/v1"
_CLAUDE = re.compile(r"claude-[a-z]+-(\d+)(?:-(\d{1,2})(?!\d))?")


class AnthropicProvider(BaseProvider):
    """Claude models at Anthropic, or at a gateway that `base_url` names; `ANTHROPIC_BASE_URL` is ignored."""

    @property
    def name(self) -> str:
        """anthropic."""
        return "anthropic"

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
        """A `ChatAnthropic`."""
        if not api_key:
            raise missing_key(_KEY)
        try:
            from langchain_anthropic import ChatAnthropic  # heavy
        except ImportError as error:
            raise missing_package("langchain-anthropic", "Anthropic") from error
        arguments: JsonObject = {"max_retries": 2, **others(with_thinking(model_name, kwargs))}
        if headers := kwargs.get("headers"):
            arguments["default_headers"] = headers
        base_url = base_url_of(kwargs, _BASE_URL)
        llm = ChatAnthropic(  # pyright: ignore[reportCallIssue] - the checker cannot see pydantic's aliases
            model=model_name,  # pyright: ignore[reportCallIssue] - as above
            temperature=temperature if quirks_of(model_name).temperature else None,
            api_key=api_key,
            base_url=without_version(base_url),
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
        """The messages API spoken directly."""
        if not api_key:
            raise missing_key(_KEY)
        from ally.providers.wire import anthropic as wire  # heavy
        from ally.providers.wire.options import build_target  # heavy

        options = with_thinking(model_name, for_the_wire(kwargs))
        if "base_url" in options or "endpoint" in options:
            options = {**options, "base_url": with_version(base_url_of(options, _BASE_URL))}
        target = build_target(
            self.name,
            model_name,
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
        """Model, key, address and numbers; Claude's temperature ends at 1."""
        problem = find_problem(config, "Anthropic", _KEY, max_temperature=1)
        return problem is None, problem

    def get_display_name(self) -> str:
        """Anthropic (Claude)."""
        return "Anthropic (Claude)"

    def get_default_model(self) -> str:
        """The middle of the current family."""
        return "claude-sonnet-5-5"

    def get_available_models(self) -> list[str]:
        """Current models and those of the generation before."""
        return [
            "claude-sonnet-5-5",
            "claude-opus-5-5",
            "claude-haiku-5-5",
            "claude-fable-5-1",
            "claude-opus-5",
            "claude-sonnet-5",
            "claude-haiku-4-5",
        ]


def quirks_of(model: str) -> Quirks:
    """What is peculiar about `model`: since Claude 4.7 a temperature is refused."""
    generation = _generation(model)
    structured = "json_schema" if generation >= (4, 5) else "tool"
    return Quirks(temperature=generation < (4, 7), structured=structured)


def with_thinking(model: str, options: JsonObject) -> JsonObject:
    """The options, with the thinking of models that think by themselves made visible; they leave it out otherwise."""
    if _generation(model) >= (5, 0):
        return {"thinking": {"type": "adaptive", "display": "summarized"}, **options}
    return options


def context_window_of(model: str) -> int:
    """Tokens that `model` attends to as Anthropic publishes them."""
    return 1_000_000 if _generation(model) >= (4, 6) else 200_000


def _generation(model: str) -> tuple[int, int]:
    found = _CLAUDE.match(model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def with_version(base_url: str) -> str:
    """`base_url` with the version prefix that the wire expects; Anthropic's own clients add it by themselves."""
    return base_url if re.search(r"/v\d+$", base_url) else f"{base_url}/v1"


def without_version(base_url: str) -> str:
    """`base_url` as Anthropic's own client wants it."""
    return re.sub(r"/v\d+$", "", base_url)
