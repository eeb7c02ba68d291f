import os
import pty
import termios

import pytest

from ally.tui.lobby import Lobby, keys_of, shown, split


@pytest.mark.parametrize(
    ("typed", "text", "rest"),
    [
        (b"hello", "hello", b""),
        (b"helo\x7flo", "hello", b""),
        (b"\x7f\x7fa", "a", b""),
        (b"hi\rmore", "hi", b"\rmore"),
        (b"a\x1b[?2026;2$yb\x1b[I", "ab", b"\x1b[?2026;2$y\x1b[I"),
        (b"x\x1b[200~pasted\r\x1b[201~", "x", b"\x1b[200~pasted\r\x1b[201~"),
        ("日本é".encode(), "日本é", b""),
        ("日".encode()[:2], "", "日".encode()[:2]),
        (b"\x03", "", b"\x03"),
        ("a\u202eb".encode(), "a", "\u202eb".encode()),
    ],
)
def test_first_keys_are_text_and_the_rest_stays_bytes(typed: bytes, text: str, rest: bytes):
    assert split(typed) == (text, rest)
    assert shown(typed) == text


def test_answers_of_the_terminal_are_no_keys():
    assert keys_of(b"\x1b[?0u\x1b[12;3Ra\x1b[<35;1;2M") == b"a"


def test_the_terminal_is_as_it_was_after_the_lobby():
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    lobby = Lobby(theirs, theirs).open()
    assert not termios.tcgetattr(theirs)[3] & (termios.ECHO | termios.ICANON)
    os.write(ours, "grüß".encode())
    seen = b""
    while "grüß".encode() not in seen:
        seen += os.read(ours, 4096)
    assert lobby.close() == "grüß"
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def test_without_a_terminal_it_does_nothing():
    reading, writing = os.pipe()
    lobby = Lobby(reading, writing).open()
    assert lobby.close() == ""
    os.close(reading)
    os.close(writing)
