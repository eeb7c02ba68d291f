"""Who gets plain lines."""

import os
import pty
import sys
from collections.abc import Iterator

import pytest

from ally.cli.args import parse
from ally.cli.choosing import wants_plain

SCREEN = {"TERM": "xterm-256color"}


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    person, program = pty.openpty()
    with os.fdopen(program, "r+b", buffering=0) as raw:
        monkeypatch.setattr(sys, "stdin", raw)
        monkeypatch.setattr(sys, "stdout", raw)
        yield
    os.close(person)


def plain(*argv: str, is_set: bool = False, **env: str) -> bool:
    return wants_plain(parse(argv), {**SCREEN, **env}, lambda: is_set)


@pytest.mark.usefixtures("terminal")
def test_a_terminal_that_can_be_painted_is():
    assert not plain()
    assert not plain(ALLY_PLAIN="0", is_set=True)


@pytest.mark.usefixtures("terminal")
def test_each_wish_for_plain_lines_is_enough():
    assert plain("--plain")
    assert plain("--screen-reader")
    assert plain(ALLY_PLAIN="1")
    assert plain(ALLY_PLAIN="yes please")
    assert plain(is_set=True)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_whose_cursor_cannot_be_moved_gets_plain_lines(term: str):
    assert plain(TERM=term, ALLY_PLAIN="0")


def test_where_there_is_no_terminal_nothing_is_asked(monkeypatch: pytest.MonkeyPatch):
    with open(os.devnull) as nowhere:  # noqa: PTH123 - a stream
        monkeypatch.setattr(sys, "stdin", nowhere)
        assert wants_plain(parse([]), SCREEN, lambda: pytest.fail("the settings were read"))
        assert not plain(TEXTUAL_DRIVER="somebody.elses:Driver")
