import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ally.errors import ContextTooLong, EmbedderChanged, KnowledgeError, Unreachable
from ally.rag.library import Library
from ally.rag.progress import Progress, Report, Watcher
from ally.rag.stores.embedded import EmbeddedShelf
from tests.embedders import WordEmbedder


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def library(tmp_path: Path, embedder: WordEmbedder):
    library = Library(
        open_shelf=lambda: EmbeddedShelf(tmp_path / "kb"),
        make_embedder=lambda: embedder,
        home=tmp_path,
        warn=pytest.fail,
        own_folders=(tmp_path / "kb",),
    )
    yield library
    library.close()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "router.md").write_text("# Router\n\nTo reset the router hold the red button for ten seconds.\n")
    (folder / "deep" / "garden.md").write_text("# Garden\n\nTomatoes want much water and little wind.\n")
    (folder / "plain.txt").write_text("The meeting moved to Friday at ten.\n")
    return folder


def counts(report: Report) -> tuple[int, ...]:
    return report.added, report.changed, report.moved, report.removed, report.unchanged


def texts(library: Library, name: str = "docs") -> dict[str, str]:
    with closing(library.shelf.open(name)) as collection:
        return {Path(one.path).name: one.passage.text for one in collection.each()}


def test_a_folder_is_read_and_embedded_and_the_second_run_finds_nothing_to_do(library, docs, embedder):
    report = library.add(docs, "docs")
    assert counts(report) == (3, 0, 0, 0, 0)
    assert report.is_complete
    assert report.embedded == report.passages == len(embedder.embedded) == 3
    assert counts(library.sync("docs")) == (0, 0, 0, 0, 3)
    assert len(embedder.embedded) == 3
    [facts] = library.collections()
    assert (facts.files, facts.passages, facts.embedded, facts.is_indexed) == (3, 3, 3, True)
    assert facts.roots == (str(docs),)


def test_only_what_changed_is_embedded_again(library, docs, embedder):
    library.add(docs, "docs")
    embedder.embedded.clear()
    (docs / "router.md").write_text("# Router\n\nHold the blue button.\n")
    assert counts(library.sync("docs")) == (0, 1, 0, 0, 2)
    [text] = embedder.embedded
    assert text.endswith("Hold the blue button.")
    assert "blue" in texts(library)["router.md"]
    assert "red button" not in " ".join(texts(library).values())


def test_a_file_whose_time_alone_changed_is_not_read_into_passages_again(library, docs, embedder):
    library.add(docs, "docs")
    embedder.embedded.clear()
    os.utime(docs / "router.md", (1, 1))
    assert counts(library.sync("docs")) == (0, 0, 0, 0, 3)
    assert embedder.embedded == []
    assert counts(library.sync("docs")) == (0, 0, 0, 0, 3)


def test_a_moved_file_keeps_its_vectors_and_a_deleted_one_is_gone(library, docs, embedder):
    library.add(docs, "docs")
    embedder.embedded.clear()
    (docs / "router.md").rename(docs / "deep" / "box.md")
    (docs / "plain.txt").unlink()
    assert counts(library.sync("docs")) == (0, 0, 1, 1, 1)
    assert embedder.embedded == []
    assert set(texts(library)) == {"box.md", "garden.md"}


def test_a_root_that_is_not_there_loses_nothing(library, docs, tmp_path):
    library.add(docs, "docs")
    docs.rename(tmp_path / "unmounted")
    report = library.sync("docs")
    assert counts(report) == (0, 0, 0, 0, 0)
    assert report.problems == [f"{docs} is not there; what was read of it is kept."]
    assert len(texts(library)) == 3


def test_a_second_folder_joins_and_one_inside_another_adds_nothing(library, docs, tmp_path):
    library.add(docs, "docs")
    other = tmp_path / "other"
    other.mkdir()
    (other / "more.txt").write_text("More of it.")
    assert counts(library.add(other, "docs")) == (1, 0, 0, 0, 3)
    assert counts(library.add(docs / "deep", "docs")) == (0, 0, 0, 0, 4)
    assert library.collections()[0].roots == (str(docs), str(other))
    assert counts(library.add(tmp_path, "docs"))[0] == 0
    assert library.collections()[0].roots == (str(tmp_path),)


