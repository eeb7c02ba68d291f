"""What of a turn stands on the screen of plain lines."""

import os
import pty
import sys
from collections.abc import Iterator

import pytest

from ally.cli.screen import Screen
from ally.errors import UsageError
from ally.events import (
    Event,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolProgress,
    ToolRequested,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ally.messages import ToolCall, ToolResult

CALL = ToolRequested(ToolCall("1", "shell", {"command": "ls"}))
DONE = ToolFinished(ToolResult(call_id="1", name="shell", for_model="a.txt\n", for_user="exit 0"))


class Terminal:
    """Standard output and error on a pseudo-terminal."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._person, self._program = pty.openpty()
        self._patch = patch

    def show(self, *events: Event, screen: Screen | None = None) -> str:
        screen = screen or Screen()
        with os.fdopen(os.dup(self._program), "w") as out, self._patch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", out)
            for event in (TurnStarted("lab", "m"), *events, TurnFinished("end")):
                screen.add(event)
            out.write("\0")
            out.flush()
        said = b""
        while not said.endswith(b"\0"):
            said += os.read(self._person, 1 << 16)
        return said.decode().removesuffix("\0").replace("\r\n", "\n")

    def close(self) -> None:
        os.close(self._person)
        os.close(self._program)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    shown = Terminal(monkeypatch)
    yield shown
    shown.close()


def test_an_answer_that_only_repeats_what_was_shown_is_not_shown_again(terminal):
    said = terminal.show(CALL, ToolProgress("1", "a.txt\n"), DONE, TextDelta("a.txt"))
    assert said == "· shell ls\n  │ a.txt\n  → exit 0\n"
    failed = ToolFinished(
        ToolResult(call_id="1", name="shell", for_model="no\n[exit 2]", is_error=True, for_user="exit 2")
    )
    assert terminal.show(CALL, ToolProgress("1", "no\n"), failed, TextDelta("no\n[exit 2]")).count("no\n") == 1


def test_an_answer_that_says_more_is_shown_whole(terminal):
    said = terminal.show(CALL, ToolProgress("1", "a.txt\n"), DONE, TextDelta("a.txt"), TextDelta(" is there"))
    assert said.endswith(" is there\n")
    said = terminal.show(CALL, ToolProgress("1", "a.txt\n"), DONE, TextDelta("It is a.txt"))
    assert said.endswith("It is a.txt\n")


def test_where_nobody_looks_the_answer_is_always_written(capsys):
    screen = Screen()
    for event in (TurnStarted("lab", "m"), CALL, ToolProgress("1", "a.txt\n"), DONE, TextDelta("a.txt")):
        screen.add(event)
    assert capsys.readouterr().out == "a.txt"


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("folded", "(thinking …)\nYes.\n"),
        ("hidden", "Yes.\n"),
        ("open", "(thinking:)\nIs it? It is.\n(answer:)\nYes.\n"),
    ],
)
def test_thinking_is_told_once_shown_or_left_out(terminal, view, shown):
    screen = Screen()
    screen.thinking = view
    assert terminal.show(ThinkingDelta("Is it? "), ThinkingDelta("It is."), TextDelta("Yes."), screen=screen) == shown


def test_a_failure_in_a_chat_hints_at_what_can_be_done_in_it(terminal):
    said = terminal.show(TextDelta("half"), TurnFailed(UsageError("It failed.", hint="ally models lists others")))
    assert said == "half\nError: It failed.\n  → /model lists others\n"
