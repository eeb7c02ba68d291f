"""Answers that come from collections."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ally.engine.conversation import Conversation
from ally.engine.gate import Answer, Gate
from ally.engine.grounding import Grounding
from ally.engine.loop import send
from ally.errors import KnowledgeError, Unreachable
from ally.events import Notice, PermissionAsked, PermissionDenied, TurnFailed, TurnFinished, UserSaid, check_order
from ally.messages import Source, Text, ToolCall, user
from ally.permissions.action import Action, Allow, Deny
from ally.permissions.memory import Answers
from ally.permissions.paths import Place
from ally.permissions.policy import Policy
from ally.permissions.rules import parse_rule
from ally.providers.model import Done, Profile, TextChunk
from ally.rag.citing.listing import uncited
from ally.rag.citing.naming import Naming
from ally.rag.librarian import Librarian
from ally.rag.library import Library
from tests.scripted import HANG, NoteTool, ScriptedModel
from tests.shelves import make_library, put

END = Done("end")
SAID = [TextChunk('Hold it [1 "hold the red button"].'), END]
RESET = "How do I reset the router?"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    (tmp_path / "router.md").write_text("# Router\n\nTo reset the router, hold the red button for ten seconds.\n")
    library = make_library(tmp_path)
    put(library, "docs", [tmp_path / "router.md"])
    yield library
    library.close()


def conversation(library: Library, script: list, **fields: object) -> Conversation:
    policy = Policy(Place(library.home, library.home), [parse_rule("note", "allow", "test")], "ask", confined=True)
    librarian = Librarian.under(policy, lambda: library, lambda: True)
    talk = Conversation(ScriptedModel(script), librarian=librarian, grounding=Grounding(), **fields)
    talk.gate = Gate(policy, Answers(library.home / "answers.json", library.home, pytest.fail))
    return talk


async def play(talk: Conversation, text: str = RESET) -> list:
    events = [event async for event in send(talk, user(text))]
    check_order(events)
    return events


def notices(events: list) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


async def test_passages_go_along_with_each_question_and_stay_as_they_were(library: Library):
    talk = conversation(library, [SAID, SAID])
    talk.notes.append("[It is Sunday.]")
    events = await play(talk)
    assert notices(events) == ["1 passage from 1 file."]
    first = talk.messages[0]
    assert first.text == RESET
    assert "[1] router.md:1-3\n```\n# Router" in first.context
    assert "from nothing else" in first.context
    assert first.context.endswith("[It is Sunday.]")
    assert [source.number for source in first.sources] == [1]
    assert talk.messages[1].citations[0].line_start == 3
    await play(talk, "And how long must I hold it?")
    before, after = (list(request.messages) for request in talk.model.requests)
    assert after[: len(before)] == before
    assert talk.messages[2].sources == first.sources


async def test_with_nothing_to_search_nothing_is_sent(library: Library):
    talk = conversation(library, [])
    library.index("docs", is_indexed=False)
    events = await play(talk)
    assert isinstance(events[-1], TurnFailed)
    assert isinstance(events[-1].error, KnowledgeError)
    assert (talk.messages, talk.model.requests) == ([], [])


async def test_the_model_is_told_that_nothing_was_found(library: Library):
    talk = conversation(library, [[TextChunk("The collections do not say it."), END]])
    talk.librarian.hidden = lambda path: "a rule"
    assert notices(await play(talk)) == ["Nothing in docs; 1 of files that may not be read left out."]
    assert talk.messages[0].context.startswith("[Nothing was found in the user's collections for this question.")


async def test_a_queued_question_gets_its_passages_too(library: Library):
    talk = conversation(library, [SAID, SAID])
    talk.queue(user("Which red button?"))
    events = await play(talk)
    assert [event.message.text for event in events if isinstance(event, UserSaid)] == ["Which red button?"]
    assert len([text for text in notices(events) if "passage" in text]) == 2
    assert talk.messages[0].context.count("[1] router.md") == 2


async def test_an_answer_that_cites_nothing_is_told_where_to_look_once(library: Library):
    talk = conversation(library, [[TextChunk("Hold the button."), END], SAID])
    talk.queue(user("Which red button?"))
    assert notices(await play(talk))[-1] == "The answer does not cite the passage that it was given: router.md:1-3."
    assert not [text for text in notices(await play(talk)) if "does not cite" in text]


async def test_what_is_not_cited_is_shortened():
    sources = [Source(number, f"/d/{number}.md", 1, 2) for number in range(1, 6)]
    told = "The answer does not cite any of the passages that it was given: 1.md:1-2, 2.md:1-2 and 3 more."
    assert uncited([*sources, sources[0]], Naming(Path("/d"), Path("/home/ann"))) == told


class Says:
    """Answers every question the same way."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list = []

    async def ask(self, question: object) -> Answer:
        self.asked.append(question)
        return self.answer


