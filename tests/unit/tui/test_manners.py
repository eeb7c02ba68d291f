import os
import signal

from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from ally.tui.driver_output import Aside, TerminalFile
from ally.tui.manners import Manners, Wall, WithoutColors, describe_crash

BLACK = Color(0, 0, 0)


class Breaks(Manners):
    """An application whose first step fails while a key is at hand."""

    def on_mount(self) -> None:
        """Fail."""
        key = "sk-very-secret"
        raise ValueError(f"no room for {len(key)} characters\x1b[31m")


async def test_a_crash_says_where_and_not_what_variables_held():
    app = Breaks()
    try:
        async with app.run_test():
            pass
    except ValueError:
        pass
    assert app.crash is not None
    text = describe_crash(app.crash)
    assert "no room for 14 characters" in text
    assert "test_manners.py" in text
    assert "sk-very-secret" not in text.replace('key = "sk-very-secret"', "")
    assert "\x1b" not in text
    assert "site-packages" not in text


async def test_the_first_signal_leaves_in_order():
    app = Manners()
    async with app.run_test():
        app.wait_for_signals()
        os.kill(os.getpid(), signal.SIGTERM)
    assert app.ended_by == signal.SIGTERM


def test_the_wall_lets_text_through_and_nothing_that_a_terminal_obeys():
    plain = [Segment("word 日本 é"), Segment(" ", Style(bold=True))]
    assert Wall().apply(plain, BLACK) is plain
    bad = [Segment("a\x1b[2Jb\x9bc\u202ed\ud800e\tf", Style(bold=True))]
    assert Wall().apply(bad, BLACK) == [Segment("a[2Jbcde f", Style(bold=True))]


def test_without_colors_attributes_stay():
    line = [Segment("x", Style.parse("bold reverse red on #00ff00")), Segment("y")]
    styled, bare = WithoutColors().apply(line, BLACK)
    assert styled.style == Style.parse("bold reverse")
    assert bare == Segment("y")


def test_a_terminal_that_went_away_takes_no_text_and_raises_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        file = TerminalFile(writing)
        file.write("word \ud800")
        file.flush()
    finally:
        signal.signal(signal.SIGPIPE, before)
        os.close(writing)


def test_what_is_no_terminal_is_not_pointed_away(tmp_path):
    aside = Aside(tmp_path / "logs" / "screen.log")
    same = [os.fstat(number).st_ino for number in (1, 2)]
    aside.point_away()
    assert [os.fstat(number).st_ino for number in (1, 2)] == same
    aside.put_back()
