"""What the terminal sends becomes keys and pastes, in whatever pieces it comes."""

import itertools
import time

from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from ally.tui.terminal_keys import TerminalKeys

_START, _END = "\x1b[200~", "\x1b[201~"


def _seen(messages: list[Message]) -> list[tuple[str, str]]:
    seen: list[tuple[str, str]] = []
    for message in messages:
        match message:
            case events.Key(key=key):
                seen.append(("key", key))
            case events.Paste(text=text):
                seen.append(("paste", text))
            case _:
                seen.append(("other", type(message).__name__))
    return seen


def _read(*pieces: str) -> list[tuple[str, str]]:
    parser = TerminalKeys()
    return _seen([message for piece in pieces for message in parser.feed(piece)])


@given(
    st.text(st.sampled_from("\x1b[201~ \r\nab;mR\x03\x7fé漢"), max_size=80).filter(
        lambda text: _END not in text + _END[:-1]
    ),
    st.lists(st.integers(0, 120), max_size=6),
)
def test_a_paste_is_one_text_and_presses_no_key(pasted: str, cuts: list[int]) -> None:
    sent = f"a{_START}{pasted}{_END}b"
    places = sorted({min(cut, len(sent)) for cut in cuts} | {0, len(sent)})
    pieces = [sent[start:end] for start, end in itertools.pairwise(places)]
    assert _read(*pieces) == [("key", "a"), ("paste", pasted), ("key", "b")]


def test_keys_beside_pastes_are_as_ever() -> None:
    assert _read("\x1b[A", f"\x1b[B{_START}x{_END}{_START}{_END}\r") == [
        ("key", "up"),
        ("key", "down"),
        ("paste", "x"),
        ("paste", ""),
        ("key", "enter"),
    ]
    assert _read("x\x1b\ry") == [("key", "x"), ("key", "alt+enter"), ("key", "y")]
    assert _read("\x1b[13;2u") == [("key", "shift+enter")]
    assert _read("\x1b[2", "0", "0~one", "\x1b[20", "1~z") == [("paste", "one"), ("key", "z")]


def test_escape_alone_is_a_key_after_a_while() -> None:
    parser = TerminalKeys()
    messages = list(parser.feed("\x1b"))
    assert messages == []
    while not messages:
        time.sleep(0.02)
        messages = list(parser.tick())
    assert _seen(messages) == [("key", "escape")]
    assert _seen(list(parser.feed(f"[{_START}p{_END}"))) == [("key", "left_square_bracket"), ("paste", "p")]
