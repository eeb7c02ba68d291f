"""Who gets plain lines."""

import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from ally.cli.args import parse
from ally.cli.choosing import wants_plain

SCREEN = {"TERM": "xterm-256color"}


def plain(terminal: IO[bytes], *argv: str, is_set: bool = False, **env: str) -> bool:
    """Whether these get plain lines with `terminal` as standard input and output."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", terminal)
        patch.setattr(sys, "stdout", terminal)
        return wants_plain(parse(argv), {**SCREEN, **env}, lambda: is_set)


@pytest.fixture
def terminal() -> Iterator[IO[bytes]]:
    person, program = pty.openpty()
    with os.fdopen(program, "r+b", buffering=0) as raw:
        yield raw
    os.close(person)


def test_a_terminal_that_can_be_painted_is(terminal):
    assert not plain(terminal)
    assert not plain(terminal, ALLY_PLAIN="0", is_set=True)


def test_each_wish_for_plain_lines_is_enough(terminal):
    assert plain(terminal, "--plain")
    assert plain(terminal, "--screen-reader")
    assert plain(terminal, ALLY_PLAIN="1")
    assert plain(terminal, ALLY_PLAIN="yes please")
    assert plain(terminal, is_set=True)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_whose_cursor_cannot_be_moved_gets_plain_lines(terminal, term: str):
    assert plain(terminal, TERM=term, ALLY_PLAIN="0")


def test_without_a_terminal_the_settings_are_not_read():
    with Path(os.devnull).open("rb") as nowhere:
        assert plain(nowhere)
        assert not plain(nowhere, TEXTUAL_DRIVER="somebody.elses:Driver")
