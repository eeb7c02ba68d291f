"""/undo /redo /diff with several files of hostile names."""

import pytest

from ally.chat.commands.permissions import policy_of
from ally.chat.commands.registry import run_command
from ally.engine.loop import send
from ally.messages import ToolCall, user
from ally.providers.model import Done, TextChunk
from tests.scripted import ScriptedModel

ODD = "b [bold]\u202egnp.txt"


@pytest.fixture
async def changed(chat):
    """A chat in which one message wrote two files."""
    calls = [ToolCall(name, "write", {"path": name, "content": f"of {name}\n"}) for name in ("a.txt", ODD)]
    chat.talk.change_model(ScriptedModel([[*calls, Done("tool_calls")], [TextChunk("ok"), Done("end", None)]]), "")
    policy_of(chat).mode = "accept-edits"
    chat.begin_step("write\x1b[31m both")
    async for _ in send(chat.talk, user("write both")):
        pass
    return chat


async def test_all_files_of_a_message_go_back_and_forth_and_the_model_is_told(changed):
    folder = changed.session.folder
    assert len(list(folder.iterdir())) == 2
    undone = await run_command(changed, "/undo")
    assert undone.startswith("Undone: write[31m both")
    assert "removed   a.txt" in undone
    assert "⟨U+202E⟩" in undone
    assert list(folder.iterdir()) == []
    redone = await run_command(changed, "/redo")
    assert redone.startswith("Redone: ")
    assert "restored  a.txt" in redone
    assert len(list(folder.iterdir())) == 2
    assert len(changed.talk.notes) == 2
    assert all("a.txt" in note for note in changed.talk.notes)
    assert "nothing to redo" in await run_command(changed, "/redo")


async def test_a_change_is_shown_as_one(changed, desk):
    assert await run_command(changed, "/diff") == ""
    assert "+of a.txt" in desk.said[-1]
    await run_command(changed, "/undo")
    assert await run_command(changed, "/diff all") == "No file was changed."


async def test_nothing_was_changed(chat):
    assert await run_command(chat, "/undo") == "There is nothing to undo."
    assert await run_command(chat, "/diff") == "No file was changed."
