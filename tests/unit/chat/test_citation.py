"""Places in files that an answer names."""

import pytest
from hypothesis import given, settings

from ally.chat.citation import MAX_FOUND, find_citations
from tests.unit.tui.transcript.hostile import TEXTS


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    for name in ("src/a.py", "näme.txt", "Makefile"):
        (folder / name).write_text("x\n")
    (tmp_path / "outside.py").write_text("x")
    (folder / "link.py").symlink_to(tmp_path / "outside.py")
    return folder


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("see src/a.py:12", (12, 12)),
        ("`src/a.py:12-20`,", (12, 20)),
        ("(src/a.py:12:5)", (12, 12)),
        ("src/a.py#L3", (3, 3)),
        ("[a](./src/a.py#L3-L9).", (3, 9)),
        ("src/a.py:20-12", (20, 20)),
    ],
)
def test_places_are_found_as_people_write_them(root, text, lines):
    (found,) = find_citations(text, root)
    assert (found.path, found.line_start, found.line_end) == (root / "src/a.py", *lines)
    assert "a.py" in text[found.start : found.end]


def test_only_files_that_are_there_and_under_the_folder_count(root):
    text = f"none.py:1 src:1 ../outside.py:1 link.py:1 {root.parent}/outside.py:1 src/a.py:0 src/a.py:x http://a.b:80/"
    assert find_citations(text, root) == []
    text = f"näme.txt:2 then Makefile:7 and {root}/src/a.py:1"
    assert [(one.path.name, one.line_start) for one in find_citations(text, root)] == [
        ("näme.txt", 2),
        ("Makefile", 7),
        ("a.py", 1),
    ]


def test_a_flood_of_places_is_bounded(root):
    assert len(find_citations("src/a.py:1 " * 5_000, root)) == MAX_FOUND
    assert find_citations("x" * 500_000 + " " + "a/" * 200_000 + ":1", root) == []


@settings(max_examples=50, deadline=None)
@given(TEXTS)
def test_no_text_is_too_strange_to_be_looked_through(tmp_path_factory, text):
    assert find_citations(f"{text}:1 {text}#L2 \x00:3", tmp_path_factory.getbasetemp()) == []
