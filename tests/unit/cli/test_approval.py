"""What is shown before a call runs in plain lines, and how it is answered there."""

import asyncio
import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ally.cli.approval import Approver, choices_of, closing
from ally.cli.keyboard import Keyboard
from ally.cli.screen import Screen
from ally.engine.gate import Answer
from ally.events import Question
from ally.messages import ToolCall

EVERY = ("once", "session", "project", "always")


def ask(args, subject="", **more) -> Question:
    return Question(ToolCall("c1", "shell", args), subject, "it changes things", **more)


def test_what_an_answer_would_remember_is_said():
    question = ask({}, "git commit", scopes=EVERY, remember=("shell(git commit *)",))
    assert list(closing(question, 7)) == [
        "… 7 lines hidden, v shows them",
        "why: it changes things",
        "s, p, a would remember: shell(git commit *)",
    ]
    assert "remember" not in "\n".join(closing(ask({}, "x", remember=("shell(x)",)), 0))


def test_what_could_not_run_and_what_is_offered_is_said():
    assert next(closing(ask({}, "x", problem="No.\x1b"), 0)) == "not run: No.⟨U+001B⟩"
    offered = choices_of(ask({}, "x"), has_hidden=True)
    assert offered.replace("\xa0", " ") == "y once · n no · v view · e edit · w why · or what to do instead:"


@contextmanager
def terminal() -> Iterator[tuple[int, Approver]]:
    """The person's side of a terminal, and who asks on the other."""
    person, program = pty.openpty()
    keyboard = Keyboard(program, lambda text: None)
    with keyboard.watching():
        yield person, Approver(keyboard, Screen())
    os.close(person)
    os.close(program)


async def answered(question: Question, *lines: str, capsys: pytest.CaptureFixture[str]) -> tuple[Answer, str]:
    """What comes of typing `lines`, each once the prompt before it stands, and what was shown."""
    shown = ""
    with terminal() as (person, approver):
        asking = asyncio.ensure_future(approver.ask(question))
        for line in lines:
            while not (new := capsys.readouterr().err).endswith("instead: "):
                shown += new
                await asyncio.sleep(0.02)
            shown += new
            os.write(person, f"{line}\n".encode())
        return await asking, shown


async def test_why_is_told_and_the_call_is_changed_in_the_editor(monkeypatch, tmp_path, capsys):
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "make -n\\n" > "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    monkeypatch.setenv("TERM", "xterm")
    question = ask({"command": "make", "network": True}, "make", rule="network", touches=("has the network",))
    answer, shown = await answered(question, "w", "e", capsys=capsys)
    assert answer == Answer(True, edited={"command": "make -n", "network": True})
    assert "decided by: network\n  has the network\n" in shown
    assert shown.count("why:") == 1


async def test_without_an_editor_the_call_is_typed_anew(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "dumb")
    question = ask({"command": "make"}, "make")
    answer, _ = await answered(question, "e", "ls -l", capsys=capsys)
    assert answer == Answer(True, edited={"command": "ls -l"})


async def test_a_command_is_not_changed_before_its_other_arguments_were_seen(monkeypatch, capsys):
    monkeypatch.setenv("EDITOR", "true")
    command = "\n".join(f"echo {number}" for number in range(60))
    asked = ask({"command": command, "network": True}, command)
    answer, shown = await answered(asked, "e", "n", capsys=capsys)
    assert not answer.allowed
    assert "Not all of it was shown yet" in shown
