"""One context window for every call of a model of Ollama, and no prompt without its beginning."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ally.agents.spec import load_agent
from ally.engine.compaction import compact
from ally.engine.conversation import Conversation
from ally.engine.loop import send
from ally.errors import ConfigError, ContextTooLong, PromptCut, Unreachable
from ally.events import Event, TurnFailed, TurnFinished
from ally.messages import user
from ally.models import servers
from ally.providers.builtin.ollama import OllamaProvider
from ally.providers.model import Done, Model, Request
from tests.fakes import FakeOllama, Pulled, Reply
from tests.fakes.ollama import Behaviour
from tests.scripted import NoteTool

MODEL = "qwen3:8b"
LONG = "word and more " * 2_000  # 7,000 tokens of the fake


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLY_HOME", str(tmp_path))
    servers.forget()


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama(behaviour=Behaviour(counts=True)) as fake:
        fake.always(Reply("I see."))
        yield fake


_open: list[Model] = []


@pytest.fixture(autouse=True)
async def closing() -> AsyncIterator[None]:
    yield
    while _open:
        await _open.pop().close()


def model_at(fake: FakeOllama, temperature: float | None = 0.5, model: str = MODEL, **options: Any) -> Model:
    made = OllamaProvider().create_model(model, temperature, None, base_url=fake.url, **options)
    _open.append(made)
    return made


async def ask(model: Model, text: str = "hi") -> Done:
    chunks = [chunk async for chunk in model.stream(Request((user(text),)))]
    assert isinstance(chunks[-1], Done)
    return chunks[-1]


async def play(talk: Conversation, text: str) -> list[Event]:
    return [event async for event in send(talk, user(text))]


def sent(fake: FakeOllama) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in fake.calls]


async def measured(model: Model) -> int | None:
    """The window once the server was looked at, which happens beside the answer."""
    for _ in range(200):
        if model.profile.context_window_source == "measured":
            break
        await asyncio.sleep(0.01)
    return model.profile.context_window


async def test_four_agents_and_their_summaries_load_the_model_once_and_nothing_is_cut(ollama: FakeOllama):
    ollama.pulled[MODEL] = Pulled(("completion", "tools"), trained_context=8_192)
    talks = [
        Conversation(model_at(ollama, agent.temperature), system=agent.prompt, tools=[NoteTool()])
        for agent in map(load_agent, ("general", "code_gen", "brainstormer", "web_searcher"))
    ]
    for turn in range(8):
        for talk in talks:
            events = await play(talk, f"{turn} " + LONG[: 14 * 130])
            assert isinstance(events[-1], TurnFinished)
    for talk in talks:
        async for _ in compact(talk):
            pass
    assert (ollama.loads, ollama.reloads) == (1, 0)
    assert len(ollama.prompts) > 32  # with summaries
    assert not any(prompt.is_cut for prompt in ollama.prompts)
    assert {(body["options"]["num_ctx"], body["truncate"], body["shift"]) for body in sent(ollama)} == {
        (8_192, False, False)
    }


async def test_another_process_asks_for_the_same_window(ollama: FakeOllama, tmp_path: Path):
    await ask(model_at(ollama))
    pinned = sent(ollama)[0]["options"]["num_ctx"]
    ollama.memory.clear()
    servers.forget()
    await ask(model_at(ollama))
    assert sent(ollama)[1]["options"]["num_ctx"] == pinned
    assert str(pinned) in (tmp_path / "cache" / "ollama-windows.json").read_text()


@pytest.mark.parametrize("how", [{"num_ctx": 5_000}, {"options": {"num_ctx": 5_000}}, {"context_window": 5_000}])
async def test_the_window_that_the_user_wants_is_sent(ollama: FakeOllama, how: dict[str, Any]):
    model = model_at(ollama, **how)
    await ask(model)
    assert sent(ollama)[0]["options"]["num_ctx"] == 5_000
    assert (model.profile.context_window, model.profile.context_window_source) == (5_000, "user")


async def test_options_of_the_user_win(ollama: FakeOllama):
    await ask(model_at(ollama, truncate=True, shift=True, num_predict=7))
    (body,) = sent(ollama)
    assert (body["truncate"], body["shift"], body["options"]["num_predict"]) == (True, True, 7)


async def test_the_profile_is_what_the_server_says(ollama: FakeOllama):
    ollama.pulled[MODEL] = Pulled(("completion",), num_ctx=6_000)
    profile = model_at(ollama).profile
    assert (profile.context_window, profile.context_window_source) == (6_000, "server")
    assert (profile.tools, profile.images, profile.constrains) == (False, False, True)
    assert (profile.parameters, profile.digest) == (8_190_735_360, "a" * 64)


async def test_a_server_that_starts_later_is_asked_before_the_first_request():
    with FakeOllama() as gone:
        port = gone.port
    options = {"base_url": f"http://127.0.0.1:{port}"}
    model = OllamaProvider().create_model(MODEL, 0.5, None, **options)
    _open.append(model)
    assert model.profile.context_window_source == "guess"
    with pytest.raises(Unreachable):
        await ask(model)
    with FakeOllama(port=port) as fake:
        fake.pulled[MODEL] = Pulled(num_ctx=6_000)
        servers.forget()
        await ask(model)
        assert model.profile.context_window == 6_000
        assert sent(fake)[0]["options"]["num_ctx"] == 6_000


@pytest.mark.parametrize("version", ["0.13.5", "0.40.2"])
async def test_a_prompt_that_does_not_fit_is_refused_with_the_limit(version: str):
    with FakeOllama(behaviour=Behaviour(version=version)) as fake:
        model = model_at(fake, num_ctx=4_096)
        with pytest.raises(ContextTooLong) as caught:
            await ask(model, LONG)
        assert caught.value.limit_tokens == 4_096
        assert "{" not in caught.value.message
        assert not fake.prompts


async def test_a_server_that_serves_less_than_asked_for_is_found_out():
    with FakeOllama(behaviour=Behaviour(serves=4_096, counts=True)) as fake:
        model = model_at(fake)
        assert (model.profile.context_window or 0) > 4_096
        await ask(model)
        assert await measured(model) == 4_096


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(version="0.12.5", serves=4_096, hides=True, counts=True),
        Behaviour(version="0.40.2", serves=4_096, hides=True, counts=True, keeps_truncating=True),
        Behaviour(version="0.12.5", serves=4_096, counts=True),
    ],
    ids=["old", "half", "old that tells"],
)
async def test_a_server_that_cuts_whatever_it_is_told_is_found_out(behaviour: Behaviour):
    with FakeOllama(behaviour=behaviour) as fake:
        note = NoteTool()
        talk = Conversation(model_at(fake), system="Be brief.", tools=[note])
        fake.script(Reply(tool_calls=[("note", {"text": "x"})]))
        events = await play(talk, LONG)
        assert fake.prompts[-1].is_cut
        assert isinstance(events[-1], TurnFailed)
        assert isinstance(events[-1].error, PromptCut)
        assert "provider_options.ollama.num_ctx" in events[-1].error.hint
        assert not note.calls
        assert talk.model.profile.context_window == 4_096


@pytest.mark.parametrize(
    ("given", "expected"),
    [("10m", "10m"), ("1h30m", "1h30m"), (0, 0), (-1, -1), ("-1", -1), ("300", 300), (" 5m ", "5m"), ("-1m", "-1m")],
)
async def test_keep_alive_goes_with_every_call_as_the_api_wants_it(ollama: FakeOllama, given: Any, expected: Any):
    model = model_at(ollama, keep_alive=given)
    for _ in range(2):
        await ask(model)
    assert [body["keep_alive"] for body in sent(ollama)] == [expected] * 2


@pytest.mark.parametrize("given", ["soon", "5mm", "5 m", "1d", True, [], "", float("inf")])
def test_a_keep_alive_that_the_server_would_refuse_is_named(ollama: FakeOllama, given: Any):
    with pytest.raises(ConfigError, match=r"provider_options\.ollama\.keep_alive"):
        model_at(ollama, keep_alive=given)


@pytest.mark.parametrize("given", [0, -1, "8k", True, 1.5])
def test_a_window_that_is_no_number_is_named(ollama: FakeOllama, given: Any):
    with pytest.raises(ConfigError, match="num_ctx"):
        model_at(ollama, num_ctx=given)


async def test_a_model_of_the_cloud_counts_as_one_and_keeps_its_window():
    with FakeOllama(models=["gpt-oss:120b-cloud"]) as fake:
        model = model_at(fake, model="gpt-oss:120b-cloud")
        assert (model.profile.location, model.profile.context_window) == ("cloud", 131_072)
        await ask(model)
        assert "num_ctx" not in sent(fake)[0]["options"]


OFFLINE = """
import asyncio, sys
from ally.egress import offline
from ally.errors import OfflineRefused
from ally.messages import user
from ally.providers.builtin.ollama import OllamaProvider
from ally.providers.model import Request

