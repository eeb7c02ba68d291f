"""The full screen from its first run to its end, in every size, and what comes back afterwards."""

import contextlib
import os
import re
import signal
from pathlib import Path

import pytest

from ally.permissions.trust import Trust
from tests.e2e import tmux
from tests.e2e.test_screen_chat import READY, Open, say, screen
from tests.fakes import FakeOpenAI

__all__ = ["screen"]
pytestmark = pytest.mark.skipif(tmux.PROGRAM is None, reason="there is no tmux here")


def test_the_first_run_asks_what_answers_and_whether_the_folder_is_trusted(
    screen: Open, checkout: Path, work: Path, home: Path
):
    (checkout / "config.json").write_text("{}")
    (work / "AGENTS.md").write_text("Be short.\n")
    kept = home / ".local" / "state" / "ally" / "trust.json"
    kept.unlink()
    chat = screen()
    chat.wait("Do you trust AGENTS.md", "its instructions go to the model")
    chat.press("Down")
    chat.until(lambda shown: "Do you trust" not in shown or bool(chat.press("Enter")), "it takes no answer")
    chat.wait("What is to answer?", "decide later", "this machine")
    chat.press("Escape")
    chat.wait_gone("What is to answer?")
    chat.wait(READY)
    say(chat, "/quit")
    assert chat.ended() == 0
    assert Trust(kept, home).is_trusted(work)


def test_sessions_models_and_drafts_come_back_and_a_question_fits_anywhere(
    screen: Open, lab: FakeOpenAI, work: Path, home: Path
):
    first = screen()
    first.wait(READY)
    say(first, "alpha")
    first.wait("After alpha:")
    say(first, "/clear")
    first.wait("Forgotten")
    say(first, "beta")
    first.wait("After beta:")
    first.press("F2")
    first.wait("type to filter", lab.models[0])
    first.type("mini")
    first.wait("1 of ")
    first.press("Enter")
    first.wait(f"lab:{lab.models[1]}", READY)
    first.type("half a thought")
    drafts = home / ".local" / "state" / "ally" / "drafts"
    first.until(lambda _: any(drafts.glob("*.json")), "no draft is kept")
    kill(first, work)
    again = screen("-c")
    again.wait("After beta:", "> half a thought")
    again.press("C-u")
    say(again, "/sessions")
    again.wait("type to filter", "alpha")
    again.type("alpha")
    again.wait("1 of ")
    again.press("Enter")
    again.wait("After alpha:", READY)
    again.resize(40, 10)
    say(again, "run touch narrow")
    again.wait("touch narrow", "Allow shell?", "y yes")
    again.wait_gone("> ")
    again.resize(20, 5)
    again.wait("touch narrow", "y")
    again.press("v", "v", "y")
    again.wait("a list")
    assert (work / "narrow").exists()
    again.resize(80, 24)
    again.wait(READY)
    say(again, "/quit")
    assert again.ended() == 0


def test_the_same_in_plain_lines(screen: Open, work: Path):
    chat = screen("--plain")
    chat.wait("Ctrl-D leaves")
    say(chat, "run touch plain")
    chat.wait("touch plain", "or what to do instead:")
    say(chat, "y")
    chat.wait("**After** run touch plain:")
    assert (work / "plain").exists()
    say(chat, "/quit")
    assert chat.ended() == 0


def kill(terminal: tmux.Terminal, work: Path) -> None:
    """End the program in `work` as the kernel does when memory is short."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"ally" in words and (process / "cwd").resolve() == work.resolve():
                os.kill(int(process.name), signal.SIGKILL)
    assert re.search("137|Killed", terminal.wait("ended with"))
