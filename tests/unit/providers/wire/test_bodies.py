import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Image,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
    user,
)
from ally.providers.model import Request, ToolSpec
from ally.providers.wire import anthropic, gemini, ollama, openai
from ally.providers.wire.connection import to_json
from ally.providers.wire.options import build_target
from ally.providers.wire.target import Quirks, Target
from ally.providers.wire.written import Written

ADD = ToolSpec("add", "Adds two numbers.", {"type": "object", "properties": {"a": {"type": "integer"}}})
READ = ToolSpec("read", "Reads.", {"type": "object", "properties": {}})
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
CLOSED = {**SCHEMA, "additionalProperties": False}
PNG = Image(b"\x89PNG", "image/png")
PICTURE = base64.b64encode(b"\x89PNG").decode()
CALL = ToolCall("call_1", "add", {"a": 1, "ü": "ä"}, "sig-c")
BAD = BadToolCall("call_2", "rm -rf\n", '{"cut', "The arguments end in the middle.")
TURN: tuple[Message, ...] = (
    UserMessage((Text("look"), PNG)),
    AssistantMessage((Thinking("hm", "sig-t"), Text("I add."), CALL, BAD)),
    ToolMessage((ToolResult("call_1", "3"), ToolResult("call_2", "cut", is_error=True))),
)
WIRES = {"openai": openai, "anthropic": anthropic, "gemini": gemini, "ollama": ollama}
LAST = {"openai": "messages", "anthropic": "messages", "gemini": "contents", "ollama": "messages"}
every = pytest.mark.parametrize("name", WIRES)


def target(
    quirks: Quirks | None = None, *, model: str = "m-1", temperature: float | None = None, **options: Any
) -> Target:
    return build_target(
        "acme", model, "http://127.0.0.1:1/v1", quirks=quirks, temperature=temperature, options=options, api_key="sk-1"
    )


def body(name: str, request: Request, where: Target | None = None) -> dict[str, Any]:
    return WIRES[name].write_body(where or target(), request, Written())


def written(name: str, request: Request, where: Target | None = None) -> bytes:
    return to_json(body(name, request, where))


@every
def test_a_longer_conversation_begins_with_the_bytes_of_a_shorter_one(name: str) -> None:
    first = Request(TURN, system="Be brief.", tools=(ADD, READ))
    second = replace(first, messages=(*TURN, AssistantMessage((Text("Three."),)), user("And now?")))
    assert written(name, second).startswith(written(name, first)[:-2])
    assert written(name, first) == written(name, replace(first, messages=list(TURN)))
    assert list(body(name, first))[-1] == LAST[name]


@every
def test_temperature_zero_is_sent_and_none_is_not(name: str) -> None:
    ask = Request([user("x")])
    assert '"temperature":0' in written(name, ask, target(temperature=0)).decode()
    for where in (target(), target(Quirks(temperature=False), temperature=0.5)):
        assert "temperature" not in written(name, ask, where).decode()


@every
def test_text_that_no_character_stands_for_can_still_be_sent(name: str) -> None:
    assert json.loads(written(name, Request([user("a\ud83d \u2028 😀")])))


@every
def test_an_empty_conversation_part_is_never_sent_empty(name: str) -> None:
    messages = [UserMessage(()), AssistantMessage(()), AssistantMessage((Text(""),)), user("x")]
    for turn in body(name, Request(messages))[LAST[name]]:
        assert turn.get("content", turn.get("parts")) not in ([], None)


@every
def test_no_tools_and_pictures_for_a_model_that_has_none(name: str) -> None:
    text = written(name, Request(TURN, tools=(ADD,)), target(Quirks(tools=False, images=False))).decode()
    assert "Adds two numbers." not in text
    assert PICTURE not in text
    assert "cannot see" in text


def test_openai_body() -> None:
    assert body("openai", Request(TURN, system="Be brief.", tools=(ADD,), tool_choice="required")) == {
        "model": "m-1",
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [
            {
                "type": "function",
                "function": {"name": "add", "description": ADD.description, "parameters": ADD.parameters},
            }
        ],
        "tool_choice": "required",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
                ],
            },
            {
                "role": "assistant",
                "content": "I add.",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "add", "arguments": '{"a":1,"ü":"ä"}'},
                    },
                    {"id": "call_2", "type": "function", "function": {"name": "_rm_-rf_", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "3"},
            {"role": "tool", "tool_call_id": "call_2", "content": "Error: cut"},
        ],
    }


