"""What the screens look like. `python -m tests.snapshots` keeps their looks as they are now."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from ally.app import App
from ally.config.paths import find_paths
from tests.snapshots.screens import SCREENS, Drawn, talk
from tests.snapshots.stage import Stage, still

KEPT = Path(__file__).parent
RENEW = "SNAPSHOTS_RENEW"
"""In the environment: keep every picture as it is now."""
COLORLESS = {"no_color": Drawn(talk, 80, 24, "ally-terminal")}


@pytest.fixture
def shop(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the pictures are made."""
    folder = home / "shop"
    folder.mkdir()
    for name in ("prices.py", "test_prices.py", "primes.txt", "README.md"):
        (folder / name).write_text("x\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return folder


async def differing(screens: Mapping[str, Drawn]) -> list[str]:
    """What to compare, for every picture that is not as it was kept."""
    ally = App(dict(os.environ), find_paths(os.environ), None, False, print, {})
    app, found = still(ally), []
    async with app.run_test(size=(80, 24)) as pilot:
        stage = Stage(app, pilot)
        for name, one in screens.items():
            await stage.open(one.columns, one.rows, one.theme)
            await one.draw(stage)
            kept, new = KEPT / f"{name}.svg", KEPT / f"{name}.new.svg"
            wanted = kept.read_text("utf-8") if kept.exists() and not os.environ.get(RENEW) else None
            made = await stage.picture(wanted)
            await stage.close()
            if os.environ.get(RENEW):
                kept.write_text(made, "utf-8")
            elif made != wanted:
                new.write_text(made, "utf-8")
                found.append(f"{kept} is now {new}")
                continue
            new.unlink(missing_ok=True)
    return found


@pytest.mark.usefixtures("shop")
async def test_every_screen_looks_as_it_did():
    changed = await differing(SCREENS)
    assert not changed, "\n".join([*changed, "python -m tests.snapshots keeps them, once they were looked at"])


@pytest.mark.usefixtures("shop")
async def test_without_colors_it_looks_as_it_did(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    changed = await differing(COLORLESS)
    assert not changed, "\n".join(changed)


def test_every_picture_is_still_made():
    assert {path.stem for path in KEPT.glob("*.svg") if not path.stem.endswith(".new")} == {*SCREENS, *COLORLESS}
