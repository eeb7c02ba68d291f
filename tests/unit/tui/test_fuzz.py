"""Hostile text in every part of the screen: nothing crashes, and nothing of it is obeyed by the terminal."""

import asyncio
import random

from textual.app import ComposeResult
from textual.drivers.headless_driver import HeadlessDriver

from ally.chat.front import Option
from ally.chat.standing import Standing
from ally.errors import AllyError
from ally.events import (
    Notice,
    PermissionDenied,
    Question,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolProgress,
    ToolRequested,
    TurnFailed,
    TurnFinished,
)
from ally.messages import BadToolCall, ToolCall, ToolResult
from ally.tui.composer.composer import Composer
from ally.tui.composer.popup import Popup, Row
from ally.tui.manners import Manners
from ally.tui.picker import Picker
from ally.tui.question import QuestionPanel
from ally.tui.status import StatusLine
from ally.tui.transcript.diff import DiffBlock
from ally.tui.transcript.view import Transcript
from tests.painted import hostile, stray

TEXTS, AT_ONCE = 240, 60


class Recorder(HeadlessDriver):
    """Keeps what is written to the terminal."""

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self._app.written.append(data)


class Host(Manners):
    CSS = "Transcript { height: 1fr; } Composer, StatusLine { height: auto; }"

    def __init__(self) -> None:
        super().__init__(driver_class=Recorder)
        self.written: list[str] = []

    def compose(self) -> ComposeResult:
        yield Transcript()
        yield QuestionPanel()
        yield Composer()
        yield StatusLine()


def stream(transcript: Transcript, kind: type, text: str, chance: random.Random) -> None:
    while text:
        size = chance.randint(1, 12)
        transcript.add(kind(text[:size]))
        text = text[size:]


def tell(transcript: Transcript, text: str, number: int, chance: random.Random) -> None:
    """The text as one of the things that come with a turn."""
    call = ToolCall(
        f"c{number}", chance.choice(["shell", "edit", "write", "read", text]), {"command": text, text: [text]}
    )
    match number % 10:
        case 0:
            stream(transcript, TextDelta, text, chance)
            transcript.add(TurnFinished("end"))
        case 1:
            stream(transcript, ThinkingDelta, text, chance)
        case 2 | 3:
            transcript.add(ToolRequested(call))
            stream(transcript, lambda piece: ToolProgress(call.id, piece), text, chance)
            transcript.add(ToolFinished(ToolResult(call.id, text, text, is_error=chance.random() < 0.3)))
            transcript.toggle()
        case 4:
            transcript.add(ToolRequested(BadToolCall(call.id, text, text, text)))
            transcript.add(PermissionDenied(call, text, text))
        case 5:
            transcript.add(Notice(text, 1.0))
            transcript.add(TurnFailed(AllyError(text, hint=text)))
        case 6:
            transcript.user_said(text, [text])
        case 7:
            transcript.say(text)
            transcript.error(text, text)
        case 8:
            edits = [{"old": text, "new": f"{text}\n{text[::-1]}"}]
            edit = ToolCall(call.id, "edit", {"path": text, "edits": edits})
            transcript.add(ToolRequested(edit))
            transcript.add(ToolFinished(ToolResult(edit.id, "", text)))
            transcript.toggle()
        case _:
            change = f"--- a/{text}\n+++ b/{text}\n@@ -1,1 +1,1 @@\n-{text}\n+{text} "
            transcript.append(DiffBlock(change))


async def test_hostile_text_anywhere_on_the_screen_is_only_ever_shown() -> None:
    chance = random.Random(20)
    texts = list(hostile(chance, TEXTS))
    app = Host()
    async with app.run_test(size=(100, 140), headless=False) as pilot:
        transcript, composer, status = app.query_one(Transcript), app.query_one(Composer), app.query_one(StatusLine)
        transcript.thinking = "open"
        for start in range(0, TEXTS, AT_ONCE):
            batch = texts[start : start + AT_ONCE]
            for number, text in enumerate(batch, start):
                tell(transcript, text, number, chance)
            one, other = chance.choice(batch), chance.choice(batch)
            composer.insert(one)
            composer.show_queue([one, other])
            app.query_one(Popup).show_rows([Row(text, text, (0,), text) for text in batch[:8]], title=other)
            status.show(Standing(one, other, one))
            status.busy(other, 0.0)
            app.notify(one, title="Ally", markup=False)
            question = Question(
                ToolCall("q", other, {one: other}), one, other, one, ("once",), (one,), "", one, (other,)
            )
            asked = asyncio.create_task(app.query_one(QuestionPanel).ask(question))
            await pilot.pause(0.06)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            options = [Option(text, text, (text,), text, why_not=text) for text in batch[:20]]
            await app.push_screen(Picker(one, options, lambda value: value))
            await pilot.pause(0.06)
            await app.pop_screen()
            composer.clear()
            await pilot.resize_terminal(chance.choice([20, 60, 100, 140]), 140)
            transcript.clear()
        assert app.crash is None
    written = "".join(app.written)
    assert len(written) > TEXTS * 50
    assert "漢" in written
    assert stray(written, is_whole=True) == []
