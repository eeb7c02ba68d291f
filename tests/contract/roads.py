"""Every provider on both roads, and what a road cannot have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from ally.config.settings import Endpoint
from ally.engine.answer import Answer
from ally.messages import JsonObject, Message, ToolSpec, user
from ally.providers.base import BaseProvider
from ally.providers.builtin.anthropic import AnthropicProvider
from ally.providers.builtin.google import GoogleProvider
from ally.providers.builtin.ollama import OllamaProvider
from ally.providers.builtin.openai import OpenAIProvider
from ally.providers.compatible import CompatibleProvider, spec_from_endpoint
from ally.providers.langchain import wrap_llm
from ally.providers.model import Chunk, Done, Model, Request, TextChunk, ThinkingChunk
from app.src.providers.custom.minimax import MiniMaxProvider
from tests.fakes import KEY, Fake, FakeAnthropic, FakeGemini, FakeMiniMax, FakeOllama, FakeOpenAI

Road = Literal["fast", "guide"]
IDLE_S = 0.4
"""The longest silence where an answer is slow."""
SHORT_S = 0.15
"""The longest silence where a test waits for it."""


@dataclass(frozen=True, slots=True)
class Service:
    """A provider and the fake that stands for its service.

    `options` are its `provider_options` besides the address; `thinking` the ones that ask for thinking, `limit` the
    ones that limit the answer to `LIMIT` tokens. `whole_arguments` says that tool arguments arrive as one JSON value.
    """

    name: str
    fake: type[Fake]
    provider: Callable[[Fake], BaseProvider]
    model: str
    options: JsonObject = field(default_factory=dict[str, Any])
    thinking: JsonObject = field(default_factory=dict[str, Any])
    limit: JsonObject = field(default_factory=lambda: {"max_tokens": LIMIT})
    whole_arguments: bool = False
    needs_key: bool = True


@dataclass(frozen=True, slots=True)
class Subject:
    """A service on one road. `unsupported` maps a capability to the reason why the road cannot have it."""

    service: Service
    road: Road
    unsupported: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        return f"{self.service.name}-{self.road}"

    def connect(
        self, fake: Fake, *, key: str = KEY, model: str = "", temperature: float | None = 0.5, **options: Any
    ) -> Model:
        """The model, with a short idle timeout only if `options` say so."""
        provider = self.service.provider(fake)
        given = {"base_url": fake.base_url, **self.service.options, **options}
        api_key = key if self.service.needs_key else None
        name = model or self.service.model
        if self.road == "fast":
            return provider.create_model(name, temperature, api_key, **given)
        return wrap_llm(provider, name, temperature, api_key, given)


LIMIT = 5
CAPABILITIES = (
    "thinking",
    "thinking_kept",
    "json_schema",
    "usage",
    "cached_usage",
    "bad_arguments",
    "image",
    "keep_alives",
    "wrong_key",
    "refused",
    "half_line",
    "asks_for_whole",
)
KEYLESS = "asks for no key"
ONE_VALUE = "arguments come as one JSON value, so a service cannot send broken ones"
NO_CACHE_COUNT = "the service does not report cached tokens"
NDJSON = "lines of JSON have no comments"
NO_REASONING_FIELD = "LangChain drops reasoning_content, because it is not OpenAI's own"
NO_REFUSAL = "the service has no stop reason for a refusal"
HALF_LINE = "the vendor's client fails on the half line before it sees that the stream ended: BadReply, not CutStream"
STREAMS_INSIDE = "ChatOllama streams from the server even when it is asked for a whole answer"
NOT_ECHOED = "this format does not carry thinking back"


def _endpoint(compatible: Literal["openai", "anthropic"]) -> Callable[[Fake], BaseProvider]:
    def provider(fake: Fake) -> BaseProvider:
        entry = Endpoint(
            compatible=compatible,
            base_url=fake.base_url,
            api_key_env="LAB_KEY",
            models=["lab-model"],
            default_model="lab-model",
        )
        return CompatibleProvider(spec_from_endpoint("lab", entry))

    return provider


class LenientOpenAI(FakeOpenAI):
    """A server of one's own that speaks OpenAI's format."""

    models = ("lab-model",)
    lenient = True


class LabAnthropic(FakeAnthropic):
    """A server of one's own that speaks Anthropic's format."""

    models = ("lab-model",)


CLAUDE_THINKS = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4096}
OPENAI = Service("openai", FakeOpenAI, lambda _: OpenAIProvider(), "gpt-4o")
ANTHROPIC = Service(
    "anthropic", FakeAnthropic, lambda _: AnthropicProvider(), "claude-haiku-4-5", thinking=CLAUDE_THINKS
)
GOOGLE = Service(
    "google",
    FakeGemini,
    lambda _: GoogleProvider(),
    "gemini-3-pro-preview",
    thinking={"include_thoughts": True},
    limit={"max_output_tokens": LIMIT},
    whole_arguments=True,
)
OLLAMA = Service(
    "ollama",
    FakeOllama,
    lambda _: OllamaProvider(),
    "qwen3:8b",
    thinking={"think": True},
    limit={"num_predict": LIMIT},
    whole_arguments=True,
    needs_key=False,
)
LAB_OPENAI = Service("endpoint-openai", LenientOpenAI, _endpoint("openai"), "lab-model")
LAB_ANTHROPIC = Service("endpoint-anthropic", LabAnthropic, _endpoint("anthropic"), "lab-model", thinking=CLAUDE_THINKS)
MINIMAX = Service(
    "minimax", FakeMiniMax, lambda _: MiniMaxProvider(), "minimax-m2", options={"group_id": "1234567890123456789"}
)

_OLLAMA_CANNOT = {
    "cached_usage": NO_CACHE_COUNT,
    "bad_arguments": ONE_VALUE,
    "keep_alives": NDJSON,
    "wrong_key": KEYLESS,
    "refused": NO_REFUSAL,
    "thinking_kept": NOT_ECHOED,
}
SUBJECTS: Sequence[Subject] = (
    Subject(OPENAI, "fast", {"thinking_kept": NOT_ECHOED}),
    Subject(OPENAI, "guide", {"thinking": NO_REASONING_FIELD, "thinking_kept": NOT_ECHOED}),
    Subject(ANTHROPIC, "fast"),
    Subject(ANTHROPIC, "guide"),
    Subject(GOOGLE, "fast", {"bad_arguments": ONE_VALUE}),
    Subject(
        GOOGLE,
        "guide",
        {
            "bad_arguments": ONE_VALUE,
            "keep_alives": "google-genai reads no comments; Google sends none",
            "half_line": HALF_LINE,
        },
    ),
    Subject(OLLAMA, "fast", _OLLAMA_CANNOT),
    Subject(OLLAMA, "guide", {**_OLLAMA_CANNOT, "half_line": HALF_LINE, "asks_for_whole": STREAMS_INSIDE}),
    Subject(LAB_OPENAI, "fast", {"thinking_kept": NOT_ECHOED}),
    Subject(LAB_OPENAI, "guide", {"thinking": NO_REASONING_FIELD, "thinking_kept": NOT_ECHOED}),
    Subject(LAB_ANTHROPIC, "fast"),
    Subject(LAB_ANTHROPIC, "guide"),
    Subject(MINIMAX, "fast"),
    Subject(MINIMAX, "guide", {"thinking_kept": "ChatOpenAI is given the answer without its thinking"}),
)


def every_subject(*capabilities: str) -> pytest.MarkDecorator:
    """Run the test for every subject that has the capabilities."""
    unknown = set(capabilities) - set(CAPABILITIES)
    assert not unknown, f"no such capability: {unknown}"
    able = [subject for subject in SUBJECTS if not any(name in subject.unsupported for name in capabilities)]
    return pytest.mark.parametrize("subject", able, ids=str)


WEATHER = ToolSpec(
    "get_weather",
    "The weather of a city.",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
NOW = ToolSpec("now", "The time.", {"type": "object", "properties": {}})
CITY_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


def ask(*messages: Message | str, **fields: Any) -> Request:
    """A request; a text is a user message."""
    said = [user(message) if isinstance(message, str) else message for message in messages]
    return Request(messages=said or [user("Hi")], **fields)


async def answer_of(model: Model, request: Request) -> Answer:
    """The whole answer; `Done` is the last chunk and comes once."""
    chunks = [chunk async for chunk in model.stream(request)]
    assert [isinstance(chunk, Done) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    return collect(chunks)


def collect(chunks: Sequence[Chunk]) -> Answer:
    """What the engine makes of the chunks."""
    answer = Answer()
    for chunk in chunks:
        answer.add(chunk)
    return answer


def texts(chunks: Sequence[Chunk]) -> str:
    """The text in the chunks."""
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


def thoughts(chunks: Sequence[Chunk]) -> str:
    """The thinking in the chunks."""
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, ThinkingChunk))
