from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from ally.config.settings import Endpoint
from ally.errors import ContextTooLong, Unreachable
from ally.messages import Text, UserMessage
from ally.models.servers import forget
from ally.providers.asking import AskingModel
from ally.providers.compatible import CompatibleProvider, load_presets, spec_from_endpoint
from ally.providers.model import Chunk, Done, Model, Profile, Request, TextChunk
from tests.fakes import Failure, FakeLlamaCpp, FakeLMStudio, FakeOpenAI, FakeVLLM, Reply, Usage
from tests.fakes.own_servers import OwnServer, Slots

ASK = Request((UserMessage((Text("Hi"),)),))


@pytest.fixture(autouse=True)
def forget_answers() -> Iterator[None]:
    forget()
    yield
    forget()


def model_at(name: str, base_url: str, model: str = "default", **options: Any) -> Model:
    return CompatibleProvider(load_presets()[name]).create_model(model, None, None, base_url=base_url, **options)


async def said_by(model: Model) -> list[Chunk]:
    return [chunk async for chunk in model.stream(ASK)]


async def test_the_window_the_server_really_has_and_what_it_can_do() -> None:
    with FakeLlamaCpp() as fake:
        fake.started = Slots(window=12288, slots=3, tools=False)
        model = model_at("llamacpp", fake.base_url)
        profile = model.profile
        await model.close()
    assert (profile.context_window, profile.context_window_source) == (4096, "server")
    assert (profile.tools, profile.images, profile.constrains) == (False, False, True)
    assert (profile.parameters, profile.model, profile.location) == (8_190_735_360, fake.models[0], "local")
    assert profile.digest


async def test_vllm_tells_its_window_and_not_whether_it_takes_tools() -> None:
    with FakeVLLM() as fake:
        model = model_at("vllm", fake.base_url)
        profile = model.profile
        await model.close()
    assert (profile.model, profile.context_window, profile.tools) == ("Qwen/Qwen3-8B-AWQ", 32768, True)


async def test_a_window_that_the_user_set_stays() -> None:
    with FakeLlamaCpp() as fake:
        by_option = model_at("llamacpp", fake.base_url, context_window=2000)
        endpoint = Endpoint(base_url=fake.base_url, context_window=3000)
        by_endpoint = CompatibleProvider(spec_from_endpoint("lab", endpoint)).create_model("m", None)
        found = [
            (model.profile.context_window, model.profile.context_window_source) for model in (by_option, by_endpoint)
        ]
        assert by_endpoint.profile.parameters == 8_190_735_360
        for model in (by_option, by_endpoint):
            await model.close()
    assert found == [(2000, "user"), (3000, "user")]


async def test_an_endpoint_of_the_anthropic_format_is_asked_too() -> None:
    with FakeLlamaCpp() as fake:
        endpoint = Endpoint(base_url=fake.url, compatible="anthropic")
        model = CompatibleProvider(spec_from_endpoint("lab", endpoint)).create_model("m", None)
        profile = model.profile
        await model.close()
    assert (profile.context_window, profile.constrains) == (4096, False)


async def test_a_server_that_wants_a_key_gets_it_with_the_question() -> None:
    with FakeVLLM(key="lab-key") as fake:
        endpoint = Endpoint(base_url=fake.base_url, api_key_env="LAB_KEY")
        model = CompatibleProvider(spec_from_endpoint("lab", endpoint)).create_model("sql-adapter", None, "lab-key")
        assert model.profile.context_window == 32768
        assert isinstance((await said_by(model))[-1], Done)
        await model.close()


async def test_nothing_is_asked_of_the_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    model = CompatibleProvider(load_presets()["groq"]).create_model("openai/gpt-oss-20b", None, "k")
    assert not isinstance(model, AskingModel)
    await model.close()


def test_default_of_an_endpoint_is_the_one_that_the_user_named() -> None:
    with FakeLMStudio() as fake:
        fake.loaded["google/gemma-3-4b"] = 8192
        endpoint = Endpoint(base_url=fake.base_url, default_model="qwen/qwen3-8b")
        assert CompatibleProvider(spec_from_endpoint("lab", endpoint)).get_default_model() == "qwen/qwen3-8b"
        endpoint = Endpoint(base_url=fake.base_url)
        assert CompatibleProvider(spec_from_endpoint("lab", endpoint)).get_default_model() == "google/gemma-3-4b"


async def test_default_is_a_model_that_talks_and_best_one_that_is_loaded() -> None:
    with FakeLMStudio() as fake:
        cold = CompatibleProvider(load_presets()["lmstudio"])
        cold.use_server(fake.base_url)
        assert cold.get_default_model() == "google/gemma-3-4b"
        forget()
        fake.loaded["qwen/qwen3-8b"] = 8192
        assert cold.get_default_model() == "qwen/qwen3-8b"
        assert cold.get_available_models() == ["qwen/qwen3-8b", "google/gemma-3-4b"]
        model = model_at("lmstudio", fake.base_url)
        assert (model.profile.model, model.profile.context_window) == ("qwen/qwen3-8b", 8192)
        assert isinstance((await said_by(model))[-1], Done)
        assert fake.calls[0].json["model"] == "qwen/qwen3-8b"
        await model.close()


