"""The question before a call runs, on the screen: what is shown, which keys count, and what is never lost."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.events import Key, Paste
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from ally.engine.gate import Answer
from ally.events import Question
from ally.messages import ToolCall
from ally.tui.look import Look
from ally.tui.question import QuestionPanel
from ally.tui.quiet import Quiet

EVERY = ("once", "session", "project", "always")
NASTY = (
    "[bold red]x[/] [@click=app.quit]y[/] \x1b]8;;http://evil\x07\x1b[2J\r\b\x00\u202e\u200b\ud800\u2028e\u0301"
    "👩\u200d🚀漢\t" + " " * 60
)
LONG = "\n".join(f"echo {number}" for number in range(100))


class Composer(Vertical):
    """Stands where the real one does."""

    DEFAULT_CSS = "Composer { height: auto; } Composer TextArea { height: 3; border: none; }"

    def compose(self) -> ComposeResult:
        yield TextArea()


class Host(App[None]):
    """A screen with a question in it."""

    CSS = "#above { height: 1fr; } #status { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Question] = []

    def compose(self) -> ComposeResult:
        yield Static(id="above")
        yield QuestionPanel()
        yield Composer()
        yield Static(id="status")

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()

    def on_question_panel_asked(self, message: QuestionPanel.Asked) -> None:
        self.asked.append(message.question)


class Stage:
    """An app that runs, and a question asked in it."""

    def __init__(self, app: Host, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot
        self.panel = app.query_one(QuestionPanel)
        self.panel.quiet = Quiet(quiet_s=0.01, pause_s=0.05)
        self.composer = app.query_one(TextArea)

    def ask(self, question: Question) -> asyncio.Task[Answer]:
        return asyncio.ensure_future(self.panel.ask(question))

    async def open(self, question: Question) -> asyncio.Task[Answer]:
        """Ask, and wait until the keys answer."""
        asking = self.ask(question)
        await self.until_asked()
        return asking

    async def until_asked(self) -> None:
        while not self.panel.has_focus_within:  # noqa: ASYNC110 - the focus has no event of its own
            await asyncio.sleep(0.005)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.app.post_message(Key(key, {"space": " "}.get(key, key if len(key) == 1 else None)))
            if len(key) > 1:  # what moves the focus, or is an action, comes before the next one
                await self.pilot.pause()
        await self.pilot.pause()

    async def answer(self, question: Question, *keys: str) -> Answer:
        asking = await self.open(question)
        await self.press(*keys)
        return await asyncio.wait_for(asking, 5)

    @property
    def lines(self) -> list[str]:
        return ["".join(part.text for part in strip).rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@asynccontextmanager
async def stage(columns: int = 80, rows: int = 24) -> AsyncIterator[Stage]:
    app = Host()
    async with app.run_test(size=(columns, rows)) as pilot:
        yield Stage(app, pilot)


def shell(command: str = "make", **more: object) -> Question:
    args = {"command": command, "network": True}
    fields = {"reason": "it wants the network", "scopes": EVERY, "remember": ("shell(make)",), **more}
    return Question(ToolCall("c1", "shell", args), command, **fields)


async def test_the_keys_that_answer() -> None:
    async with stage() as it:
        for keys, answer in (
            (["y"], Answer(True)),
            (["S"], Answer(True, "session")),
            (["a"], Answer(True, "always")),
            (["n"], Answer(False)),
            (["escape"], Answer(False)),
            (["down", "down", "enter"], Answer(True, "project")),
            (["up", "up", "up", "enter"], Answer(False)),
            (["x", "space", "f", "2", "n"], Answer(False)),
            (["tab", "u", "s", "e", "space", "y", "enter"], Answer(False, message="use y")),
        ):
            assert await it.answer(shell(), *keys) == answer, keys
            assert not it.panel.is_open
            assert it.composer.has_focus
        asking = await it.open(shell(scopes=("once",)))
        await it.press("tab", "n", "escape", "s", "p", "a")
        assert not asking.done()
        asking.cancel()
        assert len(it.app.asked) == 10


async def test_everything_that_will_run_is_shown_and_what_each_answer_adds() -> None:
    async with stage() as it:
        question = shell("make [b]x[/b]\u202e", rule="ask make", touches=("has the network",))
        asking = await it.open(question)
        assert "make [b]x[/b]⟨U+202E⟩" in it.lines
        for part in ("Allow shell?", "with network: yes", "why: it wants the network", "y  yes, once"):
            assert part in it.text
        assert it.text.count("adds shell(make)") == 3
        assert "Composer" not in it.text
        await it.press("w")
        assert "decided by: ask make" in it.lines
        assert "has the network" in it.lines
        await it.press("w")
        assert "decided by: ask make" not in it.lines
        await it.press("y")
        assert await asking == Answer(True)


async def test_nothing_is_agreed_to_before_all_of_it_was_on_the_screen() -> None:
    async with stage() as it:
        asking = await it.open(shell(LONG))
        assert "lines not seen yet" in it.lines[it.lines.index("echo 0") - 1]
        await it.press("e", "x", "enter")
        assert not it.panel.query_one(TextArea).display, "its other arguments would be agreed to unseen"
        await it.press("y", "s", "enter")
        assert "Not all of it was shown yet" in it.text
        await it.press(*["v"] * 30)
        assert "echo 99" in it.lines
        await it.press("y")
        assert await asking == Answer(True)
        assert await it.answer(shell(LONG), "end", "s") == Answer(True, "session")
        assert await it.answer(shell(LONG), "n") == Answer(False)
        asking = await it.open(shell(LONG))
        await it.press("end", "home")
        await it.pilot.resize_terminal(40, 30)
        await it.press("y")
        assert await asking == Answer(True)


async def test_what_is_being_typed_is_kept_and_answers_nothing() -> None:
    async with stage() as it:
        it.panel.quiet = Quiet(quiet_s=0.01, pause_s=0.4)
        await it.press("h", "i")
        asking = it.ask(shell())
        await it.pilot.pause(0.05)
        assert it.panel.display
        await it.press("space", "y", "n", "enter", "a")
        assert "asked as soon as you stop typing" in it.text
        assert it.composer.text == "hi yn\na"
        assert not asking.done()
        await it.until_asked()
        assert it.composer.text == "hi yn\na"
        await it.press("y")
        assert await asking == Answer(True)
        assert it.composer.text == "hi yn\na"
        assert it.composer.has_focus


async def test_a_call_is_changed_before_it_runs() -> None:
    async with stage() as it:
        asking = await it.open(shell())
        await it.press("e", "enter")
        assert "Nothing was changed" in it.text
        await it.press("space", "x", "enter")
        assert await asking == Answer(True, edited={"command": "make x", "network": True})
        again = await it.open(shell(problem="Not allowed: never."))
        assert "Not allowed: never." in it.text
        assert "make x" in it.lines
        await it.press("backspace", "backspace", "ctrl+j", "l", "s", "ctrl+s")
        assert await again == Answer(True, edited={"command": "make\nls", "network": True})


async def test_other_arguments_are_changed_as_json_and_content_as_it_is() -> None:
    async with stage() as it:
        asking = await it.open(Question(ToolCall("c2", "edit", {"path": "a"}), "a", "why"))
        await it.press("e", "backspace", "ctrl+s")
        assert "end in the middle" in it.text
        await it.press("escape")
        assert "end in the middle" not in it.text
        await it.press("e")
        it.panel.query_one("Editor").text = '{"path": "b"}'
        await it.press("ctrl+s")
        assert await asking == Answer(True, edited={"path": "b"})
        content = Question(ToolCall("c3", "write", {"path": "a", "content": "x"}), "a", "why", preview="+x\n")
        asking = await it.open(content)
        await it.press("e", "enter", "tab", "z", "ctrl+s")
        assert await asking == Answer(True, edited={"path": "a", "content": "x\n\tz"})


async def test_a_change_names_its_file_once_and_is_laid_out_as_the_user_wants_it() -> None:
    change = "--- a/a.py\n+++ b/a.py\n@@ -1,9 +1,9 @@\n" + "".join(f" {n}\n" for n in range(8)) + "-old\n+new\n"
    async with stage(100, 30) as it:
        asking = await it.open(Question(ToolCall("c", "edit", {"path": "a.py"}), "a.py", "it changes a.py", change))
        assert [line.strip() for line in it.lines].count("a.py") == 1
        assert not any("old" in line and "new" in line for line in it.lines)
        it.panel.look = replace(Look(), diff="side-by-side")
        await it.pilot.pause()
        assert any("old" in line and "new" in line for line in it.lines)
        await it.press("w")
        assert "because it changes a.py" in it.lines, "what was asked for is in sight"
        await it.press("n")
        assert not (await asking).allowed


async def test_why_it_is_asked_is_told_without_jumping_over_lines_that_were_not_seen() -> None:
    async with stage(80, 14) as it:
        asking = await it.open(shell(LONG))
        await it.press("w", "y")
        assert "Not all of it was shown yet" in it.text
        await it.press("n")
        assert not (await asking).allowed


@pytest.mark.parametrize("size", [(20, 5), (40, 8), (60, 16), (300, 90)])
async def test_every_size_shows_the_action_and_the_answers(size: tuple[int, int]) -> None:
    async with stage(*size) as it:
        asking = await it.open(shell("rm -rf build"))
        assert "rm -rf build" in it.lines
        await it.press(*["v"] * 5)
        assert any(re.search(r"\by .*\bn\b|yes, once", line) for line in it.lines)
        await it.press("e")
        assert any(line.startswith("rm -rf build") for line in it.lines)
        await it.press("escape", "tab", "n", "o")
        assert "no" in it.lines
        await it.press("escape", "y")
        assert await asking == Answer(True)


async def test_resizing_while_it_is_open_hides_nothing() -> None:
    async with stage() as it:
        asking = await it.open(shell(LONG))
        for columns, rows in ((20, 5), (300, 90), (30, 10), (120, 40), (20, 5)):
            await it.pilot.resize_terminal(columns, rows)
            await it.pilot.pause()
            assert any("echo" in line for line in it.lines)
        asking.cancel()


async def test_questions_wait_for_each_other_and_a_cancelled_one_is_gone() -> None:
    async with stage() as it:
        first = await it.open(shell("first"))
        second = it.ask(shell("second"))
        await it.pilot.pause()
        assert "first" in it.lines
        first.cancel()
        await asyncio.wait({first})
        await it.until_asked()
        assert "second" in it.lines
        third = it.ask(shell("third"))
        await it.pilot.pause()
        third.cancel()
        await it.press("y")
        assert await second == Answer(True)
        await it.pilot.pause()
        assert (it.panel.is_open, it.panel.display) == (False, False)
        assert it.composer.has_focus
        quiet = it.ask(shell())
        await asyncio.sleep(0)
        quiet.cancel()
        await asyncio.wait({quiet})
        assert not it.panel.is_open


async def test_under_another_screen_it_waits() -> None:
    async with stage() as it:
        it.app.push_screen(ModalScreen())
        asking = it.ask(shell())
        await it.pilot.pause(0.1)
        await it.press("y")
        assert not asking.done()
        it.app.pop_screen()
        await it.until_asked()
        await it.press("y")
        assert await asking == Answer(True)


async def test_nothing_in_a_question_is_obeyed_by_the_terminal() -> None:
    args = {"path": NASTY, NASTY: [NASTY, {NASTY: NASTY}], "old": NASTY}
    diff = f"--- {NASTY}\n+++ {NASTY}\n@@ -1 +1 @@\n-{NASTY}\n+{NASTY}2\n"
    more = {"rule": NASTY, "touches": (NASTY, NASTY), "problem": NASTY, "scopes": EVERY, "remember": (NASTY,)}
    async with stage() as it:
        for preview in ("", diff):
            asking = await it.open(Question(ToolCall("c", NASTY, args), NASTY, NASTY, preview, **more))
            for key in ("w", "end", "e"):
                await it.press(key)
                assert not set(it.text) & set("\x1b\x07\r\b\x00\u202e\u200b\ud800\u2028"), key
            asking.cancel()
            await asyncio.wait({asking})


async def test_a_pasted_text_is_no_answer() -> None:
    async with stage() as it:
        asking = await it.open(shell())
        it.app.post_message(Paste("y\x1b[2J\nuse git"))
        await it.pilot.pause()
        await it.press("enter")
        assert await asking == Answer(False, message="y[2J use git")
