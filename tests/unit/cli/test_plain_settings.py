"""The settings in plain lines are written where those of the screen are."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ally.app import App
from ally.cli.plain_settings import PlainSettings
from ally.config.paths import Paths
from ally.errors import ConfigError

TRACKED = '{"model": null, "tui": {"diff": "unified"}}\n'


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An application that runs from a checkout, with settings of the user's own elsewhere."""
    checkout, own = tmp_path / "checkout", tmp_path / "own"
    checkout.mkdir()
    own.mkdir()
    (checkout / "config.json").write_text(TRACKED, "utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("ALLY_")}
    return App(env, Paths(*[own] * 4), checkout, False, lambda text: None, {})


def typing(*lines: str) -> Callable[[str, str], str | None]:
    """Somebody who types these lines, and then nothing more."""
    left = iter(lines)
    return lambda prompt, text: next(left, None)


async def test_a_setting_of_the_users_own_never_changes_the_file_of_the_checkout(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    own, tracked = app.paths.config / "config.json", app.checkout / "config.json"
    assert app.settings.tui.thinking == "folded"
    await PlainSettings(app, 20, 80, typing("tui.thinking", "open")).change()
    assert json.loads(own.read_text("utf-8")) == {"tui": {"thinking": "open"}}
    assert app.settings.tui.thinking == "open"
    assert "It holds at once" in capsys.readouterr().err
    await PlainSettings(app, 20, 80, typing("embedding_model", "überall 🌍")).change()
    assert app.settings.embedding_model == "überall 🌍"
    assert "It holds from the next start on" in capsys.readouterr().err
    await PlainSettings(app, 20, 80, typing("tui.thinking", "unset")).change()
    await PlainSettings(app, 20, 80, typing("tui.notify", "")).change()
    await PlainSettings(app, 20, 80, typing("tui.notify")).change()
    with pytest.raises(ConfigError):
        await PlainSettings(app, 20, 80, typing("temperatures.general", "99")).change()
    assert json.loads(own.read_text("utf-8")).get("tui", {}) == {}
    assert tracked.read_text("utf-8") == TRACKED


async def test_what_the_checkout_says_is_changed_where_it_is_said(app: App) -> None:
    await PlainSettings(app, 20, 80, typing("tui.diff", "side-by-side")).change()
    assert json.loads((app.checkout / "config.json").read_text("utf-8"))["tui"] == {"diff": "side-by-side"}
    assert not (app.paths.config / "config.json").exists()
