"""The line that says what answers, where, with which rights and at what cost, and what runs now."""

import time
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.text import Text
from textual.app import App
from textual.widgets import Static

from ally.chat.standing import Standing
from ally.tui.status import StatusLine
from ally.tui.status_parts import busy_parts, fitted, parts_of
from ally.tui.themes import THEMES
from tests.snapshots.samples import FAR as SPENT
from tests.snapshots.samples import HERE

FAR = replace(SPENT, input_tokens=0, output_tokens=0)
HOSTILE = [
    "\x1b[31mred",
    "[bold]x[/]",
    "a\nb",
    "\u202eleft",
    "\ud800",
    "名前" * 40,
    "e\u0301" * 60,
    "👩\u200d👧" * 9,
    "",
]


class Counted(StatusLine):
    """A status line that counts how often it is painted."""

    painted = 0

    def render(self) -> Text:
        self.painted += 1
        return super().render()


class Host(App[None]):
    """An app with a status line below something else."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Counted()
        for theme in THEMES.values():
            self.register_theme(theme)

    def compose(self):
        yield Static("chat")
        yield self.line

    def on_mount(self) -> None:
        self.query_one(Static).styles.height = "1fr"

    def rows(self) -> list[str]:
        rows = [strip.text.strip() for strip in self.screen._compositor.render_strips()]
        return [row for row in rows[1:] if row]


def said(now: Standing, columns: int, lines: int = 1) -> list[str]:
    return [" · ".join(text for text, _ in row) for row in fitted(parts_of(now), columns, lines)]


def test_all_of_it_is_said_where_there_is_room():
    assert said(HERE, 200) == [
        "general · ollama:qwen3:8b this machine · ask · sandbox A · 12 % of 32k"
        " · 1.2k↑ 300↓ · reuse 96 % · left: nothing"
    ]
    assert said(FAR, 200) == [
        "code_gen · openai:gpt-5-mini cloud · ! bypass · no sandbox · ! 94 % of 256k"
        " · left: 3.2 MB to the cloud, 3 kB to your network"
    ]


@pytest.mark.parametrize("columns", [*range(1, 30), 40, 59, 60, 80, 120, 300])
def test_it_never_wraps_and_what_matters_goes_last(columns: int):
    for now, text in ((HERE, ""), (FAR, "shell: make"), (Standing("a", "p", "m"), "thinking")):
        busy = busy_parts(text, "*", 12, None) if text else []
        for lines in (1, 2):
            rows = fitted([*busy, *parts_of(now)], columns, lines)
            assert len(rows) <= lines
            for row in rows:
                assert sum(cell_len(part) for part, _ in row) + 3 * (len(row) - 1) <= max(columns, 1)
    if columns >= 16:
        (line,) = said(FAR, columns)
        assert "! bypass" in line
        assert "cloud" in line


def test_what_leaves_the_machine_is_told_before_what_is_merely_nice():
    assert said(HERE, 70) == ["general · ollama:qwen3:8b this machine · ask · sandbox A · 12 % of 32k"]
    assert "left: 3.2 MB" in said(FAR, 95)[0]


def test_the_cost_is_told_where_it_is_known_and_gives_way_to_the_window():
    def said(columns: int, **known: float | bool) -> str:
        rows = fitted(parts_of(replace(FAR, mode="ask", used_tokens=9_000, **known)), columns, 1)
        return " · ".join(text for row in rows for text, _ in row)

    assert "about $1.20" in said(200, cost=1.2)
    assert "≥ $0.031" in said(200, cost=0.031, is_cost_whole=False)
    assert not any("$" in said(200, cost=cost) for cost in (0.0, None))
    narrow = next(text for text in (said(columns, cost=1.2) for columns in range(200, 10, -1)) if "$" not in text)
    assert "4 % of 256k" in narrow
    assert "↑" not in narrow


def test_a_wait_counts_down_and_work_counts_up():
    assert busy_parts("Busy. Trying again.", "", None, 3)[0].forms[0] == "Busy, again in 3 s"
    assert busy_parts("rate limited", "", None, 3)[0].forms[0] == "rate limited, again in 3 s"
    assert busy_parts("shell", "*", 75, None)[0].forms[0] == "* shell 1:15 min"
    assert busy_parts("shell", "", 0, None)[0].forms[0] == "shell"


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_reach_the_terminal_or_break_the_line(name: str):
    now = Standing(agent=name, provider=name, model=name, location="cloud", mode="ask")
    for columns in (8, 20, 100):
        for row in fitted([*busy_parts(name, "*", 1, None), *parts_of(now)], columns, 1):
            text = "".join(part for part, _ in row)
            assert text.isprintable() or "\u200d" in text
            assert not set("\x1b\n\u202e\ud800") & set(text)


async def test_the_line_follows_the_size_and_what_runs():
    app = Host()
    async with app.run_test(size=(120, 24)) as pilot:
        app.line.show(HERE)
        app.line.busy("[shell] make", time.monotonic() - 5)
        await pilot.pause(0.15)
        assert len(app.rows()) == 1
        assert "[shell] make 5 s · general" in app.rows()[0]
        app.line.busy("rate limited", None, time.monotonic() + 60)
        await pilot.pause(0.15)
        assert "rate limited, again in 60 s" in app.rows()[0]
        app.line.busy("", None)
        await pilot.resize_terminal(50, 24)
        await pilot.pause(0.15)
        assert len(app.rows()) == 2
        for size in ((50, 8), (20, 5), (300, 90)):
            await pilot.resize_terminal(*size)
            await pilot.pause(0.12)
            assert len(app.rows()) == 1


async def test_it_is_painted_seldom_and_not_at_all_while_nothing_runs(monkeypatch: pytest.MonkeyPatch):
    app = Host()
    async with app.run_test(size=(80, 10)) as pilot:
        for used in range(200):
            app.line.show(replace(HERE, used_tokens=used * 100))
            await pilot.pause(0)
        await pilot.pause(0.25)
        assert app.line.painted < 100
        assert "61 %" in app.rows()[0], "what was shown last"
        app.line.busy("thinking", time.monotonic())
        await pilot.pause(0.3)
        app.line.busy("", None)
        await pilot.pause(0.2)
        painted = app.line.painted
        await pilot.pause(0.4)
        assert app.line.painted == painted
        monkeypatch.setenv("NO_MOTION", "1")
        app.line.busy("thinking", time.monotonic() - 3)
        await pilot.pause(0.15)
        assert app.rows()[0].startswith("thinking 3 s")
