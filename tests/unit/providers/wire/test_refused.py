"""Fields that Ally sends unasked and a service refuses."""

import pytest

from ally.errors import BadRequest
from ally.messages import user
from ally.providers.model import Done, Model, Request, TextChunk
from ally.providers.wire import openai
from ally.providers.wire.options import build_target
from tests.fakes import KEY, Failure, FakeOpenAI, Reply

TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) is supported."
)


def connect(fake: FakeOpenAI) -> Model:
    return openai.model(build_target("lab", fake.models[0], fake.base_url, api_key=KEY, temperature=0.2))


async def ask(model: Model) -> str:
    chunks = [chunk async for chunk in model.stream(Request((user("hi"),)))]
    assert isinstance(chunks[-1], Done)
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


async def test_a_refused_temperature_is_left_out_from_then_on(fake_openai: FakeOpenAI):
    fake_openai.script(Failure("bad_request", TEMPERATURE), Reply(text="one"), Reply(text="two"))
    model = connect(fake_openai)
    assert (await ask(model), await ask(model)) == ("one", "two")
    assert ["temperature" in request.json for request in fake_openai.requests] == [True, False, False]
    await model.close()


async def test_refused_stream_options_are_left_out(fake_openai: FakeOpenAI):
    fake_openai.script(Failure("bad_request", "Unrecognized request argument: stream_options"), Reply(text="one"))
    model = connect(fake_openai)
    assert await ask(model) == "one"
    assert "stream_options" not in fake_openai.requests[-1].json
    await model.close()


async def test_another_refusal_is_an_error_after_one_request(fake_openai: FakeOpenAI):
    fake_openai.script(Failure("bad_request", "temperature is fine, but `messages` is not"))
    model = connect(fake_openai)
    with pytest.raises(BadRequest, match="messages"):
        await ask(model)
    assert len(fake_openai.requests) == 1
    await model.close()
