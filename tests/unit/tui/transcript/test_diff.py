"""Changes of files as lines of the transcript."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ally.tools.difference import unified
from ally.tui.look import Look
from ally.tui.transcript.diff import DiffBlock, diff_lines
from ally.tui.transcript.diff_rows import Texts, rows_of
from tests.unit.tui.transcript.hostile import TEXTS, WIDTHS, check

LOOK = Look()
GIT = """\
diff --git a/old.py b/new.py
similarity index 90%
rename from old.py
rename to new.py
index 0a07055..fe4654b 100644
--- a/old.py
+++ b/new.py
@@ -1,2 +1,2 @@ def f():
 same
-- a comment of SQL
+++ more
diff --git a/gone.txt b/gone.txt
deleted file mode 100644
index 0a07055..0000000
--- a/gone.txt
+++ /dev/null
@@ -1 +0,0 @@
-bye
\\ No newline at end of file
diff --git a/p.png b/p.png
new file mode 100644
index 0000000..fe4654b
Binary files /dev/null and b/p.png differ
"""
OURS = """\
created: a b.txt (mode 644 → 755)
--- /dev/null
+++ b/a b.txt
@@ -0,0 +1 @@
+hi
changed: x.bin
  (binary, 10 → 12 bytes)
"""


def shown(change, width=100, style="unified"):
    return [strip.text.rstrip() for strip in diff_lines(change, width, LOOK, style)]


def test_files_renamed_deleted_and_binary_are_named_and_lines_like_headers_stay_lines():
    assert shown(GIT) == [
        "old.py → new.py (renamed)",
        "@@ -1,2 +1,2 @@ def f():",
        "1 1   same",
        "2   - - a comment of SQL",
        "  2 + ++ more",
        "gone.txt (deleted)",
        "@@ -1 +0,0 @@",
        "1   - bye",
        "\\ No newline at end of file",
        "p.png (new)",
        "Binary files /dev/null and b/p.png differ",
    ]


def test_what_checkpoints_tell_is_read():
    assert shown(OURS) == [
        "a b.txt (mode 644 → 755) (created)",
        "@@ -0,0 +1 @@",
        "  1 + hi",
        "x.bin (changed)",
        "(binary, 10 → 12 bytes)",
    ]


def test_what_was_left_out_of_a_long_change_is_said():
    told = unified("", "".join(f"{n}\n" for n in range(2_000)), "a.txt")
    assert "1001 more lines" in shown(told)[-1].replace(",", "")


def test_wide_terminals_see_old_and_new_side_by_side_and_narrow_ones_do_not():
    change = Texts("one\ntwo\n", "one\nTWO\n", "a")
    rows = shown(change, 130, "auto")
    assert [row.split("│")[0].split() for row in rows[2:]] == [["1", "one"], ["2", "-", "two"]]
    assert [row.split("│")[1].split() for row in rows[2:]] == [["1", "one"], ["2", "+", "TWO"]]
    assert shown(change, 40, "side-by-side") == shown(change, 40, "unified")
    new = Texts("", "one\n", "a")
    assert shown(new, 130, "auto") == shown(new, 130, "unified"), "half a screen is not left empty"


def test_changed_words_stand_out_and_a_line_that_is_all_new_does_not():
    strips = diff_lines(Texts("value = old + 1\n", "value = new + 1\n"), 80, LOOK, "unified")
    marked = [segment.text for strip in strips for segment in strip if segment.style and segment.style.reverse]
    assert marked == ["old", "new"]
    strips = diff_lines(Texts("alpha beta\n", "quite different thing\n"), 80, LOOK, "unified")
    assert not [segment for strip in strips for segment in strip if segment.style and segment.style.reverse]


def test_line_ends_and_hidden_characters_are_seen():
    rows = shown(Texts("a\n", "a\r\nb\u202e\u200b"))
    assert rows[2:] == ["  1 + a␍", "  2 + b⟨U+202E⟩⟨U+200B⟩", "\\ No newline at end of file"]


def test_lines_of_unknown_place_have_no_numbers():
    assert shown(Texts("a\nb", "a\nc", first=0)) == [
        "  a",
        "- b",
        "\\ No newline at end of file",
        "+ c",
        "\\ No newline at end of file",
    ]
    assert shown(Texts("b\n", "c\n", first=12))[1:] == ["12    - b", "   12 + c"]


def test_ten_thousand_lines_are_made_only_when_looked_at():
    text = "\n".join(["@@ -1,5000 +1,5000 @@", *(f"-{n}" for n in range(5_000)), *(f"+{n}" for n in range(5_000))])
    block = DiffBlock(text)
    assert len(block.lines(100, LOOK)) == 10_001
    assert block.lines(100, LOOK) is block.lines(100, LOOK)
    assert block.lines(100, LOOK)[10_000].text.endswith("+ 4999")
    assert block.text() == text


LINES = st.lists(st.sampled_from(["a", "b", "c", "", " x", "@@", "--- y", "+"]), max_size=14).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(LINES, LINES)
def test_the_lines_shown_make_the_new_text_of_the_old(before, after):
    rows = rows_of(Texts(before, after))
    old, new, at = before.split("\n"), [], 1
    for row in rows:
        if row.kind in ("same", "removed"):
            new += old[at - 1 : row.old - 1]
            assert old[row.old - 1] == row.text
            at = row.old + 1
        if row.kind in ("same", "added"):
            new.append(row.text)
            assert len(new) == row.new
    assert [*new, *old[at - 1 :]][: after.count("\n") + bool(after.rpartition("\n")[2])] == (
        after.split("\n") if after.rpartition("\n")[2] else after.split("\n")[:-1]
    )


@settings(max_examples=30, deadline=None)
@given(TEXTS, TEXTS, WIDTHS, st.sampled_from(["auto", "unified", "side-by-side"]))
def test_no_text_leaves_its_columns_or_reaches_the_terminal(one, two, width, style):
    check(diff_lines(Texts(one, two, one), width, LOOK, style), width)
    check(diff_lines(one + "\n" + two, width, LOOK, style), width)
