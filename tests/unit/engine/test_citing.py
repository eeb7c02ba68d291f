"""Citations in a turn: looked up while the answer comes, shown as what they are."""

import asyncio
from pathlib import Path

import pytest

from ally.engine.compaction import compact
from ally.engine.conversation import Conversation, Limits
from ally.engine.loop import send
from ally.events import (
    Cited,
    MessageFinished,
    Notice,
    TextDelta,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    check_order,
)
from ally.messages import Source, Text, ToolCall, UserMessage, user
from ally.providers.model import Done, TextChunk, ThinkingChunk
from ally.rag.citing.checking import Texts
from ally.rag.citing.naming import Naming
from ally.rag.librarian import Librarian
from tests.scripted import HANG, NoteTool, ScriptedModel
from tests.unit.rag.citing.desk import Desk

END = Done("end")
NAMING = Naming(Path("/d"), Path("/home/ann"))
QUOTE = "hold the red button for ten seconds"
LISTED = f'[1] manual.md:3-4 "{QUOTE}"'


class Reader(Librarian):
    """One with these texts, and no collections."""

    def __init__(self, texts: Texts) -> None:
        super().__init__(lambda: None, lambda: False, NAMING)
        self._texts = texts


def conversation(script: list, **fields: object) -> Conversation:
    desk = Desk()
    talk = Conversation(ScriptedModel(script), librarian=Reader(desk.shelf), **fields)
    talk.sources = desk.sources
    return talk


async def play(talk: Conversation, stop_at: str = "") -> list:
    events = []
    async for event in send(talk, user("How is it reset?")):
        events.append(event)
        if stop_at and isinstance(event, TextDelta) and stop_at in event.text:
            asyncio.get_running_loop().call_later(0.01, talk.interrupt.request)
    check_order(events)
    return events


def shown(events: list) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def notices(events: list) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


async def test_a_citation_is_told_before_it_is_shown_and_listed_at_the_end():
    talk = conversation([[TextChunk("Reset [1 "), TextChunk(f'"{QUOTE}"]'), TextChunk(". Done."), END]])
    events = await play(talk)
    assert shown(events) == f"Reset [1]. Done.\n\n{LISTED}"
    told = next(place for place, event in enumerate(events) if isinstance(event, Cited))
    assert events[told + 1] == TextDelta("[1]")
    assert events[told].citation.line_start == 3
    assert notices(events) == []
    message = next(event.message for event in events if isinstance(event, MessageFinished))
    assert message.parts == (Text(f'Reset [1 "{QUOTE}"]. Done.'),)
    assert message.shown_text == shown(events)
    assert message.citations == (events[told].citation,)
    assert talk.messages[-1] == message


async def test_what_is_not_found_is_struck_out_and_counted():
    said = 'Push [1 "the blue lever"] or [9]. The line [2 "it is always busy"].'
    events = await play(talk := conversation([[TextChunk(said), END]]))
    assert shown(events) == 'Push ~~[1 "the blue lever"]~~ or ~~[9]~~. The line ~~[2 "it is always busy"]~~.'
    assert notices(events) == ["3 citations were not found in their files and are struck out."]
    assert [citation.is_found for citation in talk.messages[-1].citations] == [False] * 3


async def test_the_model_reads_its_own_words_again():
    said = f'Reset [1 "{QUOTE}"].'
    talk = conversation([[TextChunk(said), END], [TextChunk("Yes."), END]])
    await play(talk)
    await play(talk)
    before, after = (list(request.messages) for request in talk.model.requests)
    assert after[: len(before)] == before
    assert after[1].text == said


async def test_without_sources_text_passes_as_it_comes():
    pieces = ['See [1 "never', ' given"] and `', "[9]`"]
    talk = conversation([[*map(TextChunk, pieces), END]])
    talk.clear()
    events = await play(talk)
    assert [event.text for event in events if isinstance(event, TextDelta)] == pieces
    assert talk.messages[-1].shown == ""


async def test_an_answer_that_cites_nothing_is_as_it_was_said():
    talk = conversation([[TextChunk("x = a[1]\n"), TextChunk("`[9]` [link](u)"), END]])
    assert shown(await play(talk)) == "x = a[1]\n`[9]` [link](u)"
    assert (talk.messages[-1].shown, talk.messages[-1].citations) == ("", ())


