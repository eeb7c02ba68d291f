"""Going back to an earlier message in a chat, with and without the files that were changed since."""

from pathlib import Path

import pytest

from ally.chat.chat import Chat
from ally.chat.commands.permissions import policy_of
from ally.chat.rewinding import FILES_STAY
from ally.engine.loop import send
from ally.errors import UsageError
from ally.events import UsageReported, check_order
from ally.messages import ToolCall, user
from ally.providers.model import Done, TextChunk, Usage
from tests.scripted import ScriptedModel
from tests.unit.chat.desk import Desk


def writing(path: str, content: str) -> list[object]:
    return [ToolCall(f"w{content}", "write", {"path": path, "content": content}), Done("tool_calls")]


def answer(text: str, **usage: int) -> list[object]:
    return [TextChunk(text), Done("end", Usage(**usage) if usage else None)]


async def say(chat: Chat, text: str) -> list[object]:
    chat.begin_step(text)
    events = [event async for event in send(chat.talk, user(text))]
    check_order(events)
    return events


def content() -> str:
    return Path("a.txt").read_text("utf-8")


def write(text: str) -> None:
    Path("a.txt").write_text(text, "utf-8")


@pytest.fixture
async def spoken(chat: Chat) -> Chat:
    """A chat in which a file was written twice, and then nothing more."""
    script = [writing("a.txt", "one"), answer("first"), writing("a.txt", "two"), answer("second"), answer("third")]
    chat.talk.change_model(ScriptedModel([*script, answer("fourth"), answer("fifth")]), "")
    policy_of(chat).mode = "accept-edits"
    for text in ("write one", "write two", "talk"):
        await say(chat, text)
    return chat


async def test_what_can_be_gone_back_to(spoken: Chat) -> None:
    assert [(one.index, one.text) for one in spoken.said()] == [(0, "write one"), (1, "write two"), (2, "talk")]
    assert [spoken.steps_since(index) for index in range(3)] == [2, 1, 0]


async def test_the_files_go_back_with_it_or_stay(spoken: Chat, desk: Desk) -> None:
    assert await spoken.rewind(2, files=True) == "talk"
    assert content() == "two"
    assert await spoken.rewind(1, files=True) == "write two"
    assert content() == "one"
    assert "restored  a.txt" in desk.said[-1]
    assert spoken.talk.notes == []
    assert await spoken.rewind(0, files=False) == "write one"
    assert content() == "one"
    assert "/undo" in desk.said[-1]
    assert desk.shown[-1] == spoken.talk.messages == []
    assert FILES_STAY in spoken.talk.notes
    await say(spoken, "again")
    assert [one.text for one in spoken.said()] == ["again"]


async def test_the_model_is_told_the_date_and_what_was_noted_again(spoken: Chat) -> None:
    context = spoken.session.spots()[0].message.context
    assert "Working folder" in context
    spoken.talk.notes.append("[later]")
    await spoken.rewind(0, files=False)
    assert spoken.talk.notes[:2] == [context, "[later]"]


async def test_an_attached_file_is_not_told_twice(chat: Chat) -> None:
    chat.talk.change_model(ScriptedModel([answer("a")]), "")
    said = user("look at @a.txt")
    async for _ in send(chat.talk, type(said)(said.parts, "[The user attached a.txt:]\nsecret plan")):
        pass
    await chat.rewind(0, files=False)
    assert "secret plan" not in "".join(chat.talk.notes)
    assert "Working folder" in chat.talk.notes[0]


async def test_what_the_user_changed_meanwhile_is_kept_and_told(spoken: Chat, desk: Desk) -> None:
    write("mine")
    await spoken.rewind(0, files=True)
    assert content() == "mine"
    assert "kept      a.txt" in desk.said[-1]


async def test_going_back_nowhere_changes_nothing(spoken: Chat, desk: Desk) -> None:
    before = list(spoken.talk.messages)
    for index in (-1, 3):
        with pytest.raises(UsageError):
            await spoken.rewind(index, files=True)
    assert (spoken.talk.messages, desk.shown, content()) == (before, [], "two")


async def test_a_shorter_prompt_is_no_broken_one(chat: Chat) -> None:
    usage = {"input_tokens": 9000, "output_tokens": 5}
    script = [answer(str(n), **usage, cached_input_tokens=cached) for n, cached in enumerate((0, 9000, 4000, 9000))]
    chat.talk.change_model(ScriptedModel(script), "")
    for text in ("a", "b"):
        await say(chat, text)
    await chat.rewind(1, files=False)
    events = [*await say(chat, "c"), *await say(chat, "d")]
    assert [event.broken_at for event in events if isinstance(event, UsageReported)] == ["", ""]
