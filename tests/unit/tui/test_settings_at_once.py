"""What is changed in the settings is seen without a new start."""

import asyncio
import json
import os
from pathlib import Path

from ally.app import App
from ally.chat.setting_rows import change, reset, setting_rows
from ally.chat.start import Start
from ally.config.paths import Paths
from ally.tui.app import AllyApp
from ally.tui.front import TuiFront
from ally.tui.screen import ChatScreen
from ally.tui.settings_screen import SettingsScreen


class Alone(ChatScreen):
    """The chat's screen with nothing behind it."""

    def _open(self) -> None:
        pass


async def test_the_screen_follows_what_was_changed_and_only_that(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"tui": {"diff": "unified"}}), "utf-8")
    ally = App({**os.environ}, Paths(*[tmp_path] * 4), None, False, lambda text: None, {})
    program = AllyApp(ally, Start())
    screen = program.chat_screen = Alone(ally, Start(), "")
    front = TuiFront(screen, lambda text: None)

    async def settings(**values: str | None) -> None:
        """Open the settings, change these, and leave."""
        shown = program.run_worker(front.settings())
        while not isinstance(program.screen, SettingsScreen):
            await pilot.pause()
        rows = {row.key: row for row in setting_rows(ally)}
        for name, value in values.items():
            row = rows[f"tui.{name}"]
            work = (reset, ally, row) if value is None else (change, ally, row, value)
            await asyncio.to_thread(*work)
        await pilot.press("escape")
        await shown.wait()

    async with program.run_test() as pilot:
        screen.take_settings(ally.settings.tui)
        assert (screen.transcript.thinking, program.look.diff) == ("folded", "unified")
        await pilot.press("ctrl+t")
        await settings(diff='"side-by-side"', notify="false")
        assert (screen.transcript.thinking, program.look.diff) == ("open", "side-by-side")
        assert screen.transcript.look.diff == "side-by-side"
        assert not ally.settings.tui.notify
        await settings(thinking='"hidden"', diff=None)
        assert (screen.transcript.thinking, program.look.diff) == ("hidden", "auto")