def test_openai_options_and_quirks() -> None:
    where = target(
        Quirks(max_tokens_field="max_completion_tokens", stream_usage=False), max_tokens=9, seed=1, stream=False
    )
    assert body("openai", Request([user("x")]), where) == {
        "model": "m-1",
        "stream": False,
        "max_completion_tokens": 9,
        "seed": 1,
        "messages": [{"role": "user", "content": "x"}],
    }


@pytest.mark.parametrize(
    ("replay", "content", "reasoning"),
    [("none", "I add.", None), ("think_tags", "<think>hm</think>I add.", None), ("reasoning_content", "I add.", "hm")],
)
def test_openai_replay_of_thinking(replay: Any, content: str, reasoning: str | None) -> None:
    message = body("openai", Request(TURN), target(Quirks(replay_thinking=replay)))["messages"][1]
    assert (message["content"], message.get("reasoning_content")) == (content, reasoning)


def test_openai_structured_output() -> None:
    ask = Request([user("x")], system="S", json_schema=SCHEMA)
    form = body("openai", ask)["response_format"]["json_schema"]
    assert form == {"name": "answer", "schema": SCHEMA}
    assert body("openai", replace(ask, json_schema=CLOSED))["response_format"]["json_schema"]["strict"] is True
    mode = body("openai", ask, target(Quirks(structured="json_object")))
    assert mode["response_format"] == {"type": "json_object"}
    words = body("openai", ask, target(Quirks(structured="none")))
    assert "response_format" not in words
    for one in (mode, words):
        assert one["messages"][0]["content"].startswith("S\n\n")
        assert '"minimum": 1' in one["messages"][0]["content"]


def test_openai_call_ids_fit_the_service() -> None:
    long = ToolCall("x" * 90, "add", {})
    messages = (AssistantMessage((long, CALL)), ToolMessage((ToolResult(long.id, "1"), ToolResult("call_1", "2"))))
    for quirks, size in ((Quirks(), 40), (Quirks(short_call_ids=True), 9)):
        sent = body("openai", Request(messages), target(quirks))["messages"]
        ids = [call["id"] for call in sent[0]["tool_calls"]]
        assert ids == [result["tool_call_id"] for result in sent[1:]]
        assert len(set(ids)) == 2
        assert all(len(one) <= size for one in ids)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", (None, None, None, ["add", "read"])),
        ("none", ("none", {"type": "none"}, {"mode": "NONE"}, [])),
        ("required", ("required", {"type": "any"}, {"mode": "ANY"}, ["add", "read"])),
        (
            "read",
            (
                {"type": "function", "function": {"name": "read"}},
                {"type": "tool", "name": "read"},
                {"mode": "ANY", "allowedFunctionNames": ["read"]},
                ["read"],
            ),
        ),
    ],
)
def test_tool_choice(choice: str, expected: tuple[Any, Any, Any, list[str]]) -> None:
    ask = Request([user("x")], tools=(ADD, READ), tool_choice=choice)
    assert body("openai", ask).get("tool_choice") == expected[0]
    assert body("anthropic", ask).get("tool_choice") == expected[1]
    assert body("gemini", ask).get("toolConfig", {}).get("functionCallingConfig") == expected[2]
    assert [tool["function"]["name"] for tool in body("ollama", ask).get("tools", ())] == expected[3]


def test_anthropic_body() -> None:
    assert body("anthropic", Request(TURN, system="Be brief.", tools=(ADD,)), target(max_tokens=50)) == {
        "model": "m-1",
        "stream": True,
        "max_tokens": 50,
        "tools": [{"name": "add", "description": ADD.description, "input_schema": ADD.parameters}],
        "system": "Be brief.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "sig-t"},
                    {"type": "text", "text": "I add."},
                    {"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 1, "ü": "ä"}},
                    {"type": "tool_use", "id": "call_2", "name": "_rm_-rf_", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "3"},
                    {"type": "tool_result", "tool_use_id": "call_2", "content": "cut", "is_error": True},
                ],
            },
        ],
    }


