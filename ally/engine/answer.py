"""An answer while it arrives: chunks in, one assistant message out."""

from dataclasses import dataclass, field

from ally.engine.repetition import Repetition
from ally.messages import AssistantMessage, AssistantPart, BadToolCall, Text, Thinking, ToolCall
from ally.providers.model import Chunk, Done, TextChunk, ThinkingChunk


@dataclass(slots=True)
class Answer:
    """Collects the chunks of one model call; neighbouring text and thinking are joined.

    `repeats`: what comes is nothing but repetition, and will not end by itself.
    """

    parts: list[AssistantPart] = field(default_factory=list[AssistantPart])
    done: Done | None = None
    repeats: bool = False
    _repetition: Repetition = field(default_factory=Repetition)
    _text: list[str] = field(default_factory=list[str])
    _thinking: list[str] = field(default_factory=list[str])

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk."""
        match chunk:
            case TextChunk(text):
                self._end_thinking()
                self._text.append(text)
                self.repeats = self._repetition.feed(text)
            case ThinkingChunk(text, signature, redacted):
                self._end_text()
                self._thinking.append(text)
                self.repeats = self._repetition.feed(text)
                if signature:
                    self._end_thinking(signature, redacted)
            case ToolCall() | BadToolCall():
                self._end()
                self.parts.append(chunk)
            case Done():
                self._end()
                self.done = chunk

    @property
    def calls(self) -> list[ToolCall | BadToolCall]:
        """The tool calls, in order."""
        return [part for part in self.parts if isinstance(part, ToolCall | BadToolCall)]

    @property
    def has_begun(self) -> bool:
        """Whether anything has arrived, so that asking again would repeat it."""
        return bool(self.parts or self._text or self._thinking)

    def clear(self) -> None:
        """Be ready for the next call of the model."""
        self.parts.clear()
        self.done, self.repeats = None, False
        self._repetition = Repetition()
        self._text.clear()
        self._thinking.clear()

    def message(self) -> AssistantMessage:
        """The whole answer."""
        self._end()
        return AssistantMessage(tuple(self.parts))

    def partial(self) -> AssistantMessage | None:
        """What can be kept of an answer that did not end: its text, None if there is none."""
        self._end()
        text = tuple(part for part in self.parts if isinstance(part, Text))
        return AssistantMessage(text) if text else None

    def _end(self) -> None:
        self._end_text()
        self._end_thinking()

    def _end_text(self) -> None:
        if self._text:
            self.parts.append(Text("".join(self._text)))
            self._text.clear()

    def _end_thinking(self, signature: str = "", redacted: bool = False) -> None:
        if self._thinking:
            self.parts.append(Thinking("".join(self._thinking), signature, redacted))
            self._thinking.clear()
