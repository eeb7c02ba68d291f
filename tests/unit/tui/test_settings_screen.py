"""Changing the settings on the screen."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from textual.app import App as Program
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from ally.app import App
from ally.chat.setting_rows import setting_rows
from ally.config.paths import Paths
from ally.config.schema import describe
from ally.tui.settings_screen import SettingsScreen
from ally.tui.themes import THEMES

SECRET = "hunter2-and-more"


class Host(Program[None]):
    """An app that shows the settings."""

    def __init__(self, ally: App) -> None:
        super().__init__()
        self.ally = ally
        for theme in THEMES.values():
            self.register_theme(theme)

    def on_mount(self) -> None:
        self.push_screen(SettingsScreen(self.ally))

    def seen(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


@pytest.fixture
def ally(tmp_path: Path) -> App:
    lab = {"base_url": "http://gpu:8000/v1", "headers": {"X-Team": SECRET}}
    options = {"ollama": {"num_ctx": 8192, "api_key": SECRET}}
    settings = {"model": "m", "endpoints": {"lab": lab}, "provider_options": options, "tui": {"diff": "unified"}}
    (tmp_path / "config.json").write_text(json.dumps(settings), "utf-8")
    return App({**os.environ}, Paths(*[tmp_path] * 4), None, False, lambda text: None, {})


def written(ally: App) -> Any:
    return json.loads((ally.paths.config / "config.json").read_text("utf-8"))


async def find(pilot: Pilot[None], name: str) -> None:
    if pilot.app.screen.query_one(Input).value:
        await pilot.press("escape")
    pilot.app.screen.query_one(Input).value = name
    await pilot.pause()


async def until(pilot: Pilot[None], text: str) -> str:
    for _ in range(200):
        await pilot.pause(0.01)
        if text in (seen := pilot.app.seen()):
            return seen
    raise AssertionError(f"{text!r} is not shown:\n{pilot.app.seen()}")


def test_every_key_of_the_schema_is_listed_with_what_it_is_for(ally: App):
    rows = {row.key: row for row in setting_rows(ally)}
    assert {"provider", "models.code_gen", "permissions.mode", "tui.theme", "mcp_servers"} <= set(rows)
    assert all(row.about and row.accepts for row in rows.values())
    assert all(describe(row.keys) is not None for row in rows.values())
    assert SECRET not in repr(rows)
    assert rows["endpoints"].refusal
    assert rows["provider_options.ollama.num_ctx"].text == "8192"
    assert rows["provider_options.ollama.api_key"].text == ""
    assert (rows["tui.diff"].origin, rows["tui.plain"].origin) == (str(ally.paths.config / "config.json"), "default")


async def test_values_are_chosen_typed_and_given_up_by_keyboard_alone(ally: App):
    app = Host(ally)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, "embedding_model")
        await find(pilot, "tui.theme")
        await pilot.press("enter")
        await until(pilot, "back to the default")
        await pilot.press("4")
        assert "It holds at once" in await until(pilot, "Set in")
        assert (written(ally)["tui"]["theme"], app.theme) == ("ally-light", "ally-light")
        await find(pilot, "temperatures.general")
        await pilot.press("enter", "h", "o", "enter")
        seen = await until(pilot, "must be a number from 0 to 2")
        assert "ho" in seen, "what was typed is lost"
        app.screen.query_one(TextArea).text = "0.5"
        await pilot.press("enter")
        await until(pilot, "Set in")
        assert ally.settings.temperatures.general == 0.5
        await find(pilot, "system_prompts.general")
        await pilot.press("enter", "b", "ctrl+j", "k", "enter")
        await until(pilot, "Set in")
        assert written(ally)["system_prompts"]["general"] == "b\nk"
        await pilot.press("enter", "n", "escape")
        await until(pilot, "It stays as it was.")
        assert written(ally)["system_prompts"]["general"] == "b\nk"
        await find(pilot, "tui.diff")
        await pilot.press("ctrl+r")
        await until(pilot, "no longer set")
        assert "diff" not in written(ally)["tui"]
        await pilot.press("ctrl+r")
        await until(pilot, "No file sets tui.diff.")
        await pilot.press("escape", "escape")
        assert not isinstance(app.screen, SettingsScreen)


async def test_secrets_are_never_shown_and_never_overwritten(ally: App):
    app = Host(ally)
    async with app.run_test(size=(40, 12)) as pilot:
        await until(pilot, "model")
        await find(pilot, "endpoints")
        await pilot.press("enter")
        await until(pilot, "! It holds secrets")
        await find(pilot, "ollama.api_key")
        await pilot.press("enter")
        assert SECRET not in await until(pilot, "Enter keeps it")
        await pilot.press("enter")
        await until(pilot, "Enter changes")
        assert written(ally)["provider_options"]["ollama"]["api_key"] == SECRET
        await pilot.press("enter", "n", "enter")
        await until(pilot, "Set in")
        assert written(ally)["provider_options"]["ollama"] == {"num_ctx": 8192, "api_key": "n"}
        assert written(ally)["endpoints"]["lab"]["headers"] == {"X-Team": SECRET}


@pytest.mark.parametrize("size", [(20, 5), (300, 60)])
async def test_a_file_that_breaks_meanwhile_is_named_and_kept(ally: App, size: tuple[int, int]):
    file = ally.paths.config / "config.json"
    file.write_text('{"model": "\\u001b[31m[red]x\\u202e"}', "utf-8")
    app = Host(ally)
    async with app.run_test(size=size) as pilot:
        await until(pilot, "model")
        assert "\x1b" not in app.seen()
        assert "\u202e" not in app.seen()
        await find(pilot, "model")
        file.write_text("{broken", "utf-8")
        await pilot.press("enter", "y", "enter")
        await until(pilot, "! ")
        assert file.read_text() == "{broken"