def test_anthropic_sends_back_only_thinking_that_is_signed() -> None:
    said = AssistantMessage((Thinking("loose"), Thinking("", "blob", redacted=True), Text("  "), Text("x")))
    assert body("anthropic", Request([said]))["messages"][0]["content"] == [
        {"type": "redacted_thinking", "data": "blob"},
        {"type": "text", "text": "x"},
    ]


def test_anthropic_that_thinks_takes_no_temperature_and_no_forced_call() -> None:
    ask = Request([user("x")], tools=(ADD,), tool_choice="add")
    sent = body("anthropic", ask, target(temperature=0.5, thinking={"type": "enabled", "budget_tokens": 2000}))
    assert "temperature" not in sent
    assert sent["tool_choice"] == {"type": "auto"}
    assert sent["max_tokens"] > 2000


def test_anthropic_structured_output() -> None:
    ask = Request([user("x")], json_schema=SCHEMA)
    config = body("anthropic", ask, target(output_config={"effort": "low"}))["output_config"]
    assert config["effort"] == "low"
    assert config["format"]["schema"] == {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    forced = body("anthropic", ask, target(Quirks(structured="tool")))
    assert forced["tools"][0]["input_schema"] == SCHEMA
    assert forced["tool_choice"] == {"type": "tool", "name": "answer"}
    assert "JSON Schema" in body("anthropic", ask, target(Quirks(structured="none")))["system"]


def test_gemini_body() -> None:
    where = target(temperature=0.5, max_tokens=50, stop="END", include_thoughts=True, safety_settings=[])
    assert body("gemini", Request(TURN, system="Be brief.", tools=(ADD,)), where) == {
        "safetySettings": [],
        "generationConfig": {
            "temperature": 0.5,
            "maxOutputTokens": 50,
            "stopSequences": ["END"],
            "thinkingConfig": {"includeThoughts": True},
        },
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "add", "description": ADD.description, "parametersJsonSchema": ADD.parameters}
                ]
            }
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [{"text": "look"}, {"inlineData": {"mimeType": "image/png", "data": PICTURE}}],
            },
            {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True, "thoughtSignature": "sig-t"},
                    {"text": "I add."},
                    {
                        "functionCall": {"name": "add", "args": {"a": 1, "ü": "ä"}, "id": "call_1"},
                        "thoughtSignature": "sig-c",
                    },
                    {"functionCall": {"name": "_rm_-rf_", "args": {}, "id": "call_2"}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "add", "id": "call_1", "response": {"output": "3"}}},
                    {"functionResponse": {"name": "_rm_-rf_", "id": "call_2", "response": {"error": "cut"}}},
                ],
            },
        ],
    }


@pytest.mark.parametrize(("model", "signature"), [("gemini-3-pro", gemini.SKIP_SIGNATURE), ("gemini-2.5-flash", None)])
def test_gemini_call_of_another_model_gets_the_signature_that_the_service_skips(
    model: str, signature: str | None
) -> None:
    said = AssistantMessage((ToolCall("ally_call_1", "add", {}), ToolCall("ally_call_2", "add", {})))
    parts = body("gemini", Request([said]), target(model=model))["contents"][0]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [signature, None]
    assert all("id" not in part["functionCall"] for part in parts)


def test_gemini_signature_at_the_end_of_a_text_goes_back_alone() -> None:
    said = AssistantMessage((Text("x"), Thinking("", "sig")))
    parts = body("gemini", Request([said]))["contents"][0]["parts"]
    assert parts == [{"text": "x"}, {"text": "", "thoughtSignature": "sig"}]


def test_gemini_structured_output() -> None:
    config = body("gemini", Request([user("x")], json_schema=SCHEMA))["generationConfig"]
    assert config == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}


