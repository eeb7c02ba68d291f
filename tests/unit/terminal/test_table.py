"""Columns on terminals of any width."""

import pytest

from ally.terminal.table import columns, cut, hang, table, width

HEADER = ("NAME", "ORIGIN", "MODEL")
ROWS = [("lab", "endpoint", "a-model-with-a-long-name"), ("世界", "builtin", "m")]


def test_without_a_terminal_nothing_is_left_out():
    assert table(HEADER, ROWS, spare=["ORIGIN"])[1] == "lab   endpoint  a-model-with-a-long-name"


def test_spare_columns_go_before_text_is_cut():
    assert table(HEADER, ROWS, space=30, spare=["ORIGIN"]) == [
        "NAME  MODEL",
        "lab   a-model-with-a-long-name",
        "世界  m",
    ]
    assert table(HEADER, ROWS, space=20, spare=["ORIGIN"])[1] == "lab   a-model-with-…"


@pytest.mark.parametrize("space", range(20, 60))
def test_no_line_is_wider_than_the_terminal(space):
    assert all(width(line) <= space for line in table(HEADER, ROWS, space=space, spare=["ORIGIN"]))


def test_a_terminal_too_narrow_for_anything_gets_whole_words():
    assert "a-model-with-a-long-name" in table(HEADER, ROWS, space=5, spare=["ORIGIN"])[1]


def test_long_text_hangs_below_its_beginning():
    assert hang("ok  ", "one two three four", 16) == "ok  one two\n    three four"
    assert hang("ok  ", "one two three four", None) == "ok  one two three four"


def test_marks_and_the_blanks_in_their_place_line_up():
    lines = table(("  ID", "TITLE"), [("* b", "one"), ("  a", "two")])
    assert lines == ["  ID  TITLE", "* b   one", "  a   two"]


def test_a_cell_of_any_length_is_cut_at_once():
    assert cut("x" * 3_000_000, 10) == "x" * 9 + "…"
    assert cut("世界世界", 5) == "世界…"
    assert cut("世界", 4) == "世界"
    assert cut("e\u0301e\u0301", 2) == "e\u0301e\u0301"


def test_a_long_name_leaves_little_of_the_last_column_and_still_one_line():
    (line,) = columns([("x" * 62, "native", "this machine")], space=80)
    assert line.endswith("  native  this ma…")
    assert width(line) <= 80
