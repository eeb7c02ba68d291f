"""The chat's own screen: transcript, composer and status line, and what the keys do."""

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from ally.tui.composer.composer import KEYS as COMPOSER_KEYS
from ally.tui.composer.composer import Composer
from ally.tui.look import Look
from ally.tui.question import QuestionPanel
from ally.tui.status import StatusLine
from ally.tui.transcript.view import Transcript

if TYPE_CHECKING:
    from ally.app import App as Ally
    from ally.chat.start import Start
    from ally.config.settings import Tui
    from ally.tui.app import AllyApp
    from ally.tui.talking import Talking

TWICE_S = 1.5
"""So soon after the first a key counts as pressed twice."""


_KEYS = (
    Binding("escape", "stop", "stop, twice: rewind"),
    Binding("tab", "next_agent", "next agent"),
    Binding("shift+tab", "next_mode", "next permission mode"),
    Binding("ctrl+c", "give_up", "stop, clear, leave"),
    Binding("ctrl+d", "leave", "leave"),
    Binding("ctrl+o", "open", "open a card"),
    Binding("ctrl+t", "thinking", "thinking"),
    Binding("alt+up", "select(-1)", "block before"),
    Binding("alt+down", "select(1)", "block after"),
    Binding("pageup", "scroll_pages(-1)", "page up"),
    Binding("pagedown", "scroll_pages(1)", "page down"),
    Binding("ctrl+home", "scroll_to(0)", "first line"),
    Binding("ctrl+end", "scroll_to(1)", "last line"),
    Binding("ctrl+l", "redraw", "redraw"),
    Binding("f1", "command('/help')", "help"),
    Binding("f2", "command('/model')", "model"),
    Binding("f3", "command('/sessions')", "sessions"),
    Binding("f4", "command('/settings')", "settings"),
    Binding("f5", "command('/open')", "open a place that the answer names"),
)


