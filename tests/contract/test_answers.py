"""Answers: text, thinking, usage, stop reasons, and what goes to the service."""

import base64
import json

import jsonschema

from ally.messages import Image, Text, UserMessage, assistant, user
from ally.providers.model import TextChunk, ThinkingChunk
from tests.contract.conftest import Connect
from tests.contract.roads import CITY_SCHEMA, LIMIT, Subject, answer_of, ask, every_subject, texts, thoughts
from tests.fakes import KEY, Cut, Fake, Hang, Reply
from tests.fakes import Usage as Tokens

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WORLD = "naïve 日本語 🎉👩‍👩‍👧 שלום مرحبا 𐍈 \u202e\u200d end"


@every_subject()
async def test_a_plain_answer(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply("Hello, world."))
    answer = await answer_of(connect(), ask("Hi"))
    assert answer.message().text == "Hello, world."
    assert answer.done is not None
    assert answer.done.stop_reason == "end"
    assert len(fake.calls) == 1


@every_subject()
async def test_the_first_words_arrive_before_the_service_has_said_the_last(
    subject: Subject, connect: Connect, fake: Fake
) -> None:
    fake.script(Reply("Hello, world, how are you?", fault=Hang("text")))
    stream = connect().stream(ask("Hi"))
    async for chunk in stream:
        if isinstance(chunk, TextChunk) and chunk.text:
            break
    assert not fake.calls[0].over.is_set()
    await stream.aclose()  # type: ignore[attr-defined]  # every road is an async generator


@every_subject("thinking")
async def test_thinking_is_told_apart_from_the_answer(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply("It is 4.", thinking="Two and two make four."))
    model = connect(temperature=1.0, **subject.service.thinking)
    chunks = [chunk async for chunk in model.stream(ask("2+2?"))]
    assert thoughts(chunks).strip() == "Two and two make four."
    assert texts(chunks).strip() == "It is 4."
    kinds = [type(chunk) for chunk in chunks if isinstance(chunk, TextChunk | ThinkingChunk)]
    assert kinds == sorted(kinds, key=[ThinkingChunk, TextChunk].index)


@every_subject("usage")
async def test_usage_is_what_the_service_counted(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply("Hello", usage=Tokens(input=31, output=9)))
    answer = await answer_of(connect(), ask("Hi"))
    assert answer.done is not None
    usage = answer.done.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens) == (31, 9, 0)


@every_subject("cached_usage")
async def test_cached_tokens_are_part_of_the_input_tokens(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply("Hello", usage=Tokens(input=31, output=9, cached=20)))
    answer = await answer_of(connect(), ask("Hi"))
    assert answer.done is not None
    usage = answer.done.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens) == (31, 9, 20)
    assert usage.reports_cache or subject.road == "guide"


@every_subject()
async def test_an_answer_that_hits_the_token_limit(subject: Subject, connect: Connect, fake: Fake) -> None:
    answer = await answer_of(connect(**subject.service.limit), ask("Reply with: " + "long " * 50))
    assert answer.done is not None
    assert answer.done.stop_reason == "length"
    assert 0 < len(answer.message().text) <= LIMIT * 4


@every_subject("refused")
async def test_an_answer_that_the_service_refuses_to_give(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply("I ", stop="refused"))
    answer = await answer_of(connect(), ask("Hi"))
    assert answer.done is not None
    assert answer.done.stop_reason == "refused"


@every_subject()
async def test_an_empty_answer_is_an_answer(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply(""))
    answer = await answer_of(connect(), ask("Hi"))
    assert answer.message().text == ""
    assert answer.done is not None
    assert answer.done.stop_reason == "end"


@every_subject()
async def test_any_script_survives_both_ways(subject: Subject, connect: Connect, fake: Fake) -> None:
    answer = await answer_of(connect(), ask(f"Reply with exactly: {WORLD}"))
    assert answer.message().text == WORLD


