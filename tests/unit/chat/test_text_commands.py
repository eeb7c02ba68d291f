"""/copy /show /thinking /image /edit /init, and hints."""

import pytest

from ally.chat.commands.registry import run_command
from ally.chat.hints import in_chat
from ally.errors import UsageError
from ally.messages import AssistantMessage, BadToolCall, Text, Thinking, ToolCall, ToolMessage, ToolResult, user

ANSWER = """Here:

```python
print("hi\x1b[31m")
```

1. and nested

   ~~~~
   second
   ~~~

   ~~~~

done"""


@pytest.fixture
def talked(chat):
    call = ToolCall("1", "shell", {"command": "ls\n-la \x1b[2J", "timeout": 5})
    bad = BadToolCall("2", "write", '{"path": "a', "cut")
    results = (ToolResult("1", "a\nb\x07", is_error=True), ToolResult("2", "The call was cut.", is_error=True))
    chat.talk.messages += [
        user("do"),
        AssistantMessage((Thinking("first I \x1b]0;x\x07think"), call, bad)),
        ToolMessage(results),
        AssistantMessage((Text(ANSWER),)),
    ]
    return chat


async def test_the_answer_or_one_of_its_code_blocks_is_copied_without_control_characters(talked, desk):
    assert "/copy 1 to 2" in await run_command(talked, "/copy")
    assert desk.copied[-1].startswith("Here:")
    await run_command(talked, "/copy 1")
    assert desk.copied[-1] == 'print("hi[31m")'
    await run_command(talked, "/copy 2")
    assert desk.copied[-1] == "second\n~~~"
    for wrong in ("3", "0", "x", "٣", "-1"):
        with pytest.raises(UsageError):
            await run_command(talked, f"/copy {wrong}")
    desk.has_clipboard = False
    with pytest.raises(UsageError) as caught:
        await run_command(talked, "/copy")
    assert "/export" in caught.value.hint


async def test_calls_are_shown_in_full_without_what_a_terminal_obeys(talked):
    last, both = await run_command(talked, "/show"), await run_command(talked, "/show 9")
    assert '{"path": "a' in last
    assert "ls" not in last
    assert "    -la [2J" in both
    assert "timeout: 5" in both
    assert "✗" in both
    assert "\x1b" not in both
    assert "\x07" not in both


async def test_thinking_is_shown_again(talked):
    assert await run_command(talked, "/thinking") == "first I ]0;xthink"


async def test_nothing_was_said_yet(chat):
    assert "No tool" in await run_command(chat, "/show")
    assert "no thinking" in await run_command(chat, "/thinking")
    with pytest.raises(UsageError):
        await run_command(chat, "/copy")


async def test_a_picture_begins_a_message(chat, desk, tmp_path):
    (tmp_path / "work" / "a b.png").write_bytes(b"x")
    (tmp_path / "work" / "c.txt").write_bytes(b"x")
    await run_command(chat, '/image "a b.png"')
    assert desk.restored == ['@"a b.png" ']
    for wrong in ("c.txt", "none.png", "", "~nobody/x.png", "\x00.png"):
        with pytest.raises(UsageError):
            await run_command(chat, f"/image {wrong}")


async def test_what_is_written_in_the_editor_is_said(chat, desk):
    assert await run_command(chat, "/edit hello") == "Nothing was written."
    desk.writes = "line 1\nline 2"
    await run_command(chat, "/edit")
    assert desk.sent == ["line 1\nline 2"]


async def test_the_agent_is_asked_for_agents_md_if_it_can_write(chat, desk):
    await run_command(chat, "/init in German")
    assert "AGENTS.md" in desk.sent[0]
    assert desk.sent[0].endswith("in German")
    await run_command(chat, "/agent web_searcher")
    with pytest.raises(UsageError):
        await run_command(chat, "/init")


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("stay on this machine: ally --provider local", "stay on this machine: /provider local"),
        ("(ally --provider local), or leave out", "(/provider local), or leave out"),
        ("fetch it: ally models pull x; `ally models` shows", "fetch it: !ally models pull x; `/model` shows"),
        ("ally sessions list --all shows them", "/sessions shows them"),
        ("ally doctor says how", "!ally doctor says how"),
        ("ally -d FOLDER works in another", "ally -d FOLDER works in another"),
        ("!ally models pull x", "!ally models pull x"),
    ],
)
def test_hints_speak_as_one_does_in_a_chat(hint, said):
    assert in_chat(hint) == said
