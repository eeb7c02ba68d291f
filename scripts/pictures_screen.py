"""Makes the pictures of the screen: `.venv/bin/python scripts/pictures_screen.py [NAME]`, into docs/pictures.

`chat` and `knowledge` are drawn by the real screen, `browser` is what Chromium shows of `ally serve`; the model is a
script in all of them.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ally.app import App  # noqa: E402 - after sys.path
from ally.config.paths import find_paths  # noqa: E402 - after sys.path
from ally.events import Notice, PermissionAsked, ToolFinished, ToolRequested, TurnFinished  # noqa: E402 - after sys.path
from ally.messages import ToolResult  # noqa: E402 - after sys.path
from ally.permissions.trust import Trust  # noqa: E402 - after sys.path
from ally.tui.themes import DARK  # noqa: E402 - after sys.path
from tests.e2e import browser  # noqa: E402 - after sys.path
from tests.fakes import KEY, FakeOpenAI, Reply  # noqa: E402 - after sys.path
from tests.snapshots import samples  # noqa: E402 - after sys.path
from tests.snapshots.stage import Stage, still  # noqa: E402 - after sys.path

SHOWN = ROOT / "docs" / "pictures"
COLUMNS, ROWS = 100, 30
ANSWER = """The discount is in **per cent** now, and `test_total` expects that as well:

```python
def test_total():
    assert total([100, 100], 10) == 180
```
"""
PATIENCE_S = 30
HOUSE = {
    "router.md": "# Router\n\nHold the red button for ten seconds, until the light blinks. All settings are lost.\n",
    "bills.csv": "date,what,paid\n2026-03-02,chimney sweep,84\n2026-10-12,boiler service,160\n",
}
CITING = (
    (
        "How do I reset the router?",
        'Hold the red button until the light blinks [1 "Hold the red button for ten seconds"]. Your settings stay as'
        ' they are [1 "Settings are kept"].',
    ),
    ("What did the boiler cost this year?", 'Its service was **160** [1 "boiler service,160"].'),
)


async def chat() -> bytes:
    """A talk with calls, a diff, an answer and the status line."""
    with tempfile.TemporaryDirectory() as home:
        app = still(App({"HOME": home}, find_paths({"HOME": home}), None, False, print, {}))
        async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
            stage = Stage(app, pilot)
            await stage.open(COLUMNS, ROWS, DARK)
            stage.screen.status.show(samples.HERE)
            transcript = stage.screen.transcript
            transcript.user_said("The discount should be in per cent. Are the tests right?")
            stage.tell(samples.STARTED, *samples.called(samples.READ, "", "read shop/prices.py, 9 lines"))
            stage.tell(ToolRequested(samples.EDIT), PermissionAsked(samples.EDIT_QUESTION))
            stage.tell(ToolFinished(ToolResult("c3", "", "edited shop/prices.py, +2 -1 lines")))
            await pilot.pause()
            transcript.toggle()
            stage.tell(*samples.called(samples.SHELL, "5 passed", "exit 0, 2.4 s, sandbox A"))
            stage.tell(*samples.answered(ANSWER))
            transcript.scroll_to_end()
            return (await stage.picture(None)).encode()


async def knowledge() -> bytes:
    """Answers as `ally -p --rag` gives them: what they cite is checked in real files."""
    with tempfile.TemporaryDirectory() as place:
        told = answers_from_files(Path(place))
        app = still(App({"HOME": place}, find_paths({"HOME": place}), None, False, print, {}))
        async with app.run_test(size=(COLUMNS, 20)) as pilot:
            stage = Stage(app, pilot)
            await stage.open(COLUMNS, 20, DARK)
            stage.screen.status.show(samples.HERE)
            for (asked, _), (result, notices) in zip(CITING, told, strict=True):
                stage.screen.transcript.user_said(asked)
                stage.tell(samples.STARTED, Notice(notices[0]), *samples.answered(result)[:-1])
                stage.tell(*map(Notice, notices[1:]), TurnFinished("end"))
            stage.screen.transcript.scroll_to_end()
            return (await stage.picture(None)).encode()


def answers_from_files(home: Path) -> list[tuple[str, list[str]]]:
    """The answer to each question of `CITING` as it is shown, and what is told around it."""
    folder, config = home / "house", home / ".config/ally/config.json"
    for one in (folder, config.parent):
        one.mkdir(parents=True)
    for name, text in HOUSE.items():
        (folder / name).write_text(text)
    with FakeOpenAI(models=["qwen3-4b"]) as fake:
        endpoint = {"base_url": fake.base_url, "api_key_env": "LAB_KEY", "default_model": fake.models[0]}
        config.write_text(json.dumps({"provider": "lab", "endpoints": {"lab": endpoint}}))
        fake.script(*(Reply(text=said) for _, said in CITING))
        _ally(home, "kb", "add", ".", "house")
        done = [_ally(home, "-p", asked, "--rag") for asked, _ in CITING]
    return [(one.stdout.strip(), one.stderr.splitlines()) for one in done]


def _ally(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "LAB_KEY": KEY, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "ally", *options]
    return subprocess.run(words, env=env, cwd=home / "house", capture_output=True, text=True, check=True)


async def in_browser() -> bytes:
    """`ally serve` in Chromium, with a question waiting."""
    with tempfile.TemporaryDirectory() as place, FakeOpenAI(models=["qwen3-4b"]) as fake:
        fake.script(
            Reply(text=ANSWER),
            Reply(text="I run them.", tool_calls=[("shell", {"command": "python -m pytest -q > report.txt"})]),
        )
        home, folder = Path(place), Path(place) / "shop"
        folder.mkdir()
        Trust(home / ".local/state/ally/trust.json").trust(folder)
        endpoint = {"base_url": fake.base_url, "api_key_env": "LAB_KEY", "default_model": fake.models[0]}
        config = home / ".config/ally/config.json"
        config.parent.mkdir(parents=True)
        config.write_text(json.dumps({"provider": "lab", "endpoints": {"lab": endpoint}}))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "ally", "serve"),
            env={"HOME": place, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "LAB_KEY": KEY, "PYTHONPATH": str(ROOT)},
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            said = process.stdout or asyncio.StreamReader()
            url = (await asyncio.wait_for(said.readline(), PATIENCE_S)).decode().strip()
            async with browser.opened(home / "profile") as tab:
                await tab.open(url)
                await tab.type("The discount should be in per cent. Are the tests right?\n")
                await asyncio.sleep(4)  # the page does not say when it has painted
                await tab.type("Run them all.\n")
                await asyncio.sleep(6)
                return await tab.picture()
        finally:
            process.send_signal(signal.SIGINT)
            await process.wait()


PICTURES = {
    "chat": ("chat.svg", chat),
    "knowledge": ("knowledge.svg", knowledge),
    "browser": ("browser.png", in_browser),
}

if __name__ == "__main__":
    SHOWN.mkdir(parents=True, exist_ok=True)
    for wanted in sys.argv[1:] or PICTURES:
        name, make = PICTURES[wanted]
        (SHOWN / name).write_bytes(asyncio.run(make()))