@every_subject()
async def test_lines_and_characters_split_over_packets(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply(WORLD, write_bytes=3, piece_chars=2))
    answer = await answer_of(connect(), ask("Hi"))
    assert answer.message().text == WORLD


@every_subject()
async def test_a_lone_surrogate_in_the_prompt_does_not_stop_the_request(
    subject: Subject, connect: Connect, fake: Fake
) -> None:
    fake.script(Reply("fine"))
    answer = await answer_of(connect(), ask("broken \ud83d text \udcff"))
    assert answer.message().text == "fine"
    sent = fake.calls[0].body.decode("utf-8")
    assert "broken" in sent
    assert "\\ud83d" not in sent.lower()


@every_subject("keep_alives")
async def test_signs_of_life_are_no_text(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply("Hello, world.", keep_alives=True))
    answer = await answer_of(connect(), ask("Hi"))
    assert answer.message().text == "Hello, world."


@every_subject()
async def test_an_answer_whose_body_ends_with_the_connection(subject: Subject, connect: Connect, fake: Fake) -> None:
    fake.script(Reply("Hello, world.", framing="close"))
    answer = await answer_of(connect(), ask("Hi"))
    assert answer.message().text == "Hello, world."


@every_subject()
async def test_the_system_prompt_reaches_the_service(subject: Subject, connect: Connect, fake: Fake) -> None:
    await answer_of(connect(), ask("Hi", system="You are a pirate. 🏴"))
    assert "You are a pirate. 🏴" in _said(fake)


@every_subject()
async def test_a_long_history_goes_whole_and_in_order(subject: Subject, connect: Connect, fake: Fake) -> None:
    history = [turn for n in range(120) for turn in (user(f"question-{n:03}"), assistant(f"answer-{n:03}"))]
    await answer_of(connect(), ask(*history, "the last"))
    sent = _said(fake)
    places = [sent.index(f"{kind}-{n:03}") for n in range(120) for kind in ("question", "answer")]
    assert places == sorted(places)
    assert sent.index("the last") > places[-1]


@every_subject("image")
async def test_an_image_reaches_the_service(subject: Subject, connect: Connect, fake: Fake) -> None:
    message = UserMessage((Text("What is this?"), Image(PNG, "image/png")))
    answer = await answer_of(connect(), ask(message))
    sent = fake.calls[0].body.decode().replace("-", "+").replace("_", "/")  # google-genai writes the other alphabet
    assert base64.b64encode(PNG).decode() in sent
    assert "(and sent 1 image)" in answer.message().text


@every_subject("json_schema")
async def test_an_answer_in_the_shape_of_a_schema(subject: Subject, connect: Connect, fake: Fake) -> None:
    answer = await answer_of(connect(), ask('The weather in "Rome" for 3 days, as JSON', json_schema=CITY_SCHEMA))
    jsonschema.validate(json.loads(answer.message().text), CITY_SCHEMA)
    assert "days" in _said(fake)


@every_subject()
async def test_one_model_answers_again_and_again(subject: Subject, connect: Connect, fake: Fake) -> None:
    model = connect()
    fake.script(Reply("one"), Reply("two", fault=Cut("headers")), Reply("three"))
    assert (await answer_of(model, ask("a"))).message().text == "one"
    try:
        await answer_of(model, ask("b"))
    except Exception as error:  # noqa: BLE001 - any failure will do, the next answer is what counts
        assert KEY not in str(error)
    assert (await answer_of(model, ask("c"))).message().text == "three"


@every_subject()
async def test_the_profile_says_what_it_is(subject: Subject, connect: Connect, fake: Fake) -> None:
    profile = connect().profile
    assert profile.road == subject.road
    assert profile.location == "local"
    assert profile.streaming
    assert profile.tools
    assert KEY not in repr(profile)


def _said(fake: Fake) -> str:
    """The request as text, escapes undone."""
    return json.dumps(fake.calls[0].json, ensure_ascii=False)
