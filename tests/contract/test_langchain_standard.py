"""LangChain's own standard tests over the objects that the built-in classes create."""

import importlib
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests

from ally.messages import JsonObject
from tests.contract.roads import ANTHROPIC, GOOGLE, OLLAMA, OPENAI, Service
from tests.fakes import KEY, Fake

ASK_FOR_USAGE = {"stream_usage": True}
"""ChatOpenAI does not ask for usage by itself when the address is not OpenAI's; Ally's adapter does."""


class Standard(ChatModelIntegrationTests):
    """The standard tests over a service's fake, which answers by itself.

    The tests with pictures, sound and PDF are left out (see conftest.py): they fetch their files from the internet.
    """

    service: Service
    langchain_class = ""
    options: ClassVar[JsonObject] = {}
    address = ""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        """What the provider is expected to create."""
        module, _, name = self.langchain_class.partition(":")
        return getattr(importlib.import_module(module), name)  # heavy

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """For the one test that makes an object by itself."""
        key = {} if self.service is OLLAMA else {"api_key": KEY}
        return {"model": self.service.model, "base_url": self.address, **key}

    @property
    def supports_json_mode(self) -> bool:
        """JSON without a schema."""
        return True

    @property
    def supports_model_override(self) -> bool:
        """Left out: a model of Ally's is one model."""
        return False

    @pytest.fixture
    def benchmark(self) -> None:
        """Asked for by a test that replays recordings, which are not used here."""

    @pytest.fixture
    def fake(self) -> Iterator[Fake]:
        """The service; connections end with each answer, because LangChain never closes its clients."""
        with self.service.fake() as server:
            server.keeps_connections = False
            self.address = server.url if self.service.name in ("anthropic", "google") else server.base_url
            yield server

    @pytest.fixture
    def model(self, fake: Fake, request: pytest.FixtureRequest) -> Any:
        """What the provider's `create_llm` gives."""
        provider = self.service.provider(fake)
        options = {"base_url": fake.base_url, **self.service.options, **self.options}
        if (extra := getattr(request, "param", None)) is not None:
            options |= extra
        llm = provider.create_llm(self.service.model, 0.5, KEY, **options)
        assert isinstance(llm, self.chat_model_class)
        return llm


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # openai puts a parsed object where None is declared
@pytest.mark.filterwarnings("ignore:Received a Pydantic BaseModel V1 schema")  # the test gives one on purpose
class TestOpenAI(Standard):
    service = OPENAI
    langchain_class = "langchain_openai:ChatOpenAI"
    options = ASK_FOR_USAGE


class TestAnthropic(Standard):
    service = ANTHROPIC
    langchain_class = "langchain_anthropic:ChatAnthropic"

    @property
    def supports_json_mode(self) -> bool:
        """LangChain's class for Claude knows JSON by schema only."""
        return False


class TestGoogle(Standard):
    service = GOOGLE
    langchain_class = "langchain_google_genai:ChatGoogleGenerativeAI"

    @property
    def supports_json_mode(self) -> bool:
        """LangChain's class for Gemini knows JSON by schema only."""
        return False


class TestOllama(Standard):
    service = OLLAMA
    langchain_class = "langchain_ollama:ChatOllama"

    @property
    def has_tool_choice(self) -> bool:
        """Ollama has no tool_choice."""
        return False
