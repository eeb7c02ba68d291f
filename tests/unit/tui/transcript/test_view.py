"""The transcript in an application of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.events import MouseScrollUp
from textual.pilot import Pilot
from textual.strip import Strip

from ally.errors import AllyError
from ally.events import (
    Compacted,
    MessageFinished,
    Notice,
    PermissionDenied,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolProgress,
    ToolRequested,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    UserSaid,
)
from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Image,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
    assistant,
    user,
)
from ally.terminal.text import clean
from ally.tui.look import Look
from ally.tui.transcript.block import Block
from ally.tui.transcript.said import MARK
from ally.tui.transcript.view import Transcript


class Host(App[None]):
    """Nothing but a transcript."""

    CSS = "Transcript { height: 1fr; }"

    def compose(self) -> ComposeResult:
        """The transcript."""
        yield Transcript()


@asynccontextmanager
async def open_transcript(columns: int = 40, rows: int = 10) -> AsyncIterator[tuple[Transcript, Pilot[None]]]:
    app = Host()
    async with app.run_test(size=(columns, rows)) as pilot:
        yield app.query_one(Transcript), pilot


def seen(transcript: Transcript) -> list[str]:
    return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]


def printed(transcript: Transcript, columns: int = 60) -> str:
    return "\n".join(strip.text.rstrip() for strip in transcript.printed(columns))


async def frame(pilot: Pilot[None]) -> None:
    """Wait for the next frame: its timer has run out, and then the message is seen to that the timer has sent."""
    await pilot.pause(0.06)
    await pilot.pause(0)


async def resize(transcript: Transcript, pilot: Pilot[None], columns: int, rows: int) -> None:
    """Give the terminal another size, and wait until it has come to the transcript."""
    await pilot.resize_terminal(columns, rows)
    while transcript.size != (columns, rows):
        await pilot.pause(0)
    await pilot.pause(0)


CALL = ToolCall("1", "read_file", {"path": "x.py"})


async def test_each_event_of_a_turn_is_shown() -> None:
    async with open_transcript(80, 40) as (transcript, pilot):
        transcript.user_said("hello\nthere", ["a.png"])
        transcript.add(TurnStarted("p", "m"))
        transcript.add(ThinkingDelta("hm "))
        transcript.add(TextDelta("One **mo"))
        transcript.add(TextDelta("ment**."))
        transcript.add(MessageFinished(assistant("One **moment**.")))
        for event in (ToolRequested(CALL), ToolProgress("1", "half\n"), ToolFinished(ToolResult("1", "done", "done"))):
            transcript.add(event)
        denied = ToolCall("2", "run", {"command": "rm"})
        transcript.add(ToolRequested(denied))
        transcript.add(PermissionDenied(denied, "rule", "the rules say no"))
        transcript.add(ToolFinished(ToolResult("2", "no", is_error=True)))
        transcript.add(UserSaid(user("also this")))
        transcript.add(Compacted(2000, 300, "the summary"))
        transcript.add(Notice("The service is busy.", 2.0))
        transcript.add(TurnFailed(AllyError("It broke", hint="ally --provider local")))
        transcript.add(TurnFinished("length"))
        transcript.add(TurnInterrupted())
        await frame(pilot)
        text = "\n".join(seen(transcript))
        order = [
            f"{MARK} hello\n    there\n    [a.png]", "thought for less than 1 s", "One moment.",
            "read_file x.py", "run rm",
            f"{MARK} also this", "about 2,000 tokens became 300", "(The service is busy in 2.0 s.)",
            "✗ It broke\n    → /provider local", "length limit", "(Stopped.)",
        ]  # fmt: skip
        places = [text.find(part) for part in order]
        assert -1 not in places, text
        assert places == sorted(places)
        assert "the summary" not in text


async def test_a_history_looks_like_the_turns_it_came_from() -> None:
    history: list[Message] = [
        UserMessage((Text("look"), Image(b"x" * 2048, "image/png"))),
        AssistantMessage((Thinking("hm"), Thinking("", redacted=True), Text("Fine."), CALL)),
        ToolMessage((ToolResult("1", "done", "done"),)),
        AssistantMessage((BadToolCall("3", "t", "{", "cut"),)),
        ToolMessage((ToolResult("3", "bad", is_error=True),)),
        assistant("# End"),
    ]  # fmt: skip
    async with open_transcript(60, 30) as (transcript, pilot):
        transcript.load(history)
        await frame(pilot)
        text = "\n".join(seen(transcript))
        for part in (
            f"{MARK} look",
            "[image/png, picture of an unknown kind, 2,048 bytes]",
            "▸ thought",
            "does not show it",
            "Fine.",
            "read_file x.py",
            "End",
        ):
            assert part in text
        assert "Fine." in printed(transcript)
        transcript.clear()
        await frame(pilot)
        assert not any(seen(transcript))
        transcript.say("again")
        await frame(pilot)
        assert "again" in "\n".join(seen(transcript))


async def test_it_follows_the_end_until_the_user_scrolls_and_says_what_is_below() -> None:
    async with open_transcript(60, 10) as (transcript, pilot):
        for number in range(100):
            transcript.add(TextDelta(f"line {number}\n\n"))
        await frame(pilot)
        assert seen(transcript)[-1].strip() == "line 99"
        transcript.page(-1)
        await frame(pilot)
        before = seen(transcript)
        assert f"↓ {transcript.rows_below} more" in before[-1]
        transcript.add(TextDelta("more\n\nand more\n\n"))
        await frame(pilot)
        assert seen(transcript)[:-1] == before[:-1]
        assert transcript.rows_below == 13
        transcript.page(1)
        transcript.page(1)
        await frame(pilot)
        assert seen(transcript)[-1].strip() == "and more"
        end = transcript.scroll_y
        transcript.post_message(MouseScrollUp(transcript, 5, 5, 0, -1, 0, False, False, False))
        await frame(pilot)
        assert transcript.scroll_y == end - 3
        transcript.scroll_home(animate=False)
        await frame(pilot)
        assert seen(transcript)[0].strip() == "line 0"
        transcript.scroll_to_end()
        transcript.add(TextDelta("last"))
        await frame(pilot)
        assert seen(transcript)[-1].strip() == "last"


async def test_rows_that_are_painted_before_they_are_measured_keep_their_height() -> None:
    async with open_transcript(80, 12) as (transcript, pilot):
        transcript.load([user(f"question {n}") for n in range(50)])
        for y in range(12):
            transcript.render_line(y)  # a frame of something else
        await frame(pilot)
        while transcript.scroll_y:
            transcript.page(-1)
        assert seen(transcript)[0].endswith("question 0")


async def test_what_is_in_sight_stays_when_the_width_changes_and_when_guesses_were_wrong() -> None:
    history = [
        message
        for n in range(100)
        for message in (user(f"question {n}"), assistant(f"answer {n} " + "word " * (n % 60)))
    ]
    async with open_transcript(80, 12) as (transcript, pilot):
        transcript.load(history)
        await frame(pilot)
        assert "answer 99" in "\n".join(seen(transcript))
        for _ in range(20):
            transcript.page(-1)
        await frame(pilot)
        for _ in range(60):
            transcript.select(-1)
        first = seen(transcript)[1].split()[:3]
        assert first[0] == "▌"
        assert first[1] in ("answer", "question", MARK)
        for columns in (79, 33, 20, 90, 140, 80):
            await resize(transcript, pilot, columns, 12)
            assert seen(transcript)[1].split()[:3] == first, columns
        lines: list[str] = seen(transcript)
        while transcript.scroll_y:
            above = lines
            transcript.page(-1)
            lines = seen(transcript)
            assert lines[-1][:20].rstrip() == above[0][:20].rstrip() or not transcript.scroll_y
        assert lines[0].strip().endswith("question 0")
        for size in ((20, 5), (300, 90), (1, 1), (2, 3), (9, 2), (80, 12)):
            await resize(transcript, pilot, *size)
            assert all(transcript.render_line(y).cell_length <= size[0] for y in range(size[1]))


async def test_blocks_are_selected_with_a_bar_and_opened() -> None:
    async with open_transcript(60, 20) as (transcript, pilot):
        transcript.user_said("hello")
        transcript.add(ThinkingDelta("deep thoughts"))
        transcript.add(TextDelta("answer"))
        transcript.add(TurnFinished("stop"))
        await frame(pilot)
        transcript.toggle()
        assert "deep thoughts" in "\n".join(seen(transcript))
        transcript.toggle()
        assert "deep thoughts" not in "\n".join(seen(transcript))
        transcript.select(-1)
        assert [line for line in seen(transcript) if line.startswith("▌")] == ["▌   answer"]
        transcript.select(-1)
        transcript.toggle()
        assert "▌   deep thoughts" in seen(transcript)
        transcript.select(1)
        transcript.select(1)
        assert transcript.selected is None
        assert not any(line.startswith("▌") for line in seen(transcript))
        transcript.thinking = "hidden"
        await frame(pilot)
        assert "thought" not in "\n".join(seen(transcript))
        transcript.thinking = "open"
        await frame(pilot)
        assert "deep thoughts" in "\n".join(seen(transcript))


async def test_text_that_was_dragged_over_is_copied_as_it_was_written() -> None:
    async with open_transcript(30, 20) as (transcript, pilot):
        transcript.user_said("hello")
        transcript.add(TextDelta("first words that are folded here, and\n```\nif x:\n    return\n```\nlast"))
        transcript.add(TurnFinished("stop"))
        await frame(pilot)
        before = transcript.render_line(2)
        await pilot.mouse_down(Transcript, offset=(2, 2))
        await pilot.hover(Transcript, offset=(14, 5))
        await pilot.mouse_up(Transcript, offset=(14, 5))
        copied = transcript.screen.get_selected_text()
        assert copied is not None
        assert copied.startswith("first words that are folded here, and\nif x:\n    retu")
        assert {segment.style for segment in transcript.render_line(2)} != {segment.style for segment in before}
        transcript.screen.clear_selection()


HOSTILE = (
    "[/INST] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \x1b]8;;http://x.test\x1b\\y \x1b[2J \x9b31m \u202eback\u2066 "
    "\ud800 \u2028 \x00\x08\r ![a](\x1b]0;t\x07) **b\x1b[0m** | a | \x85 e\u0301 👨\u200d👩"
)


def unclean(strips: Sequence[Strip]) -> list[str]:
    return [
        strip.text for strip in strips if clean(strip.text) != strip.text or "\n" in strip.text or "\t" in strip.text
    ]


async def test_hostile_text_in_every_kind_of_block_reaches_no_cell() -> None:
    async with open_transcript(50, 30) as (transcript, pilot):
        call = ToolCall("1", HOSTILE, {"path": HOSTILE})
        transcript.user_said(HOSTILE, [HOSTILE])
        transcript.say(HOSTILE)
        transcript.error(HOSTILE, HOSTILE)
        for event in (
            ThinkingDelta(HOSTILE), TextDelta(f"# {HOSTILE}\n- {HOSTILE}\n> {HOSTILE}\n```{HOSTILE}\n{HOSTILE}\n```\n"),
            TextDelta(f"| {HOSTILE} | b |\n|---|---|---|---|\n| {HOSTILE} |\n~~~python\n{HOSTILE}\n~~~"),
            ToolRequested(call), ToolProgress("1", HOSTILE), PermissionDenied(call, HOSTILE, HOSTILE),
            ToolFinished(ToolResult("1", HOSTILE, HOSTILE)), ToolRequested(BadToolCall("2", HOSTILE, HOSTILE, HOSTILE)),
            UserSaid(user(HOSTILE)), Compacted(1, 1, HOSTILE), Notice(HOSTILE, 1.0), TurnFailed(AllyError(HOSTILE)),
        ):  # fmt: skip
            transcript.add(event)
        transcript.thinking = "open"
        for block in list(transcript.blocks()):
            if block.can_open and not block.is_open:
                block.toggle()
                transcript.changed(block)
        await frame(pilot)
        assert not unclean([transcript.render_line(y) for y in range(30)])
        for columns in (1, 5, 50, 200):
            strips = list(transcript.printed(columns))
            assert not unclean(strips)
            assert all(strip.cell_length <= columns for strip in strips)
            assert not any(segment.style and segment.style.link for strip in strips for segment in strip)
        assert "[@click=app.quit]x" in printed(transcript, 200)
        assert pilot.app.is_running


class Wall(Block):
    """Counts how often it is drawn."""

    drawn = 0

    def lines(self, width: int, look: Look) -> Sequence[Strip]:
        """Three rows."""
        type(self).drawn += 1
        return [Strip([])] * 3

    def text(self) -> str:
        """Nothing."""
        return ""


async def test_only_what_is_in_sight_is_drawn() -> None:
    async with open_transcript(60, 20) as (transcript, pilot):
        for _ in range(2000):
            transcript.append(Wall())
        await frame(pilot)
        await resize(transcript, pilot, 50, 20)
        transcript.page(-1)
        transcript.scroll_home(animate=False)
        await frame(pilot)
        assert Wall.drawn < 60
