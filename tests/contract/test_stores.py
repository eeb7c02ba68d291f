"""Stores: collections, files, passages, and who may change them when."""

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ally.errors import StorageError, UnknownCollection
from ally.rag.document import Extracted, Heading, Part, Passage, Place
from ally.rag.stores.base import Collection, Shelf
from tests.contract.stores import (
    FINGERPRINT,
    Store,
    check,
    document_of,
    embed,
    every_store,
    fill,
    nearest,
    put,
    state_of,
    words,
)

ROOT = Path(__file__).resolve().parents[2]
ODD_NAMES = ("Docs", "docs", "döcs", "文書", "a/b", "..", "a b", "a-b", "🎉", "CON", "it's; $(x)", "x" * 64, ".half-x")


@pytest.fixture
def place(store: Store, tmp_path: Path) -> str:
    return store.place(tmp_path / "knowledge")


@pytest.fixture
def shelf(store: Store, place: str) -> Iterator[Shelf]:
    shelf = store.open(place)
    yield shelf
    shelf.close()


@pytest.fixture
def collection(shelf: Shelf) -> Iterator[Collection]:
    collection = shelf.create("docs")
    yield collection
    collection.close()


@every_store
def test_any_name_is_a_collection_of_its_own(store: Store, place: str, shelf: Shelf) -> None:
    assert shelf.names() == []
    for name in ODD_NAMES:
        one = shelf.create(name)
        fill(one, file=[f"this is {name}"])
        one.close()
    again = store.open(place)
    assert again.names() == sorted(ODD_NAMES, key=lambda name: (name.casefold(), name))
    for name in ODD_NAMES:
        one = again.open(name)
        assert one.name == one.facts().name == name
        assert [stored.passage.text for stored in one.each()] == [f"this is {name}"]
        one.close()
    again.close()


@every_store
def test_the_same_name_in_two_spellings_of_unicode(shelf: Shelf) -> None:
    shelf.create("e\u0301tudes").close()
    one = shelf.create("\u00e9tudes")
    assert one.name == "e\u0301tudes"
    assert shelf.names() == ["e\u0301tudes"]
    one.close()


@every_store
def test_what_is_not_there_cannot_be_opened_or_removed(shelf: Shelf, collection: Collection) -> None:
    for attempt in (shelf.open, shelf.delete):
        with pytest.raises(UnknownCollection) as caught:
            attempt("dogs")
        assert caught.value.available == ("docs",)


@every_store
def test_making_what_is_there_opens_it(shelf: Shelf, collection: Collection) -> None:
    fill(collection, a=["one"])
    again = shelf.create("docs")
    assert again.facts() == collection.facts()
    again.close()


@every_store
def test_what_was_removed_does_not_come_back(shelf: Shelf, collection: Collection) -> None:
    fill(collection, a=["one"])
    collection.close()
    shelf.delete("docs")
    assert shelf.names() == []
    again = shelf.create("docs")
    facts = again.facts()
    assert (facts.passages, facts.files, facts.fingerprint, facts.roots, facts.is_indexed) == (0, 0, "", (), True)
    assert words(again, "one") == []
    again.close()


@every_store
def test_only_one_changes_it(shelf: Shelf, collection: Collection) -> None:
    other = shelf.open("docs")
    with collection.writing():
        put(collection, "/a", "one")
        with pytest.raises(StorageError, match="another process"), other.writing():
            pass
        with pytest.raises(StorageError, match="another process"):
            shelf.delete("docs")
    with other.writing():
        put(other, "/b", "two")
    assert list(collection.files()) == ["/a", "/b"]
    other.close()


@every_store
def test_whoever_changes_it_sees_that_it_was_removed(shelf: Shelf, collection: Collection) -> None:
    shelf.delete("docs")
    with pytest.raises(StorageError, match="removed"), collection.writing():
        pass
    shelf.create("docs").close()
    with pytest.raises(StorageError, match="removed"), collection.writing():
        pass


@every_store
def test_it_can_be_left_out_of_answers_while_another_changes_it(shelf: Shelf, collection: Collection) -> None:
    other = shelf.open("docs")
    with collection.writing():
        put(collection, "/a", "one")
        other.set_indexed(is_indexed=False)
        assert not collection.facts().is_indexed
    assert not other.facts().is_indexed
    other.set_indexed(is_indexed=True)
    assert collection.facts().is_indexed
    other.close()


