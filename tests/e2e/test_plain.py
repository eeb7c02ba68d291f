"""Plain lines on real pseudo-terminals: what a screen reader hears, and what keys and commands do there."""

import io
import json
import os
import re
import signal
from pathlib import Path

import pexpect
import pytest

from tests.conftest import RunAlly
from tests.e2e.conftest import CHOICE, PROMPT, words
from tests.fakes import Failure, Reply

ANSWER = "or what to do instead: "
PASTES = re.compile(r"\x1b\[\?2004[hl]\r?")
"""What readline says before and after a line: that it takes pasted blocks."""


def said(lab) -> list[str]:
    return [words(message["content"]) for message in lab.calls[-1].json["messages"][1:] if message["role"] == "user"]


def whole_session(chat: pexpect.spawn, lab, work: Path) -> str:
    """Everything that a terminal got in a session with a bit of everything."""
    heard = chat.logfile_read = io.StringIO()
    (work / "a.txt").write_text("hello\n")
    lab.script(
        Reply(text="Let me see.", tool_calls=[("shell", {"command": "printf '\\033[31mred\\r\\n'; touch made"})]),
        Reply(text="**Done**, a\x1b[2Jb"),
    )
    chat.sendline("Read @a.txt and @nothing.txt")
    chat.expect_exact("(attached: a.txt, 1 line)")
    chat.expect_exact("(There is no nothing.txt: ")
    chat.expect_exact(ANSWER)
    chat.sendline("y")
    chat.expect_exact("│ red")
    chat.expect_exact("**Done**, a[2Jb")
    chat.expect(PROMPT)
    for command, shown in (("/help", "/quit"), ("/status", "lab:"), ("!echo mine", "mine"), ("/show", "touch made")):
        chat.sendline(command)
        chat.expect_exact(shown)
        chat.expect(PROMPT)
    chat.sendline("/agent")
    chat.expect_exact("1  general (now)")
    chat.expect(CHOICE)
    chat.sendline("brain")
    chat.expect_exact("Which one? ")
    chat.sendline("3")
    chat.expect_exact("brainstormer · lab:")
    chat.expect(PROMPT)
    chat.sendintr()
    chat.expect_exact("Ctrl-C again")
    chat.expect(PROMPT)
    chat.sendline("/quit")
    chat.expect(pexpect.EOF)
    return heard.getvalue().replace("\r\n", "\n")


def test_a_dumb_terminal_gets_lines_and_nothing_else(chat, lab, work: Path):
    text = whole_session(chat, lab, work)
    assert sorted({char for char in text if ord(char) < 32}) == ["\n"]


def test_another_terminal_gets_no_more_than_readline_says(spawn, lab, work: Path):
    text = whole_session(spawn(TERM="xterm"), lab, work)
    assert sorted({char for char in PASTES.sub("", text) if ord(char) < 32}) == ["\n"]


def test_words_are_completed_and_recalled_and_what_is_not_sent_is_kept(spawn, lab, work: Path):
    (work / "a notebook.txt").write_text("grey\n")
    chat = spawn(echo=True, TERM="xterm")
    chat.send("/statu\t\r")
    chat.expect_exact("lab:")
    chat.expect(PROMPT)
    chat.send("What is in @a\t\r")
    chat.expect_exact("(attached: a notebook.txt, 1 line)")
    chat.expect(PROMPT)
    chat.send("half a thought")
    chat.expect_exact("thought")
    chat.sendintr()
    chat.expect_exact("Not sent")
    chat.expect(PROMPT)
    chat.send("\x1b[A and the rest\r")
    chat.expect(PROMPT)
    assert said(lab)[-1] == "half a thought and the rest"
    later = spawn(echo=True, TERM="xterm")
    later.send("\x12notebook\r")
    later.expect_exact("(attached: a notebook.txt")
    later.expect(PROMPT)
    later.sendline("/history thought rest")
    later.expect_exact("1  half a thought and the rest")
    later.expect(CHOICE)
    later.sendline("1")
    later.expect_exact("half a thought and the rest")
    later.send(" of it\r")
    later.expect(PROMPT)
    assert said(lab)[-1] == "half a thought and the rest of it"
    later.send("not sent")
    later.expect_exact("not sent")
    os.kill(later.pid, signal.SIGHUP)
    later.expect(pexpect.EOF)
    last = spawn(ready=False, echo=True, TERM="xterm")
    last.expect_exact("> not sent")
    last.send(" in time\r")
    last.expect(PROMPT)
    assert said(lab)[-1] == "not sent in time"


def test_a_dumb_terminal_adds_to_what_is_given_back_and_writes_longer_texts_line_by_line(chat, lab):
    chat.sendline("I am Ada")
    chat.expect(PROMPT)
    chat.sendline("/history")
    chat.expect(CHOICE)
    chat.sendline("i am ada")
    chat.expect_exact("What you type is added to it")
    chat.expect(PROMPT)
    chat.sendline("Lovelace")
    chat.expect(PROMPT)
    assert said(lab)[-1] == "I am Ada Lovelace"
    chat.sendline("/edit")
    chat.expect_exact("a line with a single . ends it")
    for line in ("first", "", "  third", "."):
        chat.expect_exact(". ")
        chat.sendline(line)
    chat.expect(PROMPT)
    assert said(lab)[-1] == "first\n\n  third"
    calls = len(lab.calls)
    chat.sendline("x" * 5000)
    chat.expect_exact("the end of it was lost")
    chat.expect(PROMPT)
    assert len(lab.calls) == calls


def test_settings_are_changed_and_ctrl_c_twice_leaves(chat, home: Path):
    chat.sendline("/settings")
    chat.expect(CHOICE)
    chat.sendline("temperatures.general")
    chat.expect_exact("\r\ntemperatures.general: ")
    chat.sendline("7")
    chat.expect_exact("Error: ")
    chat.expect(PROMPT)
    chat.sendline("/settings")
    chat.expect(CHOICE)
    chat.sendline("tui.notify")
    chat.expect_exact("1  true (now)")
    chat.expect(CHOICE)
    chat.sendline("false")
    chat.expect_exact("tui.notify is set in ")
    chat.expect(PROMPT)
    chat.sendline("/agent")
    chat.expect(CHOICE)
    chat.sendintr()
    chat.expect(PROMPT)
    assert json.loads((home / ".config" / "ally" / "config.json").read_text())["tui"] == {"notify": False}
    chat.sendintr()
    chat.expect_exact("Ctrl-C again")
    chat.expect(PROMPT)
    chat.sendintr()
    chat.expect(pexpect.EOF)
    chat.close()
    assert chat.exitstatus == 0


@pytest.mark.parametrize(("typed", "code"), [("hi\nagain\n", 1), ("again\n/nonsense\n", 2)])
def test_a_piped_chat_ends_with_the_code_of_its_last_failure(lab, run_ally: RunAlly, typed: str, code: int):
    lab.script(*([Failure("bad_request")] if "hi" in typed else []), Reply(text="better"))
    done = run_ally("--plain", input=typed)
    assert (done.returncode, done.stdout) == (code, "better\n")
