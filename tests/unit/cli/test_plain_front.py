"""What commands ask of plain lines, without a terminal, and the page that tells of them."""

import io
import re
import sys

import pytest

from ally.chat.commands.registry import COMMANDS
from ally.chat.front import Option
from ally.cli.attachments import attachments
from ally.cli.plain_front import PlainFront
from ally.cli.plain_lines import Lines
from ally.cli.plain_talk import LONG_S, ring_after
from ally.errors import UsageError
from ally.messages import Text, UserMessage
from ally.tui.composer.composer import KEYS
from ally.tui.screen import ChatScreen
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "plain.md").read_text(encoding="utf-8")
_NAMES = {"escape": "Esc", "pageup": "PageUp", "pagedown": "PageDown"}


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> Lines:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    return Lines()


async def test_where_nobody_can_be_asked_nothing_is_chosen_written_or_copied(monkeypatch, capsys):
    front = PlainFront(typed(monkeypatch, "1\n"))
    assert not front.can_ask
    assert await front.choose("Model", [Option("a", "a")]) is None
    assert await front.write("Message", "text") is None
    assert not front.copy("text")
    await front.settings()
    assert "ally config" in capsys.readouterr().err
    with pytest.raises(UsageError, match="no theme"):
        front.set_theme("ally-dark")


def test_what_is_sent_comes_before_what_waits():
    front = PlainFront()
    front.later.append("waits")
    front.send("now")
    assert list(front.later) == ["now", "waits"]


def test_a_text_that_is_given_back_begins_the_next_message_and_commands_leave_it(monkeypatch, capsys):
    lines = typed(monkeypatch, "/status\n!ls\nit\\\nnow\nother\n")
    PlainFront(lines).restore("Repair")
    assert "Your next message begins with:\nRepair\n" in capsys.readouterr().err
    assert [lines.message() for _ in range(4)] == ["/status", "!ls", "Repair it\nnow", "other"]
    with pytest.raises(EOFError):
        lines.message()


def test_an_empty_line_sends_what_was_given_back(monkeypatch):
    lines = typed(monkeypatch, "\nnext\n")
    lines.draft = "a.png "
    assert [lines.message(), lines.message()] == ["a.png ", "next"]


def test_what_goes_along_is_told_by_its_lines(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("one.py", "two.md"):
        (tmp_path / name).write_text("x")
    (tmp_path / "deep").mkdir()
    text = "See @one.py, @two.md and @deep/ but not @three.py or @alice"
    context = (
        "[The user attached one.py:]\n1\ta\n2\tb\n\n[The user attached two.md:]\n1\tc\n\n[The user attached deep/:]\n"
    )
    assert list(attachments(UserMessage((Text(text),), context), text)) == [
        "(attached: one.py, 2 lines; two.md, 1 line; deep/)",
        "(There is no three.py: sent as a word, nothing is attached for it.)",
    ]
    assert list(attachments(UserMessage((Text("hi"),)), "hi")) == []


def test_every_key_of_the_screen_has_its_row_on_the_page():
    first = "\n".join(line.split("|")[1] for line in _rows())
    bound = [key for binding in ChatScreen.BINDINGS for key in str(getattr(binding, "key", binding)).split(",")]
    composed = [key for keys, _ in KEYS for key in keys.split(",") if "\\" not in key]
    assert [key for key in map(_spelling, [*bound, *composed]) if key not in first] == []


def test_every_command_that_the_page_names_is_there():
    named = set(re.findall(r"`(/[a-z]+)", PAGE))
    assert named - set(COMMANDS) == set()
    assert len(named) > 10


def _rows() -> list[str]:
    return [line for line in PAGE.splitlines() if line.startswith("| ")]


def _spelling(key: str) -> str:
    """A key as people write it: `shift+tab` is Shift-Tab."""
    return "-".join(_NAMES.get(part, part.capitalize()) for part in key.strip().split("+"))


@pytest.mark.parametrize(
    ("seconds", "is_wanted", "is_terminal", "heard"),
    [(LONG_S + 1, True, True, "\a"), (LONG_S, True, True, ""), (99, False, True, ""), (99, True, False, "")],
)
def test_the_bell_ends_a_long_turn_where_it_is_wanted_and_can_be_heard(
    monkeypatch, seconds: float, is_wanted: bool, is_terminal: bool, heard: str
):
    terminal = io.StringIO()
    terminal.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stderr", terminal)
    ring_after(seconds, is_wanted=is_wanted)
    assert terminal.getvalue() == heard
