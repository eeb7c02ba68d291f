"""What the user said and what Ally says: as it is, whatever it is."""

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ally.terminal.text import clean
from ally.tui.look import Look
from ally.tui.transcript.parted import PlainReader
from ally.tui.transcript.said import MARK, Failure, Remark, Said
from ally.tui.transcript.thinking import Folded, Thinking
from ally.tui.transcript.wrap import plain

LOOK = Look()
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(["a line", "", "\tx", "[/INST] **b**", "word " * 450, "日本語" * 700, "\x1b[31mz"]), max_size=3
    ).map("\n".join),
)


@settings(max_examples=30, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 3000), max_size=5), st.sampled_from([2, 12, 40]))
def test_any_text_in_any_pieces_gives_the_same_rows_and_keeps_every_word(
    text: str, cuts: list[int], width: int
) -> None:
    whole, streamed = PlainReader("text", "> ", "  "), PlainReader("text", "> ", "  ")
    whole.feed(text)
    for start, end in pairwise(sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})):
        streamed.feed(text[start:end])
        assert all(row.cell_length <= width for leaf in streamed.unfinished() for row in leaf.rows(width, LOOK))
    whole.end()
    streamed.end()
    assert streamed.done == whole.done
    rows = [row for leaf in whole.done for row in leaf.rows(width, LOOK)]
    assert all(row.cell_length <= width and clean(row.text) == row.text for row in rows)
    if width == 40:
        seen = plain(rows)
        assert all(word in seen for word in re.findall(r"[^\W_]{2,}", clean(text)))


def shown(block: Said | Remark | Failure | Folded, width: int = 30) -> list[str]:
    return [row.text.rstrip() for row in block.lines(width, LOOK)]


def test_marks_of_markdown_are_kept_and_columns_stay_columns() -> None:
    assert shown(Said("**not** bold\n  # no title", ["x.png"])) == [
        f"{MARK} **not** bold",
        "    # no title",
        "  [x.png]",
    ]
    assert shown(Remark("NAME   SIZE\n  a      1")) == ["NAME   SIZE", "  a      1"]
    assert shown(Failure("It broke\nbadly", "mend it")) == ["✗ It broke", "  badly", "  → mend it"]
    assert shown(Said("")) == [MARK]


def test_of_a_long_message_the_beginning_is_shown_until_it_is_opened() -> None:
    text = "\n".join(f"line {number}" for number in range(300))
    said = Said(text, ["x.png"])
    assert shown(said) == [f"{MARK} line 0", *(f"  line {number}" for number in range(1, 10)), "▸ 291 more lines"]
    assert said.text().startswith(text)
    said.toggle()
    assert shown(said)[-2:] == ["  line 299", "  [x.png]"]
    assert not Said("\n".join("abc")).can_open


def test_a_folded_text_is_one_line_until_it_is_opened_and_copied_whole() -> None:
    thinking = Thinking()
    thinking.add("one ")
    assert shown(thinking) == ["▸ thinking …"]
    thinking.add("two\nthree")
    thinking.toggle()
    assert shown(thinking) == ["▾ thinking …", "  one two", "  three"]
    thinking.end()
    assert shown(thinking) == ["▾ thought for less than 1 s", "  one two", "  three"]
    assert thinking.text() == "one two\nthree"
    thinking.show("hidden")
    assert shown(thinking) == []
    assert shown(Folded("nothing behind")) == ["nothing behind"]
    assert not Folded("nothing behind").can_open
    assert shown(Thinking(is_redacted=True), 60) == ["thought, but the service does not show it"]