async def test_json_stays_json():
    talk = conversation([[TextChunk('{"a": "[9]", "b": [1]}'), END]], json_schema={"type": "object"})
    assert shown(await play(talk)) == '{"a": "[9]", "b": [1]}'


async def test_what_was_held_back_comes_before_a_tool_and_the_list_after_the_last_answer():
    call = ToolCall("c", "note", {"text": "x"})
    script = [
        [
            TextChunk(f'First [1 "{QUOTE}"] and "held'),
            ThinkingChunk("hm"),
            TextChunk(" back"),
            call,
            Done("tool_calls"),
        ],
        [TextChunk("Then [2]."), END],
    ]
    talk = conversation(script, tools=[NoteTool()])
    events = await play(talk)
    first, second = (event.message for event in events if isinstance(event, MessageFinished))
    assert first.shown_text == 'First [1] and "held back'
    assert second.shown_text == f"Then [2].\n\n{LISTED}\n[2] lamps.txt:1-2"
    assert shown(events) == first.shown_text + second.shown_text


@pytest.mark.parametrize("end", [HANG, None])
async def test_an_answer_that_was_ended_shows_what_was_held_back(end: object):
    script = [TextChunk("Go. "), TextChunk(f'It says "{QUOTE}" [1] and [1 "the blue')]
    talk = conversation([[*script, end] if end else script])
    events = await play(talk, stop_at="It says" if end else "")
    whole = f'Go. It says "{QUOTE}" [1] and [1 "the blue\n\n{LISTED}'
    assert shown(events) == whole
    assert isinstance(events[-1], TurnInterrupted if end else TurnFailed)
    assert events[-1].partial.shown_text == whole
    assert talk.messages[-1].text == f'Go. It says "{QUOTE}" [1] and [1 "the blue'


async def test_a_turn_that_ends_on_the_way_tells_where_things_stand_so_far():
    said = [TextChunk(f'First [2], then [1 "{QUOTE}"] and [9].'), ToolCall("c", "note", {"text": "x"})]
    talk = conversation([[*said, Done("tool_calls")]], tools=[NoteTool()], limits=Limits(max_turns=1))
    events = await play(talk)
    assert events[-1] == TurnFinished("max_turns")
    assert notices(events) == [
        "Cited so far: [1] manual.md:3-4, [2] lamps.txt:1-2.",
        "1 citation was not found in its file and is struck out.",
    ]


async def test_a_tool_that_is_stopped_does_not_swallow_what_was_cited():
    said = [TextChunk(f'First [1 "{QUOTE}"].'), ToolCall("c", "note", {"text": "x"}), Done("tool_calls")]
    talk = conversation([said, [HANG]], tools=[NoteTool()])
    asyncio.get_running_loop().call_later(0.1, talk.interrupt.request)
    events = await play(talk)
    assert isinstance(events[-1], TurnInterrupted)
    assert notices(events) == ["Cited so far: [1] manual.md:3-4."]


async def test_a_file_that_hangs_does_not_hold_an_answer_that_is_stopped():
    talk = conversation([[TextChunk("Go. "), TextChunk(f'[1 "{QUOTE}"] on'), HANG]])
    gate = asyncio.Event()
    loop, now = asyncio.get_running_loop(), talk.librarian.texts.now

    class Slow:
        def now(self, source: Source) -> object:
            loop.call_soon_threadsafe(talk.interrupt.request)
            asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()
            return now(source)

    talk.librarian = Reader(Slow())
    loop.call_later(0.2, gate.set)
    events = await play(talk)
    assert isinstance(events[-1], TurnInterrupted)
    assert shown(events).startswith("Go. [1] on")


async def test_numbers_outlive_the_summary_of_a_conversation():
    talk = conversation([[TextChunk("They reset it [1]."), END]])
    talk.messages += [UserMessage((Text("How? " * 60),), sources=talk.sources.all())]
    async for _ in compact(talk):
        pass
    assert sorted(talk.sources) == [1, 2, 3]
    assert talk.messages[0].sources == talk.sources.all()


async def test_going_back_forgets_the_numbers_that_came_after():
    talk = conversation([])
    first = UserMessage((Text("a"),), sources=(Source(1, "/d/manual.md"),))
    talk.go_on([first, UserMessage((Text("b"),), sources=(Source(2, "/d/lamps.txt"),))])
    assert sorted(talk.sources) == [1, 2]
    talk.rewind([first])
    assert sorted(talk.sources) == [1]