@every_store
def test_roots_stay(store: Store, place: str, collection: Collection) -> None:
    roots = ("/home/me/notes", "/srv/it's/文書")
    with collection.writing():
        collection.set_roots(roots)
    shelf = store.open(place)
    again = shelf.open("docs")
    assert again.facts().roots == roots
    again.close()
    shelf.close()


@every_store
def test_facts_count(collection: Collection) -> None:
    before = collection.facts()
    assert (before.files, before.skipped, before.passages, before.embedded) == (0, 0, 0, 0)
    with collection.writing():
        put(collection, "/a", "one", "two")
        put(collection, "/b", "three")
        collection.skip(state_of("/c", problem="too large"))
        facts = collection.facts()
        assert (facts.files, facts.skipped, facts.passages, facts.embedded) == (2, 1, 3, 0)
        embed(collection)
        facts = collection.facts()
        assert (facts.passages, facts.embedded, facts.fingerprint) == (3, 3, FINGERPRINT)
        put(collection, "/a", "two", "four")
        collection.skip(state_of("/b", problem="unreadable"))
        facts = collection.facts()
        assert (facts.files, facts.skipped, facts.passages, facts.embedded) == (1, 2, 2, 1)
        collection.remove(["/a", "/c", "/never"])
        facts = collection.facts()
        assert (facts.files, facts.skipped, facts.passages, facts.embedded) == (0, 1, 0, 0)
    assert facts.size_bytes > 0
    assert facts.updated_at >= before.updated_at


@every_store
def test_files_with_their_states(collection: Collection) -> None:
    with collection.writing():
        put(collection, "/b", "two")
        put(collection, "/a", "one")
        collection.skip(state_of("/c", "three", "no text in it"))
        touched = replace(state_of("/a", "one"), mtime_ns=2_000)
        collection.touch(touched)
    states = [touched, state_of("/b", "two"), state_of("/c", "three", "no text in it")]
    assert collection.files() == {state.path: state for state in states}
    assert [collection.state(state.path) for state in states] == states
    assert collection.state("/d") is None
    with collection.writing():
        put(collection, "/c", "three")
    assert collection.files()["/c"] == state_of("/c", "three")
    assert [one.path for one in collection.each()] == ["/a", "/b", "/c"]


@every_store
def test_a_name_that_is_no_unicode(collection: Collection) -> None:
    path = b"/caf\xe9 \xff".decode("utf-8", "surrogateescape")
    with collection.writing():
        put(collection, path, "one")
    assert [one.path for one in collection.each()] == [path]
    assert collection.extracted(path) is not None
    assert list(collection.files()) == [path]
    assert collection.state(path) == collection.files()[path]


@every_store
def test_a_document_comes_back_as_it_was(collection: Collection) -> None:
    text = "Title\nZeile ä\n日本 🎉\nlast"
    document = Extracted(
        text,
        "pdf",
        title="Title",
        headings=(Heading(0, 1, "Title"),),
        parts=(Part(0, "page 1"), Part(6, "page 2", header="A | B")),
        line_numbers=(1, 4, 5, 9),
        notes=("one picture left out",),
    )
    passages = [
        Passage(text[0:13], 0, 13, Place(1, 4, "page 1 to page 2"), ("Title",)),
        Passage("A | B\n" + text[14:], 14, len(text), Place(5, 9, "page 2"), ("Title", "Part > two")),
    ]
    with collection.writing():
        collection.put(state_of("/a"), document, passages)
    assert collection.extracted("/a") == document
    assert [one.passage for one in collection.each()] == passages
    assert collection.extracted("/b") is None


@every_store
def test_a_document_of_many_passages(collection: Collection) -> None:
    lines = [f"{number} 🎉ä" + "x" * 700 for number in range(200)]
    with collection.writing():
        put(collection, "/long", *lines)
        put(collection, "/empty")
    stored = list(collection.each())
    assert [one.passage.text for one in stored] == lines
    assert [one.position for one in stored] == list(range(200))
    assert collection.neighbours("/long", 46, 48) == stored[46:49]
    assert collection.neighbours("/long", -3, 0) == stored[:1]
    assert collection.neighbours("/other", 0, 9) == []
    backwards = [stored[150], stored[3], stored[47]]
    gone = max(one.id for one in stored) + 1
    assert collection.passages([backwards[0].id, gone, backwards[1].id, backwards[2].id]) == backwards
    document = collection.extracted("/long")
    assert document is not None
    assert document.text == "\n".join(lines)


