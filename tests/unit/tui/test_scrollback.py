from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ally.tui.look import Look
from ally.tui.scrollback import as_text, last_lines
from ally.tui.transcript.block import Block


class Lines(Block):
    """So many lines, counted when they are made."""

    made = 0

    def __init__(self, name: str, count: int) -> None:
        self.name, self.count = name, count

    def lines(self, width: int, look: Look) -> list[Strip]:
        """Name and number."""
        type(self).made += self.count
        return [Strip([Segment(f"{self.name}{number}")]) for number in range(self.count)]

    def text(self) -> str:
        """Nothing."""
        return ""


def test_blocks_stand_apart_and_in_order():
    lines = last_lines([Lines("a", 2), Lines("b", 0), Lines("c", 1)], 80, Look())
    assert [line.text for line in lines] == ["a0", "a1", "", "c0"]


def test_of_a_long_transcript_only_the_end_is_made_and_that_is_said():
    Lines.made = 0
    lines = [line.text for line in last_lines([Lines("x", 100) for _ in range(1000)], 80, Look(), most=150)]
    assert "left out" in lines[0]
    assert lines[-2:] == ["x98", "x99"]
    assert len(lines) == 151
    assert Lines.made == 200


def test_styles_are_written_out_and_what_a_terminal_obeys_is_not():
    red = Style(color="red", bold=True, link="https://example.com")
    line = Strip([Segment("a\x1b[2J", red), Segment("b\x07")])
    assert list(as_text([line], ColorSystem.STANDARD)) == ["\x1b[1;31ma[2J\x1b[0mb"]
    assert list(as_text([line], None)) == ["\x1b[1ma[2J\x1b[0mb"]
