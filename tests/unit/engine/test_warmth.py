import pytest

from ally.engine.warmth import DROPPED, Meter, Reading
from ally.messages import ToolSpec, assistant, user
from ally.providers.model import Request, Usage

TOOLS = (ToolSpec("read", "Read a file.", {"type": "object"}),)
FIRST = Request(messages=(user("hi"),), system="be brief", tools=TOOLS)
NEXT = Request(messages=(user("hi"), assistant("hello"), user("and now?")), system="be brief", tools=TOOLS)


def counted(total: int, cached: int) -> Usage:
    return Usage(total, 10, cached, reports_cache=True, prefill_s=0.5)


def test_a_prompt_that_goes_on_reads_only_what_is_new():
    meter = Meter()
    meter.read(FIRST, counted(1000, 0))
    assert meter.read(NEXT, counted(1030, 1000)) == Reading(1, 30, 1000, "", 0.5)
    assert meter.turn == Reading(2, 1030, 1000, "", 1.0)


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        (Request(messages=NEXT.messages, system="be long", tools=TOOLS), "the system prompt changed"),
        (Request(messages=NEXT.messages, system="be brief"), "the tools changed"),
        (
            Request(messages=(user("ho"), *NEXT.messages[1:]), system="be brief", tools=TOOLS),
            "message 1 (user) changed",
        ),
        (Request(messages=(), system="be brief", tools=TOOLS), "message 1 is gone"),
        (NEXT, DROPPED),
    ],
)
def test_a_prompt_that_is_read_anew_says_where_it_broke(changed: Request, where: str):
    meter = Meter()
    meter.read(FIRST, counted(1000, 0))
    assert meter.read(changed, counted(1030, 12)).broken_at == where


def test_a_server_that_keeps_nothing_is_accused_once():
    meter = Meter()
    said = [meter.read(FIRST, counted(1000, 0)).broken_at for _ in range(4)]
    assert said == ["", DROPPED, "", ""]
    meter.read(FIRST, counted(1000, 990))
    assert [meter.read(FIRST, counted(1000, 0)).broken_at for _ in range(2)] == [DROPPED, DROPPED]


def test_a_few_tokens_of_the_last_answer_read_again_are_no_break():
    meter = Meter()
    meter.read(FIRST, counted(1000, 0))
    assert not meter.read(NEXT, counted(1030, 900)).broken_at


def test_a_service_that_does_not_count_its_cache_is_not_accused():
    meter = Meter()
    meter.read(FIRST, Usage(1000, 10))
    assert meter.read(NEXT, Usage(1030, 10)) == Reading(1, 1030, None, "", None)
    assert meter.read(NEXT, Usage()) == Reading()


def test_after_a_summary_nothing_is_expected():
    meter = Meter()
    meter.read(FIRST, counted(1000, 0))
    meter.forget()
    assert not meter.read(NEXT, counted(1030, 0)).broken_at