async def main():
    offline.enable()
    model = OllamaProvider().create_model("gpt-oss:120b-cloud", 0.5, None, base_url=sys.argv[1])
    try:
        async for _ in model.stream(Request((user("secret"),))):
            pass
    except OfflineRefused as error:
        print(error.message)

asyncio.run(main())
"""


def test_a_model_of_the_cloud_is_refused_offline_although_its_server_is_here():
    with FakeOllama(models=["gpt-oss:120b-cloud"]) as fake:
        done = subprocess.run([sys.executable, "-c", OFFLINE, fake.url], capture_output=True, text=True, check=False)
        assert "refused to contact Ollama's cloud" in done.stdout, done.stderr
        assert not fake.calls


async def test_times_and_cached_tokens_are_told():
    with FakeOllama(behaviour=Behaviour(version="0.40.2")) as fake:
        usage = (await ask(model_at(fake))).usage
        assert usage is not None
        assert usage.reports_cache
        assert (usage.prefill_s, usage.generation_s) == (0.001, 0.001)


def test_langchain_gets_the_same_window(ollama: FakeOllama):
    ollama.pulled[MODEL] = Pulled(num_ctx=6_000)
    llm = OllamaProvider().create_llm(MODEL, 0.5, None, base_url=ollama.url, keep_alive="-1")
    assert (llm.num_ctx, llm.profile["max_input_tokens"], llm.keep_alive) == (6_000, 6_000, -1)
