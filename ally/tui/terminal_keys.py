"""Keys and pastes out of what the terminal sends."""

from collections.abc import Generator, Iterable

from textual import events
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.message import Message

MAX_PASTE_CHARACTERS = 50_000_000
"""What is pasted beyond this is dropped."""

_ALT_ENTER = ("\x1b\r", "\x1b\n")


class TerminalKeys(XTermParser):
    """Textual's parser, with pastes taken out before it.

    It would read a paste character by character, and what follows an escape character in one as keys: a pasted text
    could press Enter. A paste may come in any number of pieces.
    """

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._begun = ""  # the last characters that went to the parser, where they are the beginning of a paste's mark
        self._pieces: list[str] | None = None
        self._size = 0
        self._rest = ""

    def feed(self, data: str) -> Iterable[Message]:
        """The keys and pastes that `data` completes; empty `data` is the end."""
        if not data:
            yield from super().feed(data)
        while data:
            if self._pieces is not None:
                data = yield from self._paste(data)
            else:
                data = yield from self._keys(data)

    def tick(self) -> Iterable[Message]:
        """The keys that are complete because nothing came after them."""
        for message in super().tick():
            self._begun = ""
            yield message

    def _keys(self, data: str) -> Generator[Message, None, str]:
        text = self._begun + data
        at = text.find(BRACKETED_PASTE_START)
        if at < 0:
            self._begun = _beginning(BRACKETED_PASTE_START, text)
            yield from super().feed(data)
            return ""
        if at < len(self._begun):
            self._forget_begun()
        elif before := text[len(self._begun) : at]:
            yield from super().feed(before)
        self._begun, self._pieces, self._size, self._rest = "", [], 0, ""
        return text[at + len(BRACKETED_PASTE_START) :]

    def _paste(self, data: str) -> Generator[Message, None, str]:
        text = self._rest + data
        at = text.find(BRACKETED_PASTE_END)
        if at < 0:
            self._rest = _beginning(BRACKETED_PASTE_END, text)
            self._keep(text[: len(text) - len(self._rest)])
            return ""
        self._keep(text[:at])
        pasted, self._pieces = "".join(self._pieces or ()), None
        yield events.Paste(pasted.replace("\x00", ""))
        return text[at + len(BRACKETED_PASTE_END) :]

    def _keep(self, text: str) -> None:
        if self._pieces is not None and self._size < MAX_PASTE_CHARACTERS:
            self._pieces.append(text[: MAX_PASTE_CHARACTERS - self._size])
            self._size += len(text)

    def _forget_begun(self) -> None:
        """Let the parser wait for a new key: it waits for the rest of the mark, which it does not get."""
        self._gen = self.parse(self._tokens.append)  # pyright: ignore[reportUnknownMemberType] - as in Textual
        self._awaiting = next(self._gen)
        self._timeout_time = None

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if sequence in _ALT_ENTER or (alt and sequence in "\r\n"):
            return (events.Key("alt+enter", None),)
        return super()._sequence_to_key_events(sequence, alt)


def _beginning(mark: str, text: str) -> str:
    """The end of `text` that may be the beginning of `mark`."""
    for size in range(min(len(mark) - 1, len(text)), 0, -1):
        if text.endswith(mark[:size]):
            return mark[:size]
    return ""