def test_gemini_address() -> None:
    for base, expected in (
        ("https://g.example", "https://g.example/v1beta/models/m:streamGenerateContent?alt=sse"),
        ("https://g.example/v1beta", "https://g.example/v1beta/models/m:streamGenerateContent?alt=sse"),
        ("https://g.example/v1", "https://g.example/v1/models/m:streamGenerateContent?alt=sse"),
    ):
        where = build_target("google", "models/m", base, api_key="k")
        call = gemini.GeminiWire().write(where, Request([user("x")]))
        assert call.url == expected
        assert call.headers["x-goog-api-key"] == "k"
    assert (
        gemini.GeminiWire()
        .write(replace(where, streaming=False), Request([user("x")]))
        .url.endswith("m:generateContent")
    )


def test_ollama_body() -> None:
    where = target(temperature=0.5, num_ctx=32768, keep_alive="10m", think=False, max_tokens=9, options={"seed": 1})
    sent = body("ollama", Request(TURN, system="Be brief.", tools=(ADD,)), where)
    assert sent == {
        "model": "m-1",
        "stream": True,
        "truncate": False,
        "shift": False,
        "keep_alive": "10m",
        "think": False,
        "options": {"temperature": 0.5, "num_ctx": 32768, "num_predict": 9, "seed": 1},
        "tools": [
            {
                "type": "function",
                "function": {"name": "add", "description": ADD.description, "parameters": ADD.parameters},
            }
        ],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "look", "images": [PICTURE]},
            {
                "role": "assistant",
                "content": "I add.",
                "thinking": "hm",
                "tool_calls": [
                    {"id": "call_1", "function": {"name": "add", "arguments": {"a": 1, "ü": "ä"}}},
                    {"id": "call_2", "function": {"name": "_rm_-rf_", "arguments": {}}},
                ],
            },
            {"role": "tool", "content": "3", "tool_name": "add", "tool_call_id": "call_1"},
            {"role": "tool", "content": "Error: cut", "tool_name": "_rm_-rf_", "tool_call_id": "call_2"},
        ],
    }


def test_ollama_structured_output_and_addresses() -> None:
    assert body("ollama", Request([user("x")], json_schema=SCHEMA))["format"] == SCHEMA
    for base in ("http://gpu:11434", "http://gpu:11434/", "http://gpu:11434/v1", "http://gpu:11434/api"):
        where = build_target("ollama", "m", base)
        assert ollama.OllamaWire(where).write(where, Request([user("x")])).url == "http://gpu:11434/api/chat"


def test_profile_says_what_is_known() -> None:
    profile = ollama.model(target(num_ctx=8192)).profile
    assert (profile.context_window, profile.context_window_source, profile.location) == (8192, "user", "local")
    plain = openai.model(target(Quirks(tools=False), stream=False)).profile
    assert (plain.tools, plain.images, plain.streaming, plain.road) == (False, True, False, "fast")
    assert (plain.context_window, plain.context_window_source) == (None, "guess")


def test_headers_of_the_user_win() -> None:
    where = build_target(
        "acme", "m", "http://127.0.0.1:1/v1", api_key="k", options={"headers": {"Authorization": "X y"}}
    )
    assert openai.OpenAIWire().write(where, Request([user("x")])).headers["Authorization"] == "X y"


def test_a_model_without_key_sends_none() -> None:
    where = build_target("acme", "m", "http://127.0.0.1:1/v1")
    for wire in (openai.OpenAIWire(), gemini.GeminiWire(), anthropic.AnthropicWire(Quirks()), ollama.OllamaWire(where)):
        names = {name.lower() for name in wire.write(where, Request([user("x")])).headers}
        assert not names & {"authorization", "x-api-key", "x-goog-api-key"}


@pytest.mark.parametrize("name", WIRES)
def test_what_is_kept_from_the_last_request_changes_no_byte(name: str) -> None:
    known: Written[Any] = Written()
    call = ToolCall("c1", "look", {"n": 1})
    result = ToolResult("c1", "seen", name="look")
    history = [user("hi"), AssistantMessage((call,)), ToolMessage((result,)), user("and?")]
    for end in (1, 3, 4, 2, 4):
        request = Request(tuple(history[:end]))
        for where in (target(), target(temperature=0.5)):
            assert to_json(WIRES[name].write_body(where, request, known)) == written(name, request, where)
    history[0] = user("something else")
    request = Request(tuple(history))
    assert to_json(WIRES[name].write_body(target(), request, known)) == written(name, request)