async def test_a_window_that_is_known_only_when_the_model_is_loaded() -> None:
    with FakeLMStudio() as fake:
        model = model_at("lmstudio", fake.base_url, "qwen/qwen3-8b")
        assert model.profile.context_window is None
        async for chunk in model.stream(ASK):
            if isinstance(chunk, Done):  # known before the turn goes on
                assert (model.profile.context_window, model.profile.context_window_source) == (4096, "server")
        await model.close()


async def test_a_server_that_never_tells_its_window_is_not_asked_for_ever() -> None:
    with FakeOpenAI(key=None, models=["m"]) as fake:
        model = model_at("localai", fake.base_url, "m")
        for _ in range(4):
            await said_by(model)
        asked = len([request for request in fake.requests if request.path == "/v1/models"])
        await model.close()
    assert model.profile.context_window is None
    assert model.profile.constrains is False
    assert asked == 1


async def test_a_server_that_was_down_is_asked_when_it_is_up() -> None:
    with FakeLlamaCpp() as fake:
        port = fake.port
    model = model_at("llamacpp", fake.base_url)
    assert (model.profile.context_window, model.profile.model) == (None, "default")
    with pytest.raises(Unreachable):
        await said_by(model)
    with FakeLlamaCpp(port=port) as again:
        assert isinstance((await said_by(model))[-1], Done)
        assert (model.profile.context_window, model.profile.model) == (4096, again.models[0])
        assert again.calls[0].json["model"] == again.models[0]
        await model.close()


async def test_a_server_that_was_started_anew_with_another_window() -> None:
    with FakeLlamaCpp() as fake:
        model = model_at("llamacpp", fake.base_url)
        await said_by(model)
        fake.started = Slots(window=2048, slots=1)
        fake.script(Failure("context"))
        with pytest.raises(ContextTooLong):
            await said_by(model)
        assert model.profile.context_window == 2048  # at once, for what is cut now must fit
        assert isinstance((await said_by(model))[-1], Done)
        await model.close()


async def test_a_server_that_went_away_is_asked_when_it_is_back() -> None:
    with FakeLlamaCpp() as fake:
        model = model_at("llamacpp", fake.base_url)
        await said_by(model)
    with pytest.raises(Unreachable):
        await said_by(model)
    assert model.profile.context_window == 4096  # what was known stays known
    with FakeLlamaCpp(port=fake.port) as again:
        again.started = Slots(window=1024, slots=1)
        await said_by(model)
        assert model.profile.context_window == 1024
        await model.close()


async def test_times_of_llamacpp_arrive_in_both_kinds_of_answers() -> None:
    with FakeLlamaCpp() as fake:
        fake.always(Reply("Hello", usage=Usage(100, 20, 60)))
        for streams in (True, False):
            model = model_at("llamacpp", fake.base_url, stream=streams)
            done = (await said_by(model))[-1]
            assert isinstance(done, Done)
            assert done.usage is not None
            assert (done.usage.cached_input_tokens, done.usage.reports_cache) == (60, True)
            assert (done.usage.prefill_s, done.usage.generation_s) == (0.08, 0.2)
            await model.close()


class Scripted:
    """A model that does as it is told, and counts how often it was closed."""

    def __init__(self, window: int | None) -> None:
        self.profile = Profile("lab", "m", "local", window)
        self.closed = 0

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        yield TextChunk(str(self.profile.context_window))
        yield Done("end")

    async def close(self) -> None:
        self.closed += 1


async def test_a_model_that_was_replaced_ends_its_answer_and_is_closed() -> None:
    made: list[Scripted] = []
    answers = [None, 10, 10]

    def build(window: int | None) -> Scripted:
        made.append(Scripted(window))
        return made[-1]

    model = AskingModel(lambda: answers.pop(0), build)
    first = model.stream(ASK)
    second = model.stream(ASK)
    texts = [await anext(first), await anext(second)]
    assert [chunk async for chunk in first] == [Done("end")]
    assert [chunk async for chunk in second] == [Done("end")]
    assert texts == [TextChunk("10"), TextChunk("10")]
    await model.close()
    assert [one.closed for one in made] == [1, 1]


async def test_an_answer_that_comes_too_late_is_taken_with_the_next_request() -> None:
    class Slow(OwnServer):
        delay_s = 1.0

        def answers(self, query: object) -> dict[str, tuple[int, object]]:
            self.closing.wait(self.delay_s)
            return {"/v1/models": (200, {"data": [{"id": "m", "max_model_len": 512}]})}

    with Slow(models=["m"]) as fake:
        model = model_at("vllm", fake.base_url, "m")
        assert model.profile.context_window is None
        fake.delay_s = 0
        for _ in range(3):  # the silence of the first question may be noted only after it was forgotten
            forget()
            await said_by(model)
        assert model.profile.context_window == 512
        await model.close()


async def test_the_road_of_the_guide_has_the_same_name_and_window() -> None:
    with FakeLMStudio() as fake:
        fake.loaded["qwen/qwen3-8b"] = 8192
        llm = CompatibleProvider(load_presets()["lmstudio"]).create_llm("default", None, base_url=fake.base_url)
    assert llm.model_name == "qwen/qwen3-8b"
    assert llm.profile["max_input_tokens"] == 8192
