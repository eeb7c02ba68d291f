"""Services that speak the OpenAI or the Anthropic protocol: of presets.json and of `endpoints` in config.json."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ally.egress.location import classify
from ally.messages import JsonObject
from ally.providers.base import BaseProvider
from ally.providers.builtin.anthropic import with_version, without_version
from ally.providers.constructors import (
    base_url_of,
    for_the_wire,
    missing_key,
    missing_package,
    openai_arguments,
    others,
    timeout_of,
    without_account,
)
from ally.providers.listed import find_listed, with_profile
from ally.providers.model import Model
from ally.providers.presets import CompatibleSpec, load_presets
from ally.providers.validation import find_problem
from ally.providers.wire.target import Quirks, Target

if TYPE_CHECKING:
    from ally.config.settings import Endpoint

__all__ = ["CompatibleProvider", "CompatibleSpec", "load_presets", "spec_from_endpoint"]

NO_KEY = "not-needed"
"""What clients get that insist on a key where none is needed."""


class CompatibleProvider(BaseProvider):
    """One service, described by data."""

    def __init__(self, spec: CompatibleSpec) -> None:
        self.spec = spec

    def use_server(self, base_url: str) -> None:
        """List the models of the server at `base_url`, e.g. that of `provider_options`, not of the data."""
        self.spec = replace(self.spec, base_url=base_url.rstrip("/"))

    @property
    def name(self) -> str:
        """The name of the row or of the endpoint."""
        return self.spec.name

    @property
    def base_url(self) -> str:
        """Where requests go unless `provider_options` say otherwise."""
        return self.spec.base_url

    def create_llm(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Any:  # Any: a LangChain object
        """A `ChatOpenAI` or a `ChatAnthropic` with the address and the key of this service."""
        key = self._key(api_key)
        options = self._options(kwargs)
        model_name, window = self._asked(model_name, key, options)
        warmth = temperature if self.spec.quirks.temperature else None
        chat = self._chat_anthropic if self.spec.compatible == "anthropic" else self._chat_openai
        llm = chat(model_name, warmth, key, options)
        listed = find_listed(self.name, model_name, self._base_url(options))
        fixed = {"context_window": self.spec.context_window} if self.spec.context_window_source == "user" else {}
        return with_profile(llm, listed, {**fixed, **kwargs}, window or self.spec.context_window)

    def create_model(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: options of config.json
    ) -> Model:
        """The protocol spoken directly, or through LangChain where `api` is "responses"."""
        if self.spec.api == "responses":
            return super().create_model(model_name, temperature, api_key, **kwargs)
        key = self._key(api_key)
        from ally.providers.asking import AskingModel  # heavy
        from ally.providers.served import ask_server, is_window_to_come, with_facts  # heavy
        from ally.providers.wire import anthropic, openai  # heavy
        from ally.providers.wire.options import build_target  # heavy

        options = for_the_wire(self._options(kwargs))
        options["base_url"] = self._base_url(options)
        if self.spec.context_window and self.spec.context_window_source == "user":
            options.setdefault("context_window", self.spec.context_window)
        target = build_target(
            self.name,
            model_name,
            self.spec.base_url,
            temperature=temperature,
            api_key=key,
            options=options,
            quirks=self.spec.quirks,
            context_window=self.spec.context_window,
            key_variable=next(iter(self.spec.env_vars), ""),
        )
        wire = anthropic if self.spec.compatible == "anthropic" else openai
        if classify(target.base_url) == "cloud":
            return wire.model(target)
        return AskingModel(
            lambda: ask_server(target), lambda listed: wire.model(with_facts(target, listed)), is_window_to_come
        )

    def get_required_env_vars(self) -> list[str]:
        """The key, if the service wants one."""
        return list(self.spec.env_vars)

    def validate_config(self, config: dict[str, Any]) -> tuple[bool, str | None]:
        """Model, key, address and numbers; also whether the service still exists."""
        warmest = 1 if self.spec.compatible == "anthropic" else 2
        problem = find_problem(config, self.get_display_name(), next(iter(self.spec.env_vars), None), warmest)
        if problem is None and self.spec.ended and not base_url_of(config, ""):
            problem = self.spec.ended
        return problem is None, problem

    def get_display_name(self) -> str:
        """As the service writes its name."""
        return self.spec.display_name

    def get_default_model(self) -> str | None:
        """The default of the data or of config.json, else a model that the server has, best one that is loaded."""
        named = self.spec.default_model
        if not self._is_asked:
            return named
        from ally.models.servers.choice import ANY  # late: most services are not asked

        return named if named and named != ANY else next(iter(self._served()), named)

    def get_available_models(self) -> list[str]:
        """The models of the data; of a server that is asked, those it has now."""
        return list(self.spec.models) or self._served()

    @property
    def _is_asked(self) -> bool:
        return not self.spec.models and self.spec.compatible == "openai" and classify(self.base_url) != "cloud"

    def _served(self) -> list[str]:
        if not self._is_asked:
            return []
        from ally.providers.served import served_names  # late: most services are not asked

        return served_names(self.base_url)

    def _asked(self, model: str, key: str | None, options: JsonObject) -> tuple[str, int | None]:
        """The name and the window that the server gives the model, if it is a server in reach and says so."""
        base_url = self._base_url(options)
        if classify(base_url) == "cloud":
            return model, None
        from ally.providers.served import ask_server, with_facts  # late: as above

        target = Target(self.name, model, base_url, key, headers=options.get("headers", {}))
        target = with_facts(target, ask_server(target))
        return target.model, target.context_window

    def _key(self, api_key: str | None) -> str | None:
        if self.spec.env_vars and not api_key:
            raise missing_key(self.spec.env_vars[0])
        return api_key if self.spec.env_vars else None

    def _options(self, given: JsonObject) -> JsonObject:
        headers = {**self.spec.headers, **given.get("headers", {})}
        return {**self.spec.body, **given, **({"headers": headers} if headers else {})}

    def _base_url(self, options: JsonObject) -> str:
        base_url = base_url_of(options, self.spec.base_url)
        return with_version(base_url) if self.spec.compatible == "anthropic" else base_url

    def _chat_openai(
        self, model: str, temperature: float | None, key: str | None, options: JsonObject
    ) -> Any:  # Any: a LangChain object
        try:
            from langchain_openai import ChatOpenAI  # heavy
        except ImportError as error:
            raise missing_package("langchain-openai", self.get_display_name()) from error
        arguments = openai_arguments(options, ChatOpenAI.model_fields, self.spec.quirks.max_tokens_field)
        arguments["api_key"] = key or NO_KEY
        arguments.setdefault("stream_usage", self.spec.quirks.stream_usage)
        # Decided here, because LangChain would guess it from the name of the model.
        arguments["use_responses_api"] = self.spec.api == "responses"
        llm = ChatOpenAI(model=model, temperature=temperature, base_url=self._base_url(options), **arguments)
        return without_account(llm)

    def _chat_anthropic(
        self, model: str, temperature: float | None, key: str | None, options: JsonObject
    ) -> Any:  # Any: a LangChain object
        try:
            from langchain_anthropic import ChatAnthropic  # heavy
        except ImportError as error:
            raise missing_package("langchain-anthropic", self.get_display_name()) from error
        arguments: JsonObject = {"max_retries": 2, **others(options), "api_key": key or NO_KEY}
        if headers := options.get("headers"):
            arguments["default_headers"] = headers
        return ChatAnthropic(  # pyright: ignore[reportCallIssue] - the checker cannot see pydantic's aliases
            model=model,  # pyright: ignore[reportCallIssue] - as above
            temperature=temperature,
            base_url=without_version(self._base_url(options)),
            timeout=timeout_of(options),
            **arguments,
        )


def spec_from_endpoint(name: str, endpoint: "Endpoint") -> CompatibleSpec:
    """The service that an entry of `endpoints` in config.json describes."""
    models = tuple(endpoint.models)
    if models and endpoint.default_model and endpoint.default_model not in models:
        models = (endpoint.default_model, *models)
    return CompatibleSpec(
        name=name,
        display_name=endpoint.display_name or name,
        base_url=endpoint.base_url.rstrip("/"),
        compatible=endpoint.compatible,
        env_vars=(endpoint.api_key_env,) if endpoint.api_key_env else (),
        default_model=endpoint.default_model or next(iter(models), None),
        models=models,
        headers=dict(endpoint.headers),
        # The tool way of asking for JSON is what every server with the Anthropic protocol understands.
        quirks=Quirks(structured="tool") if endpoint.compatible == "anthropic" else Quirks(),
        context_window=endpoint.context_window,
        context_window_source="user",
    )
