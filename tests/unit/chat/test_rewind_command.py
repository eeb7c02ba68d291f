"""/rewind: choosing what to say anew."""

import pytest

from ally.chat.commands.permissions import policy_of
from ally.chat.commands.registry import run_command
from ally.engine.loop import send
from ally.errors import UsageError
from ally.messages import ToolCall, user
from ally.providers.model import Done, TextChunk
from tests.scripted import ScriptedModel

FIRST, SECOND, THIRD = "write one", "say\n\x1b[31msomething " + "long " * 50, "third"


@pytest.fixture
async def spoken(chat):
    """A chat in which a file was written, and then two more things said."""
    call = ToolCall("1", "write", {"path": "a.txt", "content": "one"})
    texts = ([TextChunk(text), Done("end", None)] for text in ("done", "second", "third"))
    chat.talk.change_model(ScriptedModel([[call, Done("tool_calls")], *texts]), "")
    policy_of(chat).mode = "accept-edits"
    for text in (FIRST, SECOND, THIRD):
        chat.begin_step(text)
        async for _ in send(chat.talk, user(text)):
            pass
    return chat


async def test_a_message_is_chosen_and_comes_back_to_be_changed(spoken, desk):
    desk.picks = lambda options: options[1].value
    assert await run_command(spoken, "/rewind") == ""
    shown = desk.asked["Go back to before"]
    assert [one.label[:5] for one in shown] == ["third", "say [", "write"]
    assert all(len(one.label) <= 60 for one in shown)
    assert desk.previews[shown[1].value] == SECOND
    assert desk.restored == [SECOND]
    assert [one.text for one in spoken.said()] == [FIRST]


@pytest.mark.parametrize(("answer", "is_there"), [("files", False), ("stay", True)])
async def test_the_files_go_back_only_if_that_is_wished(spoken, desk, answer, is_there):
    desk.picks = lambda options: options[-1].value if len(options) == 3 else answer
    await run_command(spoken, "/rewind")
    assert spoken.session.folder.joinpath("a.txt").exists() == is_there
    assert desk.restored == [FIRST]


async def test_giving_up_at_either_question_changes_nothing(spoken, desk):
    await run_command(spoken, "/rewind")
    desk.picks = lambda options: options[-1].value if len(options) == 3 else None
    assert await run_command(spoken, "/rewind") == ""
    assert (len(spoken.said()), desk.restored, desk.shown) == (3, [], [])


async def test_where_nobody_can_choose_messages_are_listed_and_taken_by_number(spoken, desk):
    desk.can_ask = False
    listed = await run_command(spoken, "/rewind")
    assert "1  " in listed.splitlines()[1]
    assert "third" in listed.splitlines()[1]
    assert "\x1b" not in listed
    for wrong in ("0", "4", "x", "-1", "٣"):
        with pytest.raises(UsageError):
            await run_command(spoken, f"/rewind {wrong}")
    await run_command(spoken, "/rewind 1")
    assert desk.restored == [THIRD]


async def test_nothing_to_go_back_to(chat):
    assert await run_command(chat, "/rewind") == "Nothing was said yet."
