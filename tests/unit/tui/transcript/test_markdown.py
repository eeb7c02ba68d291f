"""Markdown as it streams in: nothing is lost, nothing depends on how it was cut into pieces."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.terminal.text import clean
from ally.tui.look import Look
from ally.tui.transcript.leaves import Leaf
from ally.tui.transcript.markdown import LIMIT, Reader
from ally.tui.transcript.wrap import Row, plain

LOOK = Look()

LINES = st.sampled_from(
    [
        "# A heading", "## ", "Setext", "===", "---", "***", "plain words", "**bold** and *em* `code`", "- item",
        "  - nested", "12. number", "- ", "1) ```", "> quote", "> > deeper", ">", "```python", "```", "~~~", "    code",
        "| a | b |", "|---|:-:|", "| 1 | 2 | 3 |", "|", "<b>html</b>", "![pic](http://x.test/y)", "[a](http://x.test)",
        "[/INST]", "\tx", "", "", "日本語のテキスト", "e\u0301\u0301 👨\u200d👩\u200d👧 ok", "x" * 300, "word " * 500,
        "`open **mixed_ ~~", "__init__ a_b_c", "\\* \\[ \\|", "<!-- hidden? -->", "\x1b[31mred\x07", "a\u202eb\ud800c",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(LINES, max_size=30).map("\n".join),
    st.text(alphabet=st.sampled_from("ab *_`~[]()|#->!\\\n\t:日\u0301\u200d\ufe0f👍"), max_size=200),
    st.text(max_size=100),
)
WIDTHS = st.sampled_from([1, 2, 3, 7, 20, 80])


def leaves(*chunks: str) -> list[Leaf]:
    reader = Reader()
    for chunk in chunks:
        reader.feed(chunk)
    reader.end()
    return reader.done


def rows(text: str, width: int = 80) -> list[Row]:
    return [row for leaf in leaves(text) for row in leaf.rows(width, LOOK)]


def shown(text: str, width: int = 80) -> list[str]:
    return [row.text.rstrip() for row in rows(text, width)]


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 400), max_size=8), WIDTHS)
def test_any_text_in_any_pieces_gives_the_same_rows_none_too_wide_and_none_unclean(
    text: str, cuts: list[int], width: int
) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    streamed = Reader()
    for start, end in pairwise(places):
        streamed.feed(text[start:end])
        for leaf in streamed.unfinished():
            assert all(row.cell_length <= width for row in leaf.rows(width, LOOK))
    streamed.end()
    whole = leaves(text)
    assert streamed.done == whole
    for leaf in whole:
        for row in leaf.rows(width, LOOK):
            assert row.cell_length <= width
            assert clean(row.text) == row.text
            assert "\t" not in row.text
            assert "\n" not in row.text


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_every_word_is_shown(text: str) -> None:
    seen = "".join(plain([row]) for row in rows(text, 400))
    for word in re.findall(r"[^\W_]{2,}", clean(text)):
        assert word in seen


def test_blocks_look_like_themselves_without_their_marks() -> None:
    text = (
        "# Title ##\nA **b** *c* ~~d~~ `e_f` __init__ snake_case\n\n- one\n  - two\n    more\n3. three\n\n"
        "> said\n> > deeper\n\n---\n```py title=x\nif 1:\n\tpass\n```\nafter"
    )
    assert shown(text, 30) == [
        "Title",
        "A b c d e_f __init__",
        "snake_case",
        "",
        "• one",
        "  • two",
        "    more",
        "3. three",
        "",
        "│ said",
        "│ │ deeper",
        "",
        "─" * 30,
        "  py title=x",
        "  if 1:",
        "      pass",
        "after",
    ]


def test_links_and_pictures_show_where_they_lead_and_html_is_text() -> None:
    text = "[a **b**](http://x.test/?q=(1)) ![p](http://y.test/z.png) <b onclick=x>h</b> [http://z.test](http://z.test)"
    assert shown(text, 200) == ["a b (http://x.test/?q=(1)) ![p](http://y.test/z.png) <b onclick=x>h</b> http://z.test"]
    assert all(segment.style is None or not segment.style.link for row in rows(text) for segment in row)


def test_what_is_hard_for_emphasis_stays_as_it_was_written() -> None:
    for text in ("2 * 3 * 4", "a ** b", "**open", "snake_case_name __dunder__", "`open", "* * x", "\\(x\\) \\[y\\]"):
        assert shown(text) == [text.replace("* * x", "• • x")] or shown(text) == ["• * x"]
    assert shown("***both*** **a *b* c** \\*no\\*") == ["both a b c *no*"]


def test_tables_fit_the_width_and_become_lines_where_that_is_too_narrow() -> None:
    text = "| Name | Size |\n|:--|--:|\n| a `|` b \\| c | 12 |\n| long name that is folded | 3 | extra |"
    assert shown("| Name | Size |\n|:--|--:|\n| a \\| c | 12 |\n| b |") == [
        "Name  │ Size",
        "──────┼─────",
        "a | c │   12",
        "b     │",
    ]
    assert "Name: b" in shown("| Name | Size |\n|---|---|\n| b | 5 |", 9)
    assert max(row.cell_length for row in rows(text, 24)) <= 24
    assert "extra" in " ".join(shown(text))


def test_copied_rows_are_the_text_before_it_was_folded() -> None:
    words = "some words that do not fit into one row, and 日本語のテキスト that neither does"
    assert plain(rows(f"- {words}\n  more\n\n> {words}", 20)) == f"• {words}\nmore\n\n{words}"
    code = "value = " + "x" * 70 + "\n    indented"
    assert plain(rows(f"```\n{code}\n```", 20)) == code
    assert plain(rows("word " * 1000, 33)) == ("word " * 1000).strip()


@pytest.mark.parametrize(
    ("begin", "line"),
    [
        ("```python\n", "def f(): return 1\n"),
        ("| a | b |\n|---|---|\n", "| one | two |\n"),
        ("", "- item **bold**\n"),
        ("", "word **bold** and more. "),
        ("", "x"),
        ("> ", "text\n> "),
    ],
)
def test_what_is_drawn_again_for_each_frame_does_not_grow_with_the_answer(begin: str, line: str) -> None:
    reader = Reader()
    reader.feed(begin)
    most = 0
    for _ in range(20):
        reader.feed(line * 250)
        most = max(most, sum(len(row.text) for leaf in reader.unfinished() for row in leaf.rows(80, LOOK)))
    assert 0 < most <= 4 * LIMIT
    reader.end()
    assert sum(len(leaf.rows(80, LOOK)) for leaf in reader.done) >= 5000 * len(line) // 100


def test_rows_of_a_long_table_stay_aligned() -> None:
    text = "| a | b |\n|---|---|\n" + "| first column | 2 |\n" * 200
    assert {line.index("│") for line in shown(text) if "│" in line} == {13}