class ChatScreen(Screen[None]):
    """Where the user talks. What runs behind it is `talking`, None until the chat is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [*_KEYS]

    def __init__(self, ally: "Ally", start: "Start", first: str) -> None:
        super().__init__()
        self.ally = ally
        self.start = start
        self.early = [first] if first else []
        """What is sent before somebody can see to it."""
        self.talking: Talking | None = None
        self._stopped_at = self._given_up_at = -TWICE_S

    def compose(self) -> ComposeResult:
        """Transcript, question, composer and status line, from top to bottom."""
        yield Transcript()
        yield QuestionPanel()
        yield Composer()
        yield StatusLine()

    @property
    def transcript(self) -> Transcript:
        """What was said and done."""
        return self.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        """Where the user writes."""
        return self.query_one(Composer)

    @property
    def status(self) -> StatusLine:
        """The last line."""
        return self.query_one(StatusLine)

    @property
    def question(self) -> QuestionPanel:
        """What is asked before a call runs."""
        return self.query_one(QuestionPanel)

    @property
    def keys(self) -> list[tuple[str, str]]:
        """The keys of the composer and of the screen, each with what it does."""
        return [(_named(key), help_) for key, help_ in (*COMPOSER_KEYS, *((one.key, one.description) for one in _KEYS))]

    @property
    def program(self) -> "AllyApp":
        """The application that this screen belongs to."""
        return cast("AllyApp", self.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves its result open

    def show_queue(self, texts: Sequence[str]) -> None:
        """Show what waits until the running turn is over."""
        self.composer.show_queue(texts)

    async def edited(self, text: str) -> str | None:
        """`text` as it comes back from the user's editor; None if it stays as it is."""
        from ally.tui.composer.outside import edit_outside  # heavy

        return await edit_outside(self.program, text)

    def on_mount(self) -> None:
        """Take keys at once; everything else comes after the first paint."""
        self.take_look(self.program.look)
        self.composer.focus()
        self.call_after_refresh(self._open)

    def take_look(self, look: Look) -> None:
        """Draw in these styles from now on."""
        self.transcript.look = self.question.look = look

    def take_settings(self, now: "Tui", before: "Tui | None" = None) -> None:
        """Show things as the user set it, as far as that was changed since `before`."""
        if before is None or now.thinking != before.thinking:
            self.transcript.thinking = now.thinking
        if self.program.diff != now.diff:
            self.program.diff = now.diff
            self.take_look(self.program.look)

    def _open(self) -> None:
        folder = Path.cwd()
        self.composer.root = folder
        self.composer.remember(self.ally.paths.state, folder, self._holds_key)
        self.run_worker(self._talk(), name="talking", exit_on_error=True)

    async def _talk(self) -> None:
        self.talking = (await asyncio.to_thread(_load))(self)
        await self.talking.run()

    def _holds_key(self, text: str) -> bool:
        return any(key in text for key in self.ally.keys.values())

    def on_question_panel_asked(self, message: QuestionPanel.Asked) -> None:
        """Call who is away."""
        self.status.busy("waiting for your answer", None)
        if self.talking is not None:
            self.talking.call_back(f"{message.question.call.name} waits for your answer.")

    def on_question_panel_answered(self, message: QuestionPanel.Answered) -> None:
        """Say what runs, if it does."""
        if self.talking is not None and self.talking.is_busy:
            self.talking.show_running(message.question.call)

    def on_composer_unqueue(self) -> None:
        """Give the newest of the texts that wait back."""
        if self.talking is not None and (text := self.talking.take_back()):
            self.composer.restore(text)

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        """Say it, or do it, in its turn."""
        if self.talking is None:
            self.early.append(message.text)
        else:
            self.talking.take(message.text)

    def action_stop(self) -> None:
        """Stop what runs; with nothing running, twice goes back to an earlier message."""
        if self.talking is None:
            return
        if self.talking.is_busy:
            self.talking.stop()
        elif self._is_second("_stopped_at"):
            self.talking.take("/rewind")

    def action_give_up(self) -> None:
        """Copy what is selected, else stop what runs, else clear the text; with nothing to do, twice leaves."""
        if selected := self.get_selected_text():
            self.program.copy_to_clipboard(selected)
            self.clear_selection()
        elif self.talking is not None and self.talking.is_busy:
            self.talking.stop()
        elif self.composer.text:
            self.composer.clear()
        elif self._is_second("_given_up_at"):
            self.action_leave()
        else:
            self.status.busy("Ctrl-C again leaves", None)
            self.set_timer(TWICE_S, self._forget)

    def _forget(self) -> None:
        """A key that was pressed once was meant once."""
        if self.talking is not None and self.talking.is_open and not self.talking.is_busy:
            self.status.busy("", None)

    def _is_second(self, name: str) -> bool:
        now = time.monotonic()
        is_second = now - getattr(self, name) < TWICE_S
        setattr(self, name, -TWICE_S if is_second else now)
        return is_second

    def action_leave(self) -> None:
        """Leave, if nothing is half-written."""
        if self.composer.text:
            return
        if self.talking is None:
            self.program.exit(0)
        else:
            self.talking.leave()

    def action_command(self, text: str) -> None:
        """Obey a slash command."""
        if self.talking is not None:
            self.talking.take(text)

    def action_next_agent(self) -> None:
        """Go on as the next agent."""
        if self.talking is not None:
            self.talking.next_agent()

    def action_next_mode(self) -> None:
        """Change what is allowed without asking."""
        if self.talking is not None:
            self.talking.next_mode()

    def action_open(self) -> None:
        """Open or close the selected card, else the newest."""
        self.transcript.toggle()

    def action_thinking(self) -> None:
        """Show all thinking, or fold it."""
        self.transcript.thinking = "folded" if self.transcript.thinking == "open" else "open"

    def action_select(self, step: int) -> None:
        """Select the block before or after."""
        self.transcript.select(step)

    def action_scroll_pages(self, pages: int) -> None:
        """Scroll the transcript; the composer keeps the focus."""
        self.transcript.page(pages)

    def action_scroll_to(self, end: int) -> None:
        """The first lines, or the last."""
        if end:
            self.transcript.scroll_to_end()
        else:
            self.transcript.scroll_home(animate=False)

    def action_redraw(self) -> None:
        """Paint everything anew, for terminals that something else has written on."""
        self.program.refresh(repaint=True, layout=True)


def _named(keys: str) -> str:
    """Keys as they stand on keyboards: Ctrl-O, Shift-Tab."""
    return re.sub(r"\b[a-z]", lambda first: first[0].upper(), keys.replace("+", "-"))


def _load() -> "type[Talking]":
    """What runs behind the screen; importing it takes as long as all the rest, so it is done in a thread."""
    from ally.tui.talking import Talking  # heavy

    return Talking
