"""The full screen in a real terminal: what a person does in it, and sees."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ally.permissions.trust import Trust
from tests.e2e import tmux
from tests.e2e.conftest import words
from tests.e2e.tmux import Terminal
from tests.fakes import FakeOpenAI, Reply
from tests.fakes.server import Recorded

pytestmark = pytest.mark.skipif(tmux.PROGRAM is None, reason="there is no tmux here")
READY, ASKED = "F1 help", "Tab says what to do instead"
EDIT = {"path": "notes.txt", "edits": [{"old": "grey", "new": "green"}]}
SLOW = " ".join(f"word{number}" for number in range(2000))
Open = Callable[..., Terminal]


def answer(request: Recorded) -> Reply:
    """What the last message of the user asks for."""
    said = request.json["messages"]
    place = max(at for at, one in enumerate(said) if one["role"] == "user")
    text, results = words(said[place]["content"]), len(said) - place - 1
    match text.split():
        case ["run", *command] if not results:
            return Reply(tool_calls=[("shell", {"command": " ".join(command)})])
        case ["change"] if results < 4:
            call = ("edit", EDIT) if results else ("read", {"path": "notes.txt"})
            return Reply(tool_calls=[call])
        case ["slow"]:
            return Reply(SLOW, delay_s=0.02)
        case _:
            return Reply(f"**After** {text}:\n\n- a list\n")


@pytest.fixture
def screen(lab: FakeOpenAI, ally_environment, checkout: Path, work: Path, trust: Trust) -> Iterator[Open]:
    """Starts the chat with these options in the trusted folder `work`."""
    lab.always(answer)
    trust.trust(work)
    terminals: list[Terminal] = []
    environment = ally_environment(checkout)
    del environment["NO_COLOR"]

    def start(*options: str, size: tuple[int, int] = (80, 30)) -> Terminal:
        terminals.append(Terminal([sys.executable, "-m", "ally", *options], environment, work, size))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def say(terminal: Terminal, text: str) -> None:
    terminal.type(text)
    terminal.press("Enter")


def results(lab: FakeOpenAI) -> str:
    return "\n".join(one["content"] for one in lab.calls[-1].json["messages"] if one["role"] == "tool")


def test_calls_are_answered_changed_and_undone(screen: Open, lab: FakeOpenAI, work: Path):
    (work / "notes.txt").write_text("grey\n")
    chat = screen()
    chat.wait(READY)
    say(chat, "hello")
    assert "**" not in chat.wait("After hello:", "• a list")
    say(chat, "run touch one")
    chat.wait("touch one", ASKED, "yes, once")
    chat.press("y")
    chat.wait("After run touch one:")
    assert (work / "one").exists()
    say(chat, "run touch two")
    chat.wait("touch two", ASKED)
    chat.press("Tab")
    say(chat, "use three")
    chat.wait("After run touch two:", "use three")
    assert "use three" in results(lab)
    say(chat, "run touch four")
    chat.wait("touch four", ASKED)
    chat.press("e")
    chat.wait("Enter runs it")
    say(chat, "teen")
    chat.wait("After run touch four:")
    assert sorted(one.name for one in work.iterdir()) == ["fourteen", "notes.txt", "one"]
    say(chat, "change")
    assert "- grey" in chat.wait("+ green", ASKED)
    chat.press("y")
    assert "+ green" not in chat.wait("After change:")
    assert (work / "notes.txt").read_text() == "green\n"
    chat.press("C-o")
    chat.wait("- grey", "more lines")
    chat.press("C-End")
    chat.wait_gone("more lines")
    say(chat, "/undo")
    chat.until(lambda shown: "restored" in shown or bool(chat.press("C-End")), "it is not undone")
    assert (work / "notes.txt").read_text() == "grey\n"
    say(chat, "/quit")
    assert chat.ended() == 0
    assert all(text in chat.scrollback() for text in ("hello", "touch one", "After change:", "ally -i "))


def test_it_is_interrupted_waited_for_and_rewound(screen: Open):
    chat = screen("--no-scrollback")
    chat.wait(READY)
    say(chat, "first")
    chat.wait("After first:")
    say(chat, "slow")
    chat.wait("word20")
    say(chat, "later one")
    say(chat, "later two")
    chat.wait("queued: later one", "queued: later two")
    chat.press("Up")
    chat.wait_gone("queued: later two")
    chat.press("C-u", "Escape")
    chat.wait("(Stopped.)", "> later one")
    chat.press("Enter")
    chat.wait("After later one:")
    say(chat, "run sleep 3127")
    chat.wait("shell sleep 3127")
    chat.press("Escape")
    chat.wait("interrupted", READY)
    say(chat, "second")
    chat.wait("After second:")
    chat.press("Escape")
    chat.press("Escape")
    chat.wait("type to filter", "run sleep 3127")
    chat.type("first")
    chat.wait("1 of ")
    chat.press("Enter")
    chat.wait("Back to before: first", "> first")
    chat.press("C-u")
    chat.wait(READY)
    say(chat, "/quit")
    assert chat.ended() == 0
    assert "After first:" not in chat.scrollback()
