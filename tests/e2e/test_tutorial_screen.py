"""docs/tutorial-screen.md, key by key in a real terminal; the model is a script."""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ally.tui.quiet import QUIET_S
from tests.e2e import tmux
from tests.e2e.page import Page
from tests.fakes import FakeOpenAI, Reply

PAGE = Page.of("tutorial-screen.md", re.compile(r"\.\.\."))
KEYS = {"Esc": "Escape", "Shift-Tab": "BTab"}
"""tmux's names, where they are not made of the page's by a rule."""

SCRIPT = (
    Reply(text="It greets, see greet.py:2."),
    Reply(tool_calls=[("write", {"path": "README.md", "content": "# Hello\n\n"})]),
    Reply(text="Written."),
)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder of the page's first step."""
    folder = tmp_path / "hello"
    folder.mkdir()
    (folder / "greet.py").write_text(PAGE.blocks("python")[0], encoding="utf-8")
    (folder / "AGENTS.md").write_text(PAGE.blocks("markdown")[0], encoding="utf-8")
    return folder


@pytest.fixture
def screen(lab: FakeOpenAI, ally_environment, checkout: Path, work: Path) -> Iterator[tmux.Terminal]:
    """Ally in that folder, on a terminal of 100 x 30."""
    lab.script(*SCRIPT)
    terminal = tmux.Terminal([sys.executable, "-m", "ally"], ally_environment(checkout), work, (100, 30))
    yield terminal
    terminal.close()


@pytest.mark.skipif(tmux.PROGRAM is None, reason="there is no tmux here")
def test_the_screens_of_the_page(screen: tmux.Terminal, lab: FakeOpenAI, work: Path):
    for kind, block in re.findall(r"^```(keys|screen)\n(.*?)^```", PAGE.text, re.MULTILINE | re.DOTALL):
        if kind == "keys":
            press(screen, block.strip())
        else:
            screen.until(lambda seen, shown=block: not PAGE.lacking(shown, seen), f"it does not show\n{block}")
            if "Do you trust" in block:
                time.sleep(2 * QUIET_S)  # what opens by itself takes no key before somebody can have read it
    assert screen.ended() == 0
    assert not (work / "README.md").exists()
    told = str(lab.calls[-1].json["messages"])
    assert "It greets." in told
    assert "Answer briefly." in told


def press(screen: tmux.Terminal, keys: str) -> None:
    """Type what a block of keys says; what is in brackets are keys."""
    for text, key in re.findall(r"([^\[\]]+)|\[([^\]]+)\] ?", keys):
        if key:
            screen.press(KEYS.get(key, re.sub("^Ctrl-", "C-", key)))
            if key == "Esc":
                time.sleep(0.15)  # without a pause it is the beginning of another key, in every terminal
        else:
            screen.type(text.removesuffix(" "))


def test_every_key_of_the_page_is_in_the_reference():
    known = Page.of("reference/keys.md").text
    named = set(re.findall(r"\b(?:(?:Ctrl|Alt|Shift)-\w+|F\d)\b", PAGE.text))
    assert {key for key in named if not re.search(rf"\b{key}\b", known)} == set()
