"""Events and histories become blocks."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ally.chat.hints import in_chat
from ally.events import (
    CallEdited,
    Compacted,
    Event,
    MessageFinished,
    Notice,
    PermissionAsked,
    PermissionDenied,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolProgress,
    ToolRequested,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    UserSaid,
)
from ally.messages import AssistantMessage, BadToolCall, Image, Message, Text, ToolCall, ToolMessage, UserMessage
from ally.messages import Thinking as ThinkingPart
from ally.terminal.text import one_line
from ally.tui.transcript.block import Block
from ally.tui.transcript.parted import Growing
from ally.tui.transcript.said import ENDS, Failure, Remark, Said
from ally.tui.transcript.thinking import Folded, Thinking, View

if TYPE_CHECKING:
    from ally.tui.transcript.card import ToolCard


class Shown(Protocol):
    """Where blocks stand."""

    def append(self, block: Block) -> None:
        """One more."""
        ...

    def changed(self, block: Block) -> None:
        """It has other lines now."""
        ...


class Feed:
    """Knows which blocks still grow. `thinking` is how thinking is shown."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._growing: Growing | None = None
        self._cards: dict[str, ToolCard] = {}
        self.thinking: View = "folded"

    @property
    def running(self) -> "list[ToolCard]":
        """Cards of calls that have not ended."""
        return [card for card in self._cards.values() if card.is_running]

    def add(self, event: Event) -> None:
        """Show what `event` adds."""
        match event:
            case TextDelta(text):
                self._answer(text)
            case ThinkingDelta(text):
                self._think(text)
            case (
                PermissionAsked()
                | CallEdited()
                | PermissionDenied()
                | ToolProgress()
                | ToolFinished()
                | ToolRequested()
            ):
                self._tool(event)
            case MessageFinished():
                self._end()
            case UserSaid(message):
                self._said(message)
            case Compacted(before, after, summary):
                line = f"(The conversation was summarised: about {before:,} tokens became {after:,}.)"
                self._add(Folded(line, summary))
            case Notice(text, retry_in_s):
                self._add(Remark(_notice(one_line(text), retry_in_s), "dim", is_tight=True))
            case TurnFinished() | TurnFailed() | TurnInterrupted():
                self._over(event)
            case _:
                pass

    def load(self, messages: Sequence[Message]) -> None:
        """A history as if it happened now."""
        for message in messages:
            match message:
                case UserMessage():
                    self._said(message)
                case AssistantMessage():
                    for part in message.shown_parts:
                        self._part(part)
                case ToolMessage(results):
                    for result in results:
                        self._tool(ToolFinished(result))
        self._stop()

    def pictures(self, message: UserMessage) -> None:
        """The pictures that go along with a message."""
        for image in (part for part in message.parts if isinstance(part, Image)):
            from ally.tui.transcript.picture import Picture  # late: few messages hold pictures

            picture = Picture(image.data, image.media_type)
            picture.changed = partial(self._shown.changed, picture)
            self._add(picture)

    def _said(self, message: UserMessage) -> None:
        self._add(Said(message.text))
        self.pictures(message)

    def clear(self) -> None:
        """Nothing grows or runs any more."""
        self._growing = None
        self._cards.clear()

    def _part(self, part: Text | ThinkingPart | ToolCall | BadToolCall) -> None:
        match part:
            case Text(text):
                if text.strip():
                    from ally.tui.transcript.answer import Answer  # heavy

                    self._add(Answer(text))
            case ThinkingPart(text, redacted=redacted):
                if text.strip() or redacted:
                    self._add(Thinking(text, view=self.thinking, is_redacted=redacted))
            case ToolCall() | BadToolCall():
                self._tool(ToolRequested(part))

    def _answer(self, text: str) -> None:
        from ally.tui.transcript.answer import Answer  # heavy

        if not isinstance(self._growing, Answer):
            self._begin(Answer())
        self._grow(text)

    def _think(self, text: str) -> None:
        if not isinstance(self._growing, Thinking):
            self._begin(Thinking(view=self.thinking))
        self._grow(text)

    def _begin(self, block: Growing) -> None:
        self._add(block)
        self._growing = block

    def _grow(self, text: str) -> None:
        if self._growing is not None:
            self._growing.add(text)
            self._shown.changed(self._growing)

    def _end(self) -> None:
        if self._growing is not None:
            self._growing.end()
            self._shown.changed(self._growing)
            self._growing = None

    def _add(self, block: Block) -> None:
        self._end()
        self._shown.append(block)

    def _tool(
        self, event: ToolRequested | PermissionAsked | CallEdited | PermissionDenied | ToolProgress | ToolFinished
    ) -> None:
        match event:
            case ToolRequested(call):
                from ally.tui.transcript.card import ToolCard  # heavy

                card = self._cards[call.id] = ToolCard(call)
                card.is_tight = True
                card.on_change = partial(self._shown.changed, card)
                self._add(card)
                return
            case PermissionAsked(question):
                if card := self._cards.get(question.call.id):
                    card.asked(question)
            case CallEdited(call):
                if card := self._cards.get(call.id):
                    card.edited(call)
            case PermissionDenied(call, rule, reason):
                if card := self._cards.get(call.id):
                    card.denied(rule, reason)
            case ToolProgress(call_id, text):
                if card := self._cards.get(call_id):
                    card.progress(text)
            case ToolFinished(result):
                if card := self._cards.pop(result.call_id, None):
                    card.finish(result)
        if card:
            self._shown.changed(card)

    def _over(self, event: TurnFinished | TurnFailed | TurnInterrupted) -> None:
        self._end()
        self._stop()
        match event:
            case TurnFinished(reason):
                if reason in ENDS:
                    self._add(Remark(ENDS[reason], "warning"))
            case TurnFailed(error):
                self._add(Failure(error.message, in_chat(error.hint or "")))
            case TurnInterrupted():
                self._add(Remark("(Stopped.)", "warning"))

    def _stop(self) -> None:
        """No end of a call comes any more."""
        for card in self._cards.values():
            card.stop()
            self._shown.changed(card)
        self._cards.clear()


def _notice(text: str, retry_in_s: float | None) -> str:
    return f"({text})" if retry_in_s is None else f"({text.removesuffix('.')} in {retry_in_s:.1f} s.)"
