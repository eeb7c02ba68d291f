"""LangChain objects as plug-ins make them, pointed at the fakes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ally.errors import AllyError
from ally.messages import user
from ally.providers.base import BaseProvider
from ally.providers.langchain import wrap_llm
from ally.providers.model import Chunk, Model, Request, TextChunk, ToolSpec
from tests.fakes import KEY, Fake, FakeAnthropic, FakeGemini, FakeOllama, FakeOpenAI

WEATHER = ToolSpec(
    "get_weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
HI = Request([user("hi")])
ASK = Request([user("Weather?")], tools=[WEATHER], system="Be brief.")


class Plugin(BaseProvider):
    """A provider whose `create_llm` is given."""

    def __init__(self, create: Callable[..., Any], *, streaming: bool = True, variables: Sequence[str] = ()) -> None:
        self._create = create
        self._streaming = streaming
        self._variables = list(variables)

    @property
    def name(self) -> str:
        return "stranger"

    def create_llm(self, model_name, temperature, api_key=None, **kwargs):
        return self._create(model_name, temperature, api_key, **kwargs)

    def get_required_env_vars(self) -> list[str]:
        return self._variables

    def validate_config(self, config):
        return True, None

    def supports_streaming(self) -> bool:
        return self._streaming


def openai(fake: Fake, **fixed: Any) -> Any:
    from langchain_openai import ChatOpenAI

    return lambda model, temperature, key, **kwargs: ChatOpenAI(
        model=model, temperature=temperature, api_key=key, base_url=fake.base_url, **fixed, **kwargs
    )


def cerebras(fake: Fake, **fixed: Any) -> Any:
    from langchain_cerebras import ChatCerebras

    return lambda model, temperature, key, **kwargs: ChatCerebras(
        model=model, temperature=temperature, api_key=key, base_url=fake.base_url, **fixed, **kwargs
    )


def groq(fake: Fake, **fixed: Any) -> Any:
    from langchain_groq import ChatGroq

    return lambda model, temperature, key, **kwargs: ChatGroq(
        model=model, temperature=temperature, api_key=key, base_url=fake.url, **fixed, **kwargs
    )


def anthropic(fake: Fake, **fixed: Any) -> Any:
    from langchain_anthropic import ChatAnthropic

    return lambda model, temperature, key, **kwargs: ChatAnthropic(
        model=model, temperature=temperature, api_key=key, base_url=fake.url, **fixed, **kwargs
    )


def google(fake: Fake, **fixed: Any) -> Any:
    from langchain_google_genai import ChatGoogleGenerativeAI

    return lambda model, temperature, key, **kwargs: ChatGoogleGenerativeAI(
        model=model, temperature=temperature, api_key=key, base_url=fake.url, **fixed, **kwargs
    )


def ollama(fake: Fake, **fixed: Any) -> Any:
    from langchain_ollama import ChatOllama

    return lambda model, temperature, key, **kwargs: ChatOllama(
        model=model, temperature=temperature, base_url=fake.url, **fixed, **kwargs
    )


@dataclass(frozen=True)
class Vendor:
    """A chat class of a partner package and the fake of its service."""

    name: str
    fake: Callable[[], Fake]
    create: Callable[..., Any]
    raw_arguments: bool = True
    fixed: dict[str, Any] = field(default_factory=dict)

    def wrap(self, fake: Fake, *, streaming: bool = True, key: str = KEY, **options: Any) -> Model:
        plugin = Plugin(self.create(fake, **self.fixed), streaming=streaming, variables=["STRANGER_API_KEY"])
        return wrap_llm(plugin, fake.models[0], 0.5, key, options)


def lenient() -> FakeOpenAI:
    fake = FakeOpenAI()
    fake.lenient = True
    fake.reasoning = "reasoning"
    return fake


VENDORS = [
    Vendor("openai", FakeOpenAI, openai),
    Vendor("cerebras", lenient, cerebras),
    Vendor("groq", lenient, groq),
    Vendor("anthropic", lambda: FakeAnthropic(models=["claude-sonnet-5"]), anthropic),
    Vendor("google", FakeGemini, google, raw_arguments=False, fixed={"include_thoughts": True}),
    Vendor("ollama", FakeOllama, ollama, raw_arguments=False, fixed={"reasoning": True}),
]


async def collect(model: Model, request: Request = HI) -> list[Chunk]:
    """All chunks of an answer."""
    try:
        return [chunk async for chunk in model.stream(request)]
    finally:
        await model.close()


async def fail(model: Model, request: Request = HI) -> tuple[list[Chunk], AllyError]:
    """The chunks that came, and the error that ended the answer."""
    chunks: list[Chunk] = []
    try:
        async for chunk in model.stream(request):
            chunks.append(chunk)
    except AllyError as error:
        return chunks, error
    finally:
        await model.close()
    raise AssertionError(f"no error after {chunks}")


def text_of(chunks: Sequence[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))
