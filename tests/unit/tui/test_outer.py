import base64
import os
import stat
from pathlib import Path

import pytest
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from ally.app import App as Ally
from ally.chat.start import Start
from ally.config.paths import Paths
from ally.tui.app import AllyApp
from ally.tui.clipboard import MAX_BYTES, copy
from ally.tui.colors import WHERE_TEXTUAL_LOOKS, settle
from ally.tui.notify import sequence_for, tell
from ally.tui.outer import wrapped
from tests.snapshots.stage import StillScreen


class Recording(HeadlessDriver):
    """Keeps what would go to the terminal."""

    is_headless = False

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        self.sent: list[str] = []

    def write(self, data: str) -> None:
        """Keep it."""
        self.sent.append(data)


async def sent_by(act) -> list[str]:
    """What `act` made an application send beside its screen."""
    app: App[None] = App(driver_class=Recording)
    async with app.run_test(headless=False) as pilot:
        assert isinstance(app._driver, Recording)
        app._driver.sent.clear()
        act(app)
        found = list(app._driver.sent)
        await pilot.pause()
    return found


async def test_copying_sends_the_text_once_and_refuses_what_terminals_drop():
    results: list[bool] = []
    sent = await sent_by(lambda app: results.append(copy(app, "grüß", {})))
    assert sent == [f"\x1b]52;c;{base64.b64encode('grüß'.encode()).decode()}\x07"]
    sent = await sent_by(lambda app: results.append(copy(app, "x" * (MAX_BYTES + 1), {}) or copy(app, "", {})))
    assert sent == []
    assert results == [True, False]


async def test_what_is_copied_on_the_screen_goes_the_same_way_and_what_is_too_long_is_kept_for_its_own_paste(
    tmp_path: Path,
):
    ally = Ally({**os.environ}, Paths(*[tmp_path] * 4), None, False, lambda text: None, {})
    app = AllyApp(ally, Start())
    app.chat_screen = StillScreen(ally, Start(), "")
    app.driver_class = Recording
    async with app.run_test(headless=False) as pilot:
        for text, times in (("grüß", 1), ("x" * (MAX_BYTES + 1), 0)):
            app._driver.sent.clear()
            app.copy_to_clipboard(text)
            assert (app.clipboard, sum("]52;" in sent for sent in app._driver.sent)) == (text, times)
        await pilot.pause()
        assert [note.severity for note in app._notifications] == ["warning"]


async def test_who_looks_is_not_notified():
    assert await sent_by(lambda app: tell(app, "done", {"TERM_PROGRAM": "WezTerm"})) == []


async def test_who_looks_elsewhere_is_notified_and_hears_the_bell():
    def act(app: App[None]) -> None:
        app.app_focus = False
        tell(app, "done\x1b[2J;\nand more", {"TERM_PROGRAM": "WezTerm"})

    assert await sent_by(act) == ["\x1b]9;Ally: done[2J, and more\x1b\\", "\x07"]


@pytest.mark.parametrize(
    ("env", "start"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]9;"),
        ({"TERM": "xterm-kitty"}, "\x1b]9;"),
        ({"VTE_VERSION": "7600"}, "\x1b]777;notify;Ally;"),
        ({"TERM": "rxvt-unicode-256color"}, "\x1b]777;"),
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM": "linux"}, ""),
    ],
)
def test_each_terminal_is_told_in_its_way(env: dict[str, str], start: str):
    sequence = sequence_for("done", env)
    assert sequence.startswith(start)
    assert bool(sequence) == bool(start)


def test_tmux_gets_every_escape_doubled():
    assert wrapped("\x1b]9;a\x1b\\", {"TMUX": "x"}) == "\x1bPtmux;\x1b\x1b]9;a\x1b\x1b\\\x1b\\"
    assert wrapped("\x1b]9;a\x1b\\", {}) == "\x1b]9;a\x1b\\"


async def test_in_tmux_the_text_goes_to_tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "tmux"
    program.write_text('#!/bin/sh\necho "$@" > "$0.words"\ncat > "$0.text"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert await sent_by(lambda app: copy(app, "some text", {"TMUX": "x"})) == []
    assert (tmp_path / "tmux.words").read_text().split() == ["load-buffer", "-w", "-"]
    assert (tmp_path / "tmux.text").read_text() == "some text"


@pytest.mark.parametrize(
    ("given", "has_color", "system"),
    [
        ({}, True, None),
        ({"NO_COLOR": ""}, True, None),
        ({"NO_COLOR": "1", "FORCE_COLOR": "3"}, False, None),
        ({"FORCE_COLOR": "0"}, False, None),
        ({"FORCE_COLOR": "3"}, True, "truecolor"),
        ({"FORCE_COLOR": "2", "TERM": "vt100"}, True, "256"),
        ({"TERM": "vt100"}, False, None),
        ({"TERM": "vt100", "CLICOLOR_FORCE": "1"}, True, "standard"),
        ({"CLICOLOR": "0"}, False, None),
        ({"TERM": "xterm-256color", "FORCE_COLOR": "1"}, True, None),
        ({"WT_SESSION": "x"}, True, "truecolor"),
        ({"TERM": "foot"}, True, "truecolor"),
    ],
)
def test_colors_are_as_the_user_says_else_as_the_terminal_can(given: dict[str, str], has_color: bool, system: str):
    env = dict(given)
    settle(env)
    assert ("NO_COLOR" not in env, env.get(WHERE_TEXTUAL_LOOKS)) == (has_color, system)