def calls(tool: NoteTool, count: int) -> list:
    call = ToolCall("c", tool.spec.name, {"text": "x"})
    return [*[[call, Done("tool_calls")]] * count, SAID]


async def test_other_tools_ask_and_a_yes_for_the_session_lets_one_in(library: Library):
    tool = NoteTool(kind="other")
    talk = conversation(library, calls(tool, 2), tools=[tool])
    talk.gate.asker = asker = Says(Answer(True, "session"))
    events = await play(talk)
    (question,) = asker.asked
    assert (question.reason, question.scopes) == ("answers come only from your collections", ("once", "session"))
    assert len([event for event in events if isinstance(event, PermissionAsked)]) == 1
    assert len(tool.calls) == 2
    assert talk.grounding.allowed == {"note"}


async def test_where_nobody_can_be_asked_other_tools_are_denied(library: Library):
    tool = NoteTool(kind="other")
    talk = conversation(library, calls(tool, 1), tools=[tool])
    denied = [event for event in await play(talk) if isinstance(event, PermissionDenied)]
    assert "answers come only from your collections" in denied[0].reason
    assert tool.calls == []


async def test_open_grounding_leaves_tools_to_the_rules_and_says_so(library: Library):
    tool = NoteTool(kind="other")
    talk = conversation(library, calls(tool, 1), tools=[tool])
    talk.grounding.is_open = True
    await play(talk)
    assert len(tool.calls) == 1
    assert "from nothing else" not in talk.messages[0].context


def test_what_the_rules_deny_stays_denied():
    action = Action("note", "other")
    assert isinstance(Grounding().judge(action, Deny("r", "no")), Deny)
    assert isinstance(Grounding().judge(Action("todo", "none"), Allow("r", "yes")), Allow)


async def test_a_question_that_leans_on_the_one_before_is_completed_by_the_model(library: Library):
    asks = [TextChunk("How long must the red button of the router be held?"), END]
    talk = conversation(library, [SAID, asks, SAID])
    talk.grounding.rewrite = "model"
    await play(talk)
    await play(talk, "And how long?")
    first, side, last = talk.model.requests
    assert side.purpose == "rewrite"
    assert list(side.messages[: len(first.messages)]) == list(first.messages)
    assert (side.system, side.tools) == (first.system, first.tools)
    assert list(last.messages[: len(first.messages)]) == list(first.messages)
    assert [message.text for message in talk.messages if message.role == "user"] == [RESET, "And how long?"]


async def test_where_the_model_cannot_complete_it_the_words_before_are_looked_for(library: Library):
    talk = conversation(library, [SAID, [Unreachable("Nobody answers.")], SAID])
    talk.grounding.rewrite = "model"
    await play(talk)
    events = await play(talk, "And how long?")
    assert notices(events) == ["1 passage from 1 file."]
    assert isinstance(events[-1], TurnFinished)


async def test_a_search_that_is_stopped_says_nothing(library: Library):
    talk = conversation(library, [[HANG]])
    hold = asyncio.Event()
    loop = asyncio.get_running_loop()

    def find(*args: object) -> None:
        loop.call_soon_threadsafe(talk.interrupt.request)
        asyncio.run_coroutine_threadsafe(hold.wait(), loop).result()

    talk.librarian.find = find
    loop.call_later(0.1, hold.set)
    await play(talk)
    assert talk.messages == []


class Tiny(ScriptedModel):
    @property
    def profile(self) -> Profile:
        return Profile("scripted", "tiny", location="local", parameters=100_000_000, tool_calling="schema")


async def test_a_tiny_model_gets_few_passages_no_rules_and_no_tools(library: Library):
    talk = conversation(library, [[TextChunk("Hold the red button."), END]], tools=[NoteTool()])
    talk.change_model(model := Tiny(talk.model.script), "")
    events = await play(talk)
    assert isinstance(events[-1], TurnFinished)
    (request,) = model.requests
    assert request.tools == ()
    context = request.messages[0].parts[-1]
    assert isinstance(context, Text)
    assert context.text.startswith("[From the user's files:]\n\n[1] router.md:1-3")
    assert context.text.endswith("```")
