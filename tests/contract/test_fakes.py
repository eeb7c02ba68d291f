"""The fakes refuse what the services refuse, in the services' words, so that a test that passes means something."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fakes import (
    FAKES,
    HTML,
    KEY,
    Failure,
    Fake,
    FakeAnthropic,
    FakeGemini,
    FakeMiniMax,
    FakeOllama,
    FakeOpenAI,
    FakeReplicate,
    Reply,
)
from tests.fakes.proxy import TlsProxy

Change = Callable[[dict[str, Any]], object]

USER = {"role": "user", "content": "Hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
USE = {"type": "tool_use", "id": "t1", "name": "now", "input": {}}
OPENAI = {"model": "gpt-4o", "messages": [USER]}
ANTHROPIC = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": [USER]}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
OLLAMA = {"model": "qwen3:8b", "messages": [USER], "stream": False}
GEMINI_CALL = {"role": "model", "parts": [{"functionCall": {"name": "now", "args": {}}}]}


def _path(fake: Fake) -> str:
    match fake:
        case FakeAnthropic():
            return "/v1/messages"
        case FakeGemini():
            return "/v1beta/models/gemini-2.5-flash:generateContent"
        case FakeOllama():
            return "/api/chat"
        case FakeReplicate():
            return "/v1/models/meta/meta-llama-3-8b-instruct/predictions"
        case _:
            return "/v1/chat/completions"


def _post(fake: Fake, body: Any, key: str = KEY) -> httpx2.Response:
    headers = {"authorization": f"Bearer {key}", "x-goog-api-key": key, "anthropic-version": "2023-06-01"}
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    return httpx2.post(fake.url + _path(fake), headers=headers, **content)


def _add(*messages: Any, to: str = "messages") -> Change:
    return lambda body: body[to].extend(messages)


def _set(**fields: Any) -> Change:
    return lambda body: body.update(fields)


REFUSED: list[tuple[type[Fake], dict[str, Any], Change, str]] = [
    (FakeOpenAI, OPENAI, _set(messages=[]), "empty array"),
    (FakeOpenAI, OPENAI, _set(num_ctx=4096), "Unrecognized request argument"),
    (FakeOpenAI, OPENAI, _set(stream_options={"include_usage": True}), "only allowed when"),
    (FakeOpenAI, OPENAI, _set(tool_choice="auto"), "only allowed when 'tools'"),
    (FakeOpenAI, OPENAI, _set(temperature=3), "temperature"),
    (FakeOpenAI, OPENAI, _set(model="gpt-5", max_tokens=5), "max_completion_tokens"),
    (FakeOpenAI, OPENAI, _set(model="gpt-6-sol", tools=[TOOL]), "reasoning_effort"),
    (FakeOpenAI, OPENAI, _add({"role": "tool", "tool_call_id": "c1", "content": "x"}), "response to a preceding"),
    (
        FakeOpenAI,
        OPENAI,
        _add({"role": "assistant", "content": None, "tool_calls": [CALL]}, USER),
        "did not have response",
    ),
    (
        FakeOpenAI,
        OPENAI,
        _add({"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "now", "arguments": {}}}]}),
        "expected a string",
    ),
    (FakeOpenAI, OPENAI, _set(response_format={"type": "json_object"}), "the word 'json'"),
    (FakeAnthropic, ANTHROPIC, lambda body: body.pop("max_tokens"), "max_tokens: Field required"),
    (FakeAnthropic, ANTHROPIC, _set(messages=[{"role": "assistant", "content": "Hi"}]), "first message must use"),
    (FakeAnthropic, ANTHROPIC, _add({"role": "assistant", "content": [USE]}, USER), "without `tool_result` blocks"),
    (
        FakeAnthropic,
        ANTHROPIC,
        _add({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9", "content": "x"}]}),
        "unexpected `tool_use_id`",
    ),
    (FakeAnthropic, ANTHROPIC, _add({"role": "user", "content": [{"type": "text", "text": ""}]}), "non-empty"),
    (
        FakeAnthropic,
        ANTHROPIC,
        _add({"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "forged"}]}, USER),
        "Invalid `signature`",
    ),
    (FakeAnthropic, ANTHROPIC, _set(seed=1), "Extra inputs are not permitted"),
    (FakeAnthropic, ANTHROPIC, _set(model="claude-sonnet-5-5", temperature=1), "deprecated for this model"),
    (FakeGemini, GEMINI, _set(contents=[]), "contents is not specified"),
    (FakeGemini, GEMINI, _set(temperature=1), "Unknown name"),
    (
        FakeGemini,
        GEMINI,
        _add(GEMINI_CALL, {"role": "user", "parts": [{"text": "x"}]}, to="contents"),
        "number of function",
    ),
    (
        FakeGemini,
        GEMINI,
        _set(tools=[{"functionDeclarations": [{"name": "f", "parameters": {"$ref": "x"}}]}]),
        "Unknown name",
    ),
    (FakeOllama, OLLAMA, _set(messages=[{**USER, "images": ["data:image/png;base64,xx"]}]), "illegal base64"),
    (FakeOllama, OLLAMA, _add({"role": "assistant", "tool_calls": [CALL]}), "cannot unmarshal string"),
    (
        FakeOllama,
        OLLAMA,
        _set(messages=[{"role": "user", "content": [{"type": "text", "text": "x"}]}]),
        "cannot unmarshal",
    ),
    (FakeOllama, OLLAMA, _set(options={"num_ctx": "4096"}), "must be of type integer"),
    (FakeOllama, OLLAMA, _set(format="yaml"), "invalid format"),
    (FakeMiniMax, {**OPENAI, "model": "MiniMax-M2"}, _set(temperature=0), "temperature"),
    (FakeMiniMax, {**OPENAI, "model": "minimax-m2"}, _set(), "does not exist"),
    (FakeReplicate, {"input": {"prompt": "Hi"}}, _set(input={}), "prompt is required"),
]


@pytest.mark.parametrize(("kind", "body", "change", "words"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_an_invalid_request_is_refused(kind: type[Fake], body: dict[str, Any], change: Change, words: str) -> None:
    changed = copy.deepcopy(body)
    change(changed)
    with kind() as fake:
        assert _post(fake, body).status_code in (200, 201) or kind is FakeMiniMax
        refusal = _post(fake, changed)
    assert refusal.status_code in (400, 422)
    assert words in refusal.text


@pytest.mark.parametrize("name", FAKES)
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model": "\\ud800"}', b'{"model": "\xff"}'], ids=repr)
def test_bytes_that_are_no_json_are_refused(name: str, body: bytes) -> None:
    with FAKES[name](key=KEY) as fake:
        assert _post(fake, body).status_code in (400, 422)


@pytest.mark.parametrize(
    ("name", "status", "place"),
    [
        ("openai", 401, ("error", "code")),
        ("anthropic", 401, ("error", "type")),
        ("gemini", 400, ("error", "details")),
        ("ollama", 401, ("error",)),
        ("minimax", 401, ("error", "http_code")),
        ("replicate", 401, ("detail",)),
    ],
)
def test_a_wrong_key_is_refused_in_the_vendors_shape(name: str, status: int, place: tuple[str, ...]) -> None:
    with FAKES[name](key=KEY) as fake:
        refusal = _post(fake, OPENAI, key="sk-wrong")
    assert refusal.status_code == status
    found = refusal.json()
    for part in place:
        found = found[part]
    assert found


@pytest.mark.parametrize("name", FAKES)
def test_every_kind_of_failure_has_a_vendors_answer(name: str) -> None:
    kinds = (
        "auth",
        "permission",
        "unknown_model",
        "rate_limit",
        "quota",
        "overloaded",
        "server",
        "context",
        "bad_request",
    )
    bodies = {"openai": OPENAI, "anthropic": ANTHROPIC, "gemini": GEMINI, "ollama": OLLAMA}
    body = bodies.get(name, {"input": {"prompt": "Hi"}} if name == "replicate" else {**OPENAI, "model": "MiniMax-M2"})
    with FAKES[name](key=KEY) as fake:
        fake.script(*(Failure(kind) for kind in kinds))  # type: ignore[arg-type]  # the literals of Kind
        assert all(400 <= _post(fake, body).status_code < 600 for _ in kinds)
        fake.script(HTML)
        assert "html" in _post(fake, body).headers["content-type"]


def test_a_mistake_in_a_script_fails_the_test_that_made_it() -> None:
    with pytest.raises(TypeError, match="broken argument text"), FakeOllama() as fake:
        fake.script(Reply(tool_calls=[("now", "{broken")]))
        with pytest.raises(httpx2.TransportError):
            _post(fake, OLLAMA)


def test_https_to_any_name_ends_at_the_fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOpenAI(models=["lab"]) as fake, TlsProxy(fake) as proxy:
        for name, value in proxy.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        fake.script(Reply("over TLS"))
        body = {**OPENAI, "model": "lab"}
        address = "https://api.together.xyz/v1/chat/completions"
        answer = httpx2.post(address, json=body, headers={"authorization": f"Bearer {KEY}"})
    assert answer.json()["choices"][0]["message"]["content"] == "over TLS"
    assert proxy.visited == ["api.together.xyz:443"]
