import copy
import itertools
import json
import random
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.errors import BadReply, CutStream, Overloaded, ProviderError
from ally.messages import AssistantMessage, BadToolCall, JsonObject, ToolCall, user
from ally.providers.model import Chunk, Done, Request, TextChunk, ThinkingChunk, Usage
from ally.providers.wire.anthropic import AnthropicParser
from ally.providers.wire.gemini import GeminiParser
from ally.providers.wire.ollama import OllamaParser
from ally.providers.wire.openai import OpenAIParser
from tests.unit.providers.wire.samples import ASK, FAULTS, SAMPLES, Sample, joined, parse, read

every = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
BOM = b"\xef\xbb\xbf"


def openai_events(*deltas: JsonObject, finish: str | None = "stop") -> list[tuple[str, str]]:
    choices = [{"delta": delta, "finish_reason": None} for delta in deltas]
    if finish:
        choices.append({"delta": {}, "finish_reason": finish})
    return [("message", json.dumps({"choices": [choice]})) for choice in choices]


def openai(*deltas: JsonObject, finish: str | None = "stop", request: Request = ASK) -> list[Chunk]:
    return parse(OpenAIParser(request, FAULTS), openai_events(*deltas, finish=finish))


def tool_delta(arguments: Any, **fields: Any) -> JsonObject:
    return {"tool_calls": [{"index": 0, "function": {"name": "add", "arguments": arguments}, **fields}]}


@every
def test_a_complete_answer(sample: Sample) -> None:
    assert joined(parse(sample.parser(ASK, FAULTS), sample.data())) == sample.expected


@every
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
async def test_an_answer_split_at_every_byte(sample: Sample, newline: str) -> None:
    if sample.lines and newline == "\r":
        newline = "\r\n"
    wire = sample.wire(newline)
    assert joined(await read(sample, [wire[at : at + 1] for at in range(len(wire))])) == sample.expected
    for at in range(0, len(wire), 11):
        assert joined(await read(sample, [wire[:at], wire[at:]])) == sample.expected


@every
async def test_a_byte_order_mark_and_comments_change_nothing(sample: Sample) -> None:
    wire = sample.wire()
    if not sample.lines:
        wire = b": hello\n\n" + wire.replace(b"\n\n", b"\n\n: keep-alive\n\n").replace(b"data: [D", b"id: 7\ndata: [D")
    assert joined(await read(sample, [BOM + wire])) == sample.expected
    assert joined(await read(sample, [BOM[:1], BOM[1:], wire])) == sample.expected
    assert joined(await read(sample, [b"\n\n", wire, b"\n\n"])) == sample.expected


@every
async def test_an_answer_cut_at_every_byte_is_never_complete(sample: Sample) -> None:
    wire = sample.wire()
    # What comes after the finish mark may be missing.
    complete = {"openai": b'"finish_reason": "tool_calls"'}.get(next(k for k, v in SAMPLES.items() if v is sample))
    end = wire.index(complete) if complete else len(wire) - 2
    for at in range(0, end, 7):
        with pytest.raises(CutStream):
            await read(sample, [wire[:at]])


@every
async def test_a_call_is_never_yielded_before_the_finish_mark(sample: Sample) -> None:
    parser = sample.parser(ASK, FAULTS)
    for name, data in sample.data():
        assert not any(isinstance(chunk, ToolCall | BadToolCall) for chunk in parser.feed(name, data))


@every
@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 4000), max_size=40))
async def test_any_split_gives_the_same(sample: Sample, cuts: list[int]) -> None:
    wire = sample.wire("\r\n")
    places = sorted({0, len(wire), *(cut % len(wire) for cut in cuts)})
    pieces = [wire[start:end] for start, end in itertools.pairwise(places)]
    assert joined(await read(sample, pieces)) == sample.expected


def _junk(rng: random.Random) -> Any:
    return rng.choice([None, True, -1, 0, 7, 1e300, "", "x", "\ud83d", [], [[]], {}, {"a": {}}, ["x", None, 3]])


