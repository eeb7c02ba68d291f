"""What comes into the text from outside: the clipboard, the user's editor."""

from pathlib import Path

import pytest

from tests.unit.tui.composer.host import Host
from tests.unit.tui.composer.pictures import png


async def test_a_picture_from_the_clipboard_is_a_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "picture").write_bytes(png(8, 6))
    program = tmp_path / "wl-paste"
    program.write_text(f'#!/bin/sh\n[ "$1" = --list-types ] && echo image/png || cat {tmp_path}/picture\n')
    program.chmod(0o700)
    for name, value in {
        "PATH": f"{tmp_path}:/bin:/usr/bin",
        "WAYLAND_DISPLAY": ":0",
        "ALLY_HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    app = Host(tmp_path)
    async with app.run_test(size=(80, 10), notifications=True) as pilot:
        await app.type(pilot, *"see ", "ctrl+v")
        await app.until(pilot, lambda: "picture" in app.shown)
        assert app.shown.startswith("see [picture 1: clipboard-")
        assert app.shown.endswith(".png 8\u00d76] ")
        await app.type(pilot, "enter")
        assert app.sent[0].startswith(f"see @{tmp_path}/cache/pictures/clipboard-")
        program.unlink()
        await app.type(pilot, "ctrl+v")
        await app.until(pilot, lambda: "install" in app.screen_text())
        assert "no program for it was found" in app.screen_text()
        app.copy_to_clipboard("cut before")
        await app.type(pilot, "ctrl+v")
        await app.until(pilot, lambda: app.shown != "")
        assert app.shown == "cut before"


async def test_without_a_terminal_to_hand_over_the_text_stays(tmp_path: Path) -> None:
    app = Host(tmp_path)
    async with app.run_test(size=(80, 10), notifications=True) as pilot:
        await app.type(pilot, *"text", "ctrl+g")
        await app.until(pilot, lambda: "An editor needs" in app.screen_text())
        assert "An editor needs" in app.screen_text()
        assert app.shown == "text"
