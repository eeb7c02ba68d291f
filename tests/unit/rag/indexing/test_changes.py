from pathlib import Path

from ally.rag.extract.choosing import Candidate, Skipped
from ally.rag.indexing.changes import find_changes
from ally.rag.stores.base import FileState

CLOSED = "cannot be read: Permission denied"


def read(*paths: str) -> dict[str, FileState]:
    return {path: FileState(path, 5, 1, "abc") for path in paths}


def test_what_is_in_a_folder_that_cannot_be_looked_into_is_not_gone():
    before = read("/docs/a.md", "/docs/deep/b.md", "/docs/deep/er/c.md", "/docs/deeper.md")
    changes = find_changes([Candidate("/docs/a.md", 5, 1), Skipped("/docs/deep", CLOSED, is_closed=True)], before)
    assert changes.gone == ["/docs/deeper.md"]
    assert changes.closed == ["/docs/deep"]
    again = find_changes([Candidate(path, 5, 1) for path in before], before | {"/docs/deep": changes.newly_left_out[0]})
    assert (again.unchanged, again.gone, again.closed) == (4, ["/docs/deep"], [])


def test_a_closed_folder_of_which_nothing_was_read_is_only_skipped():
    changes = find_changes([Skipped("/docs/deep", CLOSED, is_closed=True)], {})
    assert (changes.closed, changes.left_out) == ([], [("/docs/deep", CLOSED)])


def test_a_file_that_moved_out_of_a_closed_folder_is_read_anew(tmp_path: Path):
    file = tmp_path / "b.md"
    file.write_text("words")
    changes = find_changes(
        [Candidate(str(file), 5, 1), Skipped("/docs/deep", CLOSED, is_closed=True)], read("/docs/deep/b.md")
    )
    assert (changes.to_read, changes.moved) == ([str(file)], [])