def _spoil(value: Any, rng: random.Random) -> Any:
    """`value` with one place replaced, removed or doubled."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.2:
        return _junk(rng)
    key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
    if rng.random() < 0.15:
        del value[key]
    else:
        value[key] = _spoil(value[key], rng)
    return value


@every
def test_no_spoiled_answer_crashes(sample: Sample) -> None:
    rng = random.Random(2026)
    calls = 0
    for _ in range(1000):
        events = list(sample.events)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(events))
            name, value = events[at]
            events[at] = (rng.choice([name, "message", "error", ""]), _spoil(copy.deepcopy(value), rng))
            if rng.random() < 0.2:
                rng.shuffle(events)
        texts = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in events]
        try:
            chunks = parse(sample.parser(ASK, FAULTS), texts)
        except ProviderError:
            continue
        assert isinstance(chunks[-1], Done)
        for chunk in chunks[:-1]:
            if isinstance(chunk, TextChunk | ThinkingChunk):
                chunk.text.encode()
            elif isinstance(chunk, ToolCall):
                calls += 1
                assert chunk.id
                assert chunk.name
    assert calls > 200


@every
async def test_no_garbled_bytes_crash(sample: Sample) -> None:
    rng = random.Random(11)
    wire = sample.wire()
    for _ in range(150):
        garbled = bytearray(wire)
        for _ in range(rng.randint(1, 6)):
            garbled[rng.randrange(len(garbled))] = rng.randrange(256)
        try:
            await read(sample, [bytes(garbled)])
        except (ProviderError, httpx2.SSEError):
            continue


@pytest.mark.parametrize("text", ["not json", "[1]", "null", '"text"', "[" * 100_000])
@every
def test_an_event_that_is_no_object(sample: Sample, text: str) -> None:
    with pytest.raises(BadReply):
        sample.parser(ASK, FAULTS).feed("message", text)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1} trailing', "more text"),
        ('{"a": 1}{"b": 2}', "more text"),
        ("[1, 2]", "array"),
        ('"text"', "string"),
        ('{"a": "cut', "end in the middle"),
        ('{"a": "\\ud83d"}', "surrogate"),
    ],
)
def test_arguments_that_are_not_one_json_object_never_run(raw: str, words: str) -> None:
    call, done = openai(tool_delta(raw), finish="tool_calls")
    assert isinstance(call, BadToolCall)
    assert (call.name, call.raw) == ("add", raw)
    assert words in call.problem
    assert isinstance(done, Done)


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_a_call_of_an_answer_that_hit_a_limit_never_runs(finish: str) -> None:
    call, _ = openai(tool_delta('{"a": 1}'), finish=finish)
    assert isinstance(call, BadToolCall)


def test_no_arguments_at_all_are_no_arguments() -> None:
    call, _ = openai({"tool_calls": [{"index": 0, "id": "x", "function": {"name": "now"}}]})
    assert call == ToolCall("x", "now", {})


def test_a_megabyte_of_arguments_in_small_pieces() -> None:
    text = json.dumps({"content": "ü" * 500_000})
    pieces = [text[at : at + 997] for at in range(0, len(text), 997)]
    call, _ = openai(
        tool_delta(pieces[0]), *[{"tool_calls": [{"index": 0, "function": {"arguments": p}}]} for p in pieces[1:]]
    )
    assert isinstance(call, ToolCall)
    assert len(call.args["content"]) == 500_000


def test_arguments_sent_as_an_object() -> None:
    call, _ = openai(tool_delta({"a": 1}, id="c"))
    assert call == ToolCall("c", "add", {"a": 1})


def test_calls_without_index_and_calls_that_are_all_number_zero() -> None:
    plain = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in "ab"]
    same = [{"index": 0, **one} for one in plain]
    for deltas in (
        [{"tool_calls": [one]} for one in plain],
        [{"tool_calls": plain}],
        [{"tool_calls": [one]} for one in same],
    ):
        assert [call.id for call in openai(*deltas)[:-1] if isinstance(call, ToolCall)] == ["a", "b"]


def test_ids_are_never_empty_nor_used_twice() -> None:
    first = openai(tool_delta("{}", id="call_0"))[0]
    assert isinstance(first, ToolCall)
    request = Request([user("x"), AssistantMessage((first,))])
    again, _ = openai(tool_delta("{}", id="call_0"), request=request)
    missing, _ = openai(tool_delta("{}"), request=request)
    assert isinstance(again, ToolCall)
    assert isinstance(missing, ToolCall)
    assert (first.id, again.id, missing.id) == ("call_0", "ally_call_1", "ally_call_1")


def joined_message(call: ToolCall) -> Any:
    from ally.messages import AssistantMessage

    return AssistantMessage((call,))


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "end"),
        ("length", "length"),
        ("content_filter", "refused"),
        ("eos_token", "end"),
        ("stop_sequence", "stop_sequence"),
    ],
)
def test_stop_reasons_of_openai(reason: str, expected: str) -> None:
    assert openai({"content": "x"}, finish=reason)[-1] == Done(expected)  # type: ignore[arg-type] - a StopReason


def test_think_tags_split_across_pieces_become_thinking() -> None:
    pieces = ["<th", "ink>why", " not</thi", "nk>\n\nBecause <think> is a tag"]
    assert joined(openai(*[{"content": piece} for piece in pieces])) == (
        ThinkingChunk("why not"),
        TextChunk("Because <think> is a tag"),
        Done("end"),
    )


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_fields_become_thinking(field: str) -> None:
    assert openai({field: "hm", "content": None}, {"content": "x"})[0] == ThinkingChunk("hm")


def test_text_in_parts_and_refusals_are_text() -> None:
    assert openai({"content": [{"type": "text", "text": "a"}]}, {"refusal": "no"})[:-1] == [
        TextChunk("a"),
        TextChunk("no"),
    ]


@pytest.mark.parametrize(
    "usage",
    [
        {"usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}},
        {"usage": {"prompt_tokens": 9, "completion_tokens": 2, "cached_tokens": 4}},
        {
            "x_groq": {
                "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
            }
        },
    ],
)
def test_usage_where_the_services_put_it(usage: JsonObject) -> None:
    events = [*openai_events({"content": "x"}), ("message", json.dumps({"choices": [], **usage}))]
    assert parse(OpenAIParser(ASK, FAULTS), events)[-1] == Done("end", Usage(9, 2, 4, reports_cache=True))


def test_done_mark_alone_is_no_answer_but_ends_one() -> None:
    with pytest.raises(BadReply, match="without any answer"):
        parse(OpenAIParser(ASK, FAULTS), [("message", "[DONE]")])
    events = [*openai_events({"content": "x"}, finish=None), ("message", "[DONE]")]
    assert parse(OpenAIParser(ASK, FAULTS), events) == [TextChunk("x"), Done("end")]


def test_an_answer_that_the_service_ends_with_an_error() -> None:
    with pytest.raises(Overloaded):
        openai({"content": "x"}, finish="error")


def test_half_a_character_never_reaches_the_reader() -> None:
    (chunk, _) = openai({"content": "a\ud83d"})
    assert chunk == TextChunk("a\ufffd")


def test_anthropic_answer_tool_is_the_answer() -> None:
    parser = AnthropicParser(ASK, FAULTS, answer_tool="answer")
    events = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "i", "name": "answer"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"x": 1}'}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    ]
    assert parse(parser, [("", json.dumps(event)) for event in events]) == [TextChunk('{"x": 1}'), Done("end")]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("end_turn", "end"), ("max_tokens", "length"), ("refusal", "refused"), ("pause_turn", "end"), ("new", "end")],
)
def test_stop_reasons_of_anthropic(reason: str, expected: str) -> None:
    events = [{"type": "message_delta", "delta": {"stop_reason": reason}}, {"type": "message_stop"}]
    chunks = parse(AnthropicParser(ASK, FAULTS), [("", json.dumps(event)) for event in events])
    assert chunks == [Done(expected)]  # type: ignore[arg-type] - a StopReason


def gemini(value: JsonObject) -> list[Chunk]:
    return parse(GeminiParser(ASK, FAULTS), [("message", json.dumps(value))])


def test_a_prompt_that_gemini_blocks_is_refused() -> None:
    assert gemini({"promptFeedback": {"blockReason": "SAFETY"}}) == [Done("refused")]


def test_a_call_that_gemini_calls_malformed_never_runs() -> None:
    call, done = gemini({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "Malformed: x"}]})
    assert isinstance(call, BadToolCall)
    assert "Malformed: x" in call.problem
    assert done == Done("tool_calls")


def test_a_signature_at_the_end_of_geminis_text_is_kept() -> None:
    part = {"text": "x", "thoughtSignature": "sig"}
    assert gemini({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}) == [
        TextChunk("x"),
        ThinkingChunk("", "sig"),
        Done("end"),
    ]


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "BLOCKLIST", "SPII", "SOMETHING_NEW"])
def test_geminis_other_reasons_are_refusals(reason: str) -> None:
    assert gemini({"candidates": [{"finishReason": reason}]}) == [Done("refused")]


@pytest.mark.parametrize(
    ("parser", "event"),
    [
        (
            GeminiParser,
            '{"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"a": 1, "a": 2}}}]},'
            '"finishReason": "STOP"}]}',
        ),
        (
            OllamaParser,
            '{"message": {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1, "a": 2}}}]}, "done": true}',
        ),
    ],
)
def test_equal_keys_in_arguments_that_come_as_json(parser: Any, event: str) -> None:
    call, _ = parse(parser(ASK, FAULTS), [("", event)])
    assert isinstance(call, BadToolCall)
    assert "twice" in call.problem


@every
def test_error_events_are_typed(sample: Sample) -> None:
    with pytest.raises(ProviderError) as caught:
        sample.parser(ASK, FAULTS).feed(
            "error", '{"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}'
        )
    assert isinstance(caught.value, Overloaded)
    assert "Busy" in caught.value.message
