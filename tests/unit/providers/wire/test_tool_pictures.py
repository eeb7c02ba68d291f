import base64
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from ally.messages import (
    AssistantMessage,
    Image,
    Message,
    Text,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
    assistant,
    user,
)
from ally.providers.base import BaseProvider
from ally.providers.builtin.anthropic import AnthropicProvider
from ally.providers.builtin.google import GoogleProvider
from ally.providers.builtin.ollama import OllamaProvider
from ally.providers.builtin.openai import OpenAIProvider
from ally.providers.langchain import wrap_llm
from ally.providers.langchain.outgoing import chat_messages
from ally.providers.model import Done, Request, ToolSpec
from ally.providers.presets import load_presets
from ally.providers.wire import anthropic, gemini, ollama, openai, replicate
from ally.providers.wire.connection import to_json
from ally.providers.wire.openai import BETWEEN
from ally.providers.wire.options import build_target
from ally.providers.wire.target import Quirks
from ally.providers.wire.written import Written
from tests.fakes import KEY, Fake, FakeAnthropic, FakeGemini, FakeOllama, FakeOpenAI, Reply

PNG = Image(b"\x89PNG", "image/png")
PICTURE = base64.b64encode(b"\x89PNG").decode()
READ = ToolSpec("read", "Reads.", {"type": "object", "properties": {}})
CALLS = AssistantMessage((ToolCall("call_1", "read", {}), ToolCall("call_2", "read", {})))
RESULTS = ToolMessage((ToolResult("call_1", "[a.png]", name="read", images=(PNG,)), ToolResult("call_2", "text")))
TURN: tuple[Message, ...] = (user("look"), CALLS, RESULTS)
WIRES = {"openai": openai, "anthropic": anthropic, "gemini": gemini, "ollama": ollama}
NOTE = "[from the tool read]"
every = pytest.mark.parametrize("name", WIRES)


def body(name: str, messages: tuple[Message, ...], quirks: Quirks | None = None) -> dict[str, Any]:
    where = build_target("acme", "m-1", "http://127.0.0.1:1/v1", quirks=quirks)
    return WIRES[name].write_body(where, Request(messages, tools=(READ,)), Written())


@every
def test_a_longer_conversation_begins_with_the_bytes_of_a_shorter_one(name: str) -> None:
    quirks = Quirks(assistant_after_tools=True)
    turns = (*TURN, user("wait"), assistant("A cat."), user("And now?"), CALLS, RESULTS)
    sent = [to_json(body(name, turns[:end], quirks)) for end in (3, 4, 6, 8)]
    for shorter, longer in pairwise(sent):
        assert longer.startswith(shorter[:-2])


@every
def test_a_model_that_sees_nothing_is_told_of_the_picture(name: str) -> None:
    sent = to_json(body(name, TURN, Quirks(images=False))).decode()
    assert PICTURE not in sent
    assert sent.count("cannot see") == 1


def test_openai_gets_the_picture_after_all_results() -> None:
    assert body("openai", TURN)["messages"][2:] == [
        {"role": "tool", "tool_call_id": "call_1", "content": "[a.png]"},
        {"role": "tool", "tool_call_id": "call_2", "content": "text"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": NOTE},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
            ],
        },
    ]


def test_where_no_user_may_follow_a_tool_the_assistant_speaks_between() -> None:
    quirks = load_presets()["mistral"].quirks
    for messages in (TURN, (*TURN[:2], ToolMessage((ToolResult("call_1", "x"),)), user("stop"))):
        sent = body("openai", messages, quirks)["messages"]
        roles = [message["role"] for message in sent]
        assert "tool user" not in " ".join(roles)
        assert sent[-2] == {"role": "assistant", "content": BETWEEN}
    assert [one["role"] for one in body("openai", (*TURN, user("x")))["messages"][-3:]] == ["tool", "user", "user"]


def test_anthropic_gets_the_picture_inside_the_result() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}
    assert body("anthropic", TURN)["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "[a.png]"}, image]},
        {"type": "tool_result", "tool_use_id": "call_2", "content": "text"},
    ]
    silent = replace(RESULTS, results=(ToolResult("call_1", " ", images=(PNG,)),))
    assert body("anthropic", (*TURN[:2], silent))["messages"][2]["content"][0]["content"] == [image]


def test_gemini_gets_the_picture_beside_the_results() -> None:
    parts = body("gemini", TURN)["contents"][2]["parts"]
    assert [part["functionResponse"]["response"] for part in parts[:2]] == [{"output": "[a.png]"}, {"output": "text"}]
    assert parts[2:] == [{"inlineData": {"mimeType": "image/png", "data": PICTURE}}]


def test_ollama_gets_the_picture_after_all_results() -> None:
    *_, first, second, picture = body("ollama", TURN)["messages"]
    assert [first["content"], second["content"]] == ["[a.png]", "text"]
    assert picture == {"role": "user", "content": NOTE, "images": [PICTURE]}


def test_a_prompt_of_plain_text_says_that_there_was_a_picture() -> None:
    assert "Tool: [a.png]\n\n[an image that this model cannot see]" in replicate.render(Request(TURN))


def test_langchain_gets_the_picture_after_all_results() -> None:
    sent = chat_messages(Request(TURN), "openai", tools=True)
    assert [message.type for message in sent] == ["human", "ai", "tool", "tool", "human"]
    assert sent[-1].content == [
        {"type": "text", "text": NOTE},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
    ]
    without = chat_messages(Request(TURN), "openai", tools=False)
    assert without[-1].content == "[read answered] [a.png]\n[picture]\n[tool answered] text"


@pytest.mark.parametrize(
    ("make", "kind", "model"),
    [
        (OpenAIProvider, FakeOpenAI, "gpt-4o"),
        (AnthropicProvider, FakeAnthropic, "claude-haiku-4-5"),
        (GoogleProvider, FakeGemini, "gemini-3.8-flash"),
        (OllamaProvider, FakeOllama, "qwen3:8b"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("road", ["fast", "guide"])
async def test_every_service_takes_the_picture(
    make: Callable[[], BaseProvider], kind: type[Fake], model: str, road: str
) -> None:
    with kind(models=[model]) as fake:
        fake.always(Reply("A cat."))
        key = None if kind is FakeOllama else KEY
        fake.key = key
        provider, options = make(), {"base_url": fake.base_url}
        if road == "fast":
            talk = provider.create_model(model, 0.5, key, **options)
        else:
            talk = wrap_llm(provider, model, 0.5, key, options)
        messages = (*TURN, assistant("A cat."), UserMessage((Text("Sure?"),)))
        for end in (3, 5):
            chunks = [chunk async for chunk in talk.stream(Request(messages[:end], tools=(READ,)))]
            assert isinstance(chunks[-1], Done)
        await talk.close()
        assert all(PICTURE in str(request.json) for request in fake.calls)
