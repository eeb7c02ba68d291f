import json
from typing import Any

import pytest

from ally.egress.failures.faults import Faults, Hints
from ally.messages import JsonObject, Text, UserMessage
from ally.providers.model import Chunk, Done, Request, Usage
from ally.providers.wire.anthropic import AnthropicParser
from ally.providers.wire.gemini import GeminiParser
from ally.providers.wire.openai import OpenAIParser
from ally.providers.wire.target import Target

ASK = Request((UserMessage((Text("hi"),)),))
FAULTS = Faults(Target("lab", "m", "http://127.0.0.1/v1"), Hints())
TIMINGS = {"cache_n": 236, "prompt_n": 4, "prompt_ms": 30.5, "predicted_n": 35, "predicted_ms": 661}
COUNTS: JsonObject = {"prompt_tokens": 240, "completion_tokens": 35}


def usage_of(*events: JsonObject) -> Usage | None:
    parser = OpenAIParser(ASK, FAULTS)
    said = {"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}
    for event in (said, *events):
        parser.feed("message", json.dumps({"choices": [], **event}))
    return _last(parser.end())


def _last(chunks: list[Chunk]) -> Usage | None:
    assert isinstance(chunks[-1], Done)
    return chunks[-1].usage


def test_times_and_cached_tokens_that_llamacpp_measured() -> None:
    wanted = Usage(240, 35, 236, reports_cache=True, prefill_s=0.0305, generation_s=0.661)
    details = {**COUNTS, "prompt_tokens_details": {"cached_tokens": 236}}
    assert usage_of({"usage": details, "timings": TIMINGS}) == wanted
    assert usage_of({"usage": COUNTS, "timings": TIMINGS}) == wanted
    assert usage_of({"timings": TIMINGS}) == wanted
    assert usage_of({"timings": TIMINGS}, {"usage": COUNTS}) == wanted


def test_the_same_in_an_answer_that_came_whole() -> None:
    parser = OpenAIParser(ASK, FAULTS)
    choice = {"message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    parser.whole(json.dumps({"choices": [choice], "usage": COUNTS, "timings": TIMINGS}))
    assert _last(parser.end()) == Usage(240, 35, 236, reports_cache=True, prefill_s=0.0305, generation_s=0.661)


@pytest.mark.parametrize(
    ("usage", "cached", "reports"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 0}}, 0, True),
        ({"prompt_tokens_details": {"cached_tokens": None}}, 0, False),
        ({"prompt_tokens_details": None}, 0, False),
        ({"prompt_cache_hit_tokens": 0}, 0, True),
        ({"cached_tokens": 7}, 7, True),
        ({"cached_tokens": "7"}, 0, False),
        ({"cached_tokens": True}, 0, False),
        ({}, 0, False),
    ],
)
def test_no_cached_tokens_are_told_from_no_count_of_them(usage: JsonObject, cached: int, reports: bool) -> None:
    assert usage_of({"usage": {**COUNTS, **usage}}) == Usage(240, 35, cached, reports)


def test_what_went_into_a_cache_is_counted_where_a_service_says_so() -> None:
    details = {"cached_tokens": 7, "cache_write_tokens": 100}
    found = usage_of({"usage": {**COUNTS, "prompt_tokens_details": details}})
    assert found == Usage(240, 35, 7, reports_cache=True, cache_written_tokens=100)


@pytest.mark.parametrize("time", ["12", None, -1, True, float("nan"), float("inf"), 10**400, [], {}])
def test_a_time_that_cannot_be_is_no_time(time: Any) -> None:
    found = usage_of({"usage": COUNTS, "timings": {"prompt_ms": time, "predicted_ms": time}})
    assert found == Usage(240, 35)


def test_a_service_without_usage_has_none() -> None:
    assert usage_of() is None
    assert usage_of({"usage": None, "timings": None}) is None


def test_the_other_formats_say_whether_they_count_cached_tokens() -> None:
    for counts, reports in (({}, False), ({"cachedContentTokenCount": 0}, True)):
        gemini = GeminiParser(ASK, FAULTS)
        candidate = {"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}
        gemini.feed(
            "message", json.dumps({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 3, **counts}})
        )
        assert _last(gemini.end()) == Usage(3, 0, 0, reports)
    for counts, reports in (({}, False), ({"cache_read_input_tokens": 0}, True)):
        anthropic = AnthropicParser(ASK, FAULTS)
        block = {"type": "text", "text": "x"}
        whole = {
            "type": "message",
            "content": [block],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 1, **counts},
        }
        anthropic.whole(json.dumps(whole))
        assert _last(anthropic.end()) == Usage(3, 1, 0, reports)