@every_store
def test_half_of_a_surrogate_pair_does_no_harm(collection: Collection) -> None:
    with collection.writing():
        put(collection, "/a", "broken \ud83d text \U0001f389", headings=("\udc00",))
        embed(collection)
    (one,) = collection.each()
    assert one.passage.searched == "?\nbroken ? text \U0001f389"
    check(collection)


@every_store
def test_what_was_put_before_an_error_stays(collection: Collection) -> None:
    with pytest.raises(KeyboardInterrupt), collection.writing():
        put(collection, "/a", "one")
        raise KeyboardInterrupt
    assert list(collection.files()) == ["/a"]
    with collection.writing():
        put(collection, "/b", "two")
    assert list(collection.files()) == ["/a", "/b"]


@every_store
def test_readers_see_what_was_committed(shelf: Shelf, collection: Collection) -> None:
    reader = shelf.open("docs")
    fill(collection, a=["one", "two"], b=["three"])
    each = reader.each()
    first = next(each)
    with collection.writing():
        collection.remove(["/a", "/b"])
        put(collection, "/c", "four")
        embed(collection)
        collection.tidy()
    assert first.passage.text == "one"
    assert {one.path for one in each} <= {"/a", "/b", "/c"}
    assert [one.path for one in reader.each()] == ["/c"]
    assert nearest(reader, "four") == ["/c:0"]
    assert words(reader, "one", "two", "three", "four") == ["four"]
    reader.close()


@every_store
def test_moving(collection: Collection) -> None:
    fill(collection, a=["one", "two"], b=["three"])
    with collection.writing():
        collection.move("/a", state_of("/new", "one\ntwo"))
        collection.move("/b", state_of("/b", "three"))
        assert collection.waiting(9) == []
    assert [one.path for one in collection.each()] == ["/b", "/new", "/new"]
    assert collection.extracted("/a") is None
    assert nearest(collection, "two") == ["/new:1"]
    with collection.writing():
        collection.move("/new", state_of("/b", "one\ntwo"))  # onto one that is there
    assert [one.passage.text for one in collection.each()] == ["one", "two"]
    check(collection)


@every_store
def test_any_order_of_changes(shelf: Shelf, collection: Collection) -> None:
    chance = random.Random(7)
    pool = [f"passage {number} of {chance.choice('abcde')}" for number in range(30)]
    wanted: dict[str, list[str]] = {}
    with collection.writing():
        for step in range(150):
            path = f"/{chance.randrange(8)}"
            lines = chance.choices(pool, k=chance.randrange(6))
            match chance.randrange(8):
                case 0 | 1 | 2 | 3:
                    put(collection, path, *lines)
                    wanted[path] = lines
                case 4:
                    collection.remove([path])
                    wanted.pop(path, None)
                case 5 if path in wanted:
                    target = f"/{chance.randrange(8)}"
                    collection.move(path, state_of(target))
                    wanted[target] = wanted.pop(path)
                case 6:
                    embed(collection, at_once=3)
                case _:
                    collection.tidy()
            if step % 30 == 0:
                check(collection)
    reader = shelf.open("docs")
    assert [(one.path, one.passage.text) for one in reader.each()] == [
        (path, line) for path in sorted(wanted) for line in wanted[path]
    ]
    for line in pool:
        count = sum(lines.count(line) for lines in wanted.values())
        assert words(reader, line.split()[1], limit=1000).count(line) == count
    check(reader)
    reader.close()


CHILD = """
import sys
from tests.contract.stores import embed, open_store, put
collection = open_store(sys.argv[1], sys.argv[2]).open("docs")
with collection.writing():
    print("ready", flush=True)
    for number in range(40):
        put(collection, f"/{number % 20}", f"passage {number}", "the same everywhere")
        if number % 10 == 9:
            embed(collection)
            collection.tidy()
"""


@every_store
def test_readers_go_on_while_another_process_writes(
    store: Store, place: str, shelf: Shelf, collection: Collection
) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, store.name, place], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    with pytest.raises(StorageError), collection.writing():
        pass
    while child.poll() is None:
        found = collection.passages([one.id for one in collection.by_words(["passage"], 99)])
        assert all(one.passage.text.startswith("passage") for one in found)
        nearest(collection, "the same everywhere", 50)
        assert collection.facts().passages >= len(found)
    assert child.wait() == 0
    child.stdout.close()
    check(collection)
    assert collection.facts().passages == 40
    with collection.writing():
        assert collection.waiting(9) == []


def test_documents_of_the_suite_say_where_they_stand() -> None:
    document, passages = document_of(["one", "two"])
    assert [document.text[one.start : one.end] for one in passages] == ["one", "two"]