def test_bad_files_are_named_and_the_others_are_read(library, docs):
    (docs / "empty.txt").write_text("")
    (docs / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    (docs / "odd.txt").write_bytes(bytes(range(256)) * 10)
    report = library.add(docs, "docs")
    assert report.added == 3
    assert {Path(path).name for path, reason in report.skipped if reason} == {"empty.txt", "photo.jpg", "odd.txt"}
    again = library.sync("docs")
    assert sorted(again.skipped) == sorted(report.skipped)
    named = [(state.path, state.problem) for state in library.files("docs") if state.problem]
    assert named == sorted(report.skipped)
    (docs / "odd.txt").write_text("mended")
    (docs / "empty.txt").write_text("full")
    assert library.sync("docs").added == 2
    (docs / "odd.txt").write_text("")
    emptied = library.sync("docs")
    assert (emptied.removed, emptied.unchanged) == (1, 4)
    assert (library.sync("docs").removed, library.sync("docs").skipped) == (0, emptied.skipped)


def test_stopped_while_reading_it_goes_on_from_there(library, docs):
    for number in range(30):
        (docs / f"{number}.txt").write_text(f"text number {number}")
    seen: list[Progress] = []
    first = library.add(docs, "docs", Watcher(seen.append, lambda: any(one.phase == "reading" for one in seen)))
    assert not first.is_complete
    second = library.sync("docs")
    assert second.is_complete
    assert first.added + second.added == 33
    assert {one.phase for one in seen} == {"looking", "reading"}


def test_a_failing_embedder_leaves_the_text_in_and_the_next_run_fills_the_gap(library, docs, embedder):
    def fail(texts: Sequence[str]) -> None:
        raise Unreachable("Nobody answers.", hint="start it")

    embedder.before = fail
    report = library.add(docs, "docs")
    assert report.problems == ["Nobody answers. start it"]
    assert not report.is_complete
    assert library.collections()[0].embedded == 0
    embedder.before = lambda texts: None
    assert library.sync("docs").embedded == 3


def test_a_text_longer_than_the_model_reads_is_found_out_and_told(library, docs, embedder):
    (docs / "deep" / "garden.md").write_text("# Garden\n\n" + "Tomatoes want much water and little wind. " * 3)

    def refuse(texts: Sequence[str]) -> None:
        if any(text.count("Tomatoes") > 1 for text in texts):
            raise ContextTooLong("too long")

    embedder.before = refuse
    report = library.add(docs, "docs")
    assert report.is_complete
    assert library.collections()[0].embedded == 3
    [problem] = report.problems
    assert "only its beginning has a vector" in problem
    assert "Garden" in problem


def test_another_embedder_is_refused_until_a_rebuild_and_never_mixes(library, docs, embedder):
    library.add(docs, "docs")
    embedder.model, before = "other", embedder.fingerprint
    with pytest.raises(EmbedderChanged) as error:
        library.sync("docs")
    assert before in error.value.message
    assert "--rebuild" in error.value.hint
    report = library.sync("docs", rebuild=True)
    assert report.embedded == 3
    assert library.collections()[0].fingerprint == embedder.fingerprint


def test_vectors_are_taken_from_another_collection_that_has_the_same_text(library, docs, embedder):
    library.add(docs, "docs")
    embedder.embedded.clear()
    report = library.add(docs, "again")
    assert report.added == 3
    assert embedder.embedded == []
    assert [facts.embedded for facts in library.collections()] == [3, 3]


def test_what_cannot_be_added_leaves_no_collection_behind(library, docs, tmp_path):
    long = tmp_path / ("x" * 300)
    for path, name in (
        (tmp_path / "nothing", "docs"),
        (long, "docs"),
        (docs, ""),
        (docs, " docs"),
        (docs, "-x"),
        (docs, "a\nb"),
    ):
        with pytest.raises(KnowledgeError):
            library.add(path, name)
    library.make_embedder = lambda: (_ for _ in ()).throw(KnowledgeError("no embedder"))
    with pytest.raises(KnowledgeError, match="no embedder"):
        library.add(docs, "docs")
    assert library.collections() == []
