"""Stores: what is found by words and by vectors, and which vectors are kept."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ally.errors import DimensionMismatch
from ally.rag.stores.base import Collection, Shelf
from tests.contract.stores import (
    DIM,
    FINGERPRINT,
    Store,
    check,
    embed,
    every_store,
    fill,
    nearest,
    put,
    vector_of,
    words,
)


@pytest.fixture
def shelf(store: Store, tmp_path: Path) -> Iterator[Shelf]:
    shelf = store.open(store.place(tmp_path / "knowledge"))
    yield shelf
    shelf.close()


@pytest.fixture
def collection(shelf: Shelf) -> Iterator[Collection]:
    collection = shelf.create("docs")
    yield collection
    collection.close()


@every_store
def test_words_of_any_case_accent_and_ending(collection: Collection) -> None:
    fill(collection, a=["The cats were running.", "Ein Café in Zürich", "Nothing of that", "Straße, İstanbul"])
    for query in ("cat", "CATS", "Run", "runs"):
        assert words(collection, query) == ["The cats were running."]
    for query in ("cafe", "CAFÉ", "cafe\u0301", "zurich"):
        assert words(collection, query) == ["Ein Café in Zürich"]
    for query in ("Straße", "straße", "İstanbul", "istanbul", "ISTANBUL"):
        assert words(collection, query) == ["Straße, İstanbul"]
    assert set(words(collection, "cat", "café")) == {"The cats were running.", "Ein Café in Zürich"}


@every_store
def test_the_rarer_word_and_the_more_frequent_mention_come_first(collection: Collection) -> None:
    lines = ["salt and pepper", "salt and salt", "pepper", *(f"salt {number}" for number in range(9)), "water"]
    fill(collection, a=lines)
    found = collection.by_words(["pepper", "salt"], 50)
    texts = [one.passage.text for one in collection.passages([one.id for one in found])]
    assert texts[0] in {"salt and pepper", "pepper"}
    assert len(texts) == 12
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert collection.by_words(["pepper", "salt"], 3) == found[:3]
    assert texts.index("salt and salt") < texts.index("salt 5")


@every_store
def test_equal_passages_come_in_the_order_of_their_ids(collection: Collection) -> None:
    fill(collection, b=["same text"] * 3, a=["same text"] * 3)
    by_words = collection.by_words(["text"], 4)
    assert [one.id for one in by_words] == sorted(one.id for one in collection.each())[:4]
    by_vector = collection.by_vector(vector_of("same text"), 4)
    assert [one.id for one in by_vector] == [one.id for one in by_words]


@every_store
def test_headings_are_found_and_weigh_more(collection: Collection) -> None:
    with collection.writing():
        put(collection, "/a", "how bread is made, with yeast and flour")
        put(collection, "/b", "mix it well and then wait for some time", headings=("Kitchen", "Bread"))
        put(collection, "/c", *(f"something else {number}" for number in range(9)))
    assert [one.path for one in collection.passages([one.id for one in collection.by_words(["bread"], 9)])] == [
        "/b",
        "/a",
    ]


QUERIES = (
    '"',
    "'",
    '""',
    "*",
    "app*",
    "apple OR pear",
    "AND",
    "NOT apple",
    "NEAR(apple pear)",
    "text : apple",
    "{text} : x",
    "^apple",
    "(",
    "apple)",
    "-apple",
    "apple + pear",
    'a"b',
    "%",
    "_",
    "apple & !pear",
    "a:*",
    "\\",
    "--",
    "; DROP TABLE words",
    "\x00",
    "",
    " ",
    "🎉",
    "\ud83d",
)


@every_store
def test_words_are_no_query_language(collection: Collection) -> None:
    fill(collection, a=["apple pie", "pear tree", "or not and near"])
    for query in QUERIES:
        found = words(collection, query)
        letters = "".join(sign if sign.isalnum() else " " for sign in query.lower()).split()
        assert set(found) <= {"apple pie", "pear tree", "or not and near"}, ascii(query)
        assert ("apple pie" in found) == ("apple" in letters), ascii(query)
        assert words(collection, "apple", query)[:1] != [], ascii(query)
    assert collection.by_words([], 5) == []


@every_store
def test_names_of_code(collection: Collection) -> None:
    fill(
        collection,
        a=["call os.path.join() first", "join the path of os", "read_file is slow", "a file to read", "path to join"],
    )
    assert words(collection, "os.path.join")[0] == "call os.path.join() first"
    assert "join the path of os" in words(collection, "os.path.join")
    assert words(collection, "read_file")[0] == "read_file is slow"
    assert words(collection, "slow()") == ["read_file is slow"]


@every_store
def test_languages_without_blanks(collection: Collection) -> None:
    lines = [
        "東京都の人口は約千四百万人です。",
        "京都は古い都市です。",
        "北京大学在北京。",
        "한국어를 공부합니다",
        "ภาษาไทยไม่ยาก",
    ]
    fill(collection, a=[*lines, "Only English, but with 猫."])
    assert words(collection, "人口") == lines[:1]
    assert words(collection, "東京都")[0] == lines[0]
    assert words(collection, "北京大学")[0] == lines[2]
    assert words(collection, "한국어") == [lines[3]]
    assert words(collection, "ไทย") == [lines[4]]
    assert words(collection, "猫") == ["Only English, but with 猫."]
    assert words(collection, "東京都の人口は何人ですか")[0] == lines[0]


@every_store
def test_marks_belong_to_their_word(collection: Collection) -> None:
    lines = ["हिन्दी भाषा", "العَرَبِيَّة لغة", "שָׁלוֹם עולם"]
    fill(collection, a=lines)
    assert words(collection, "हिन्दी") == lines[:1]
    assert words(collection, "भाषा") == lines[:1]
    assert words(collection, "לום") == []
    assert words(collection, "لغة") == lines[1:2]


@every_store
def test_vectors_give_the_cosine(collection: Collection) -> None:
    lines = [f"line {number}" for number in range(40)]
    fill(collection, a=lines[:20], b=lines[20:])
    query = vector_of("what?")
    found = collection.by_vector(query, 7)
    scores = sorted((float(vector_of(line) @ query) for line in lines), reverse=True)
    assert [one.score for one in found] == pytest.approx(scores[:7], abs=1e-5)
    assert collection.by_vector(query, 7) == found
    assert nearest(collection, "line 33") == ["/b:13"]
    assert len(collection.by_vector(query, 100)) == 40
    assert collection.by_vector(query, 0) == []


@every_store
def test_nothing_is_found_where_nothing_is(collection: Collection) -> None:
    assert collection.by_words(["one"], 5) == []
    assert collection.by_vector(vector_of("one"), 5) == []
    with collection.writing():
        put(collection, "/a", "one")
    assert collection.by_vector(vector_of("one"), 5) == []


@every_store
def test_what_was_removed_is_not_found(collection: Collection) -> None:
    fill(collection, a=[f"old {number}" for number in range(30)], b=["old 3", "new"])
    with collection.writing():
        collection.remove(["/a"])
        for _ in range(2):
            assert words(collection, "old") == ["old 3"]
            assert nearest(collection, "old 7", 5) in (["/b:0", "/b:1"], ["/b:1", "/b:0"])
            check(collection)
            collection.tidy()
        put(collection, "/c", "old 7")
        assert [text for _, text in collection.waiting(9)] == ["old 7"]


@every_store
def test_the_same_text_is_embedded_once(collection: Collection) -> None:
    with collection.writing():
        put(collection, "/a", "licence", "first", "licence")
        put(collection, "/b", "second", "licence")
        assert embed(collection) == ["licence", "first", "second"]
    assert collection.facts().embedded == 5
    assert sorted(nearest(collection, "licence", 3)) == ["/a:0", "/a:2", "/b:1"]
    with collection.writing():
        put(collection, "/c", "licence")
        assert collection.waiting(9) == []
    check(collection)


@every_store
def test_headings_are_part_of_what_is_embedded(collection: Collection) -> None:
    with collection.writing():
        put(collection, "/a", "text")
        put(collection, "/b", "text", headings=("One", "Two"))
        put(collection, "/c", "text", headings=("One", "Three"))
        assert embed(collection) == ["text", "One > Two\ntext", "One > Three\ntext"]
        put(collection, "/c", "text", headings=("One", "Two"))
        assert collection.waiting(9) == []
    assert words(collection, "three") == []
    check(collection)


@every_store
def test_vectors_stay_with_their_text_wherever_it_goes(collection: Collection) -> None:
    fill(collection, a=["one", "two", "three"])
    with collection.writing():
        put(collection, "/a", "zero", "three", "two")
        assert [text for _, text in collection.waiting(9)] == ["zero"]
        assert nearest(collection, "three") == ["/a:1"]
        assert words(collection, "one") == []
        collection.remove(["/a"])
        put(collection, "/b", "two", "one", "more")  # renamed and edited, in the same run
        assert [text for _, text in collection.waiting(9)] == ["more"]
        assert nearest(collection, "one") == ["/b:1"]
    check(collection)


@every_store
def test_waiting_goes_on_where_it_was(collection: Collection) -> None:
    with collection.writing():
        collection.set_embedder(FINGERPRINT)
        put(collection, "/a", *(f"line {number}" for number in range(7)))
        first = collection.waiting(3)
        assert collection.waiting(3) == first
        assert [text for _, text in collection.waiting(99)] == [f"line {number}" for number in range(7)]
        collection.add_vectors(FINGERPRINT, [first[1][0]], vector_of("line 1")[None])
        assert [text for _, text in collection.waiting(2)] == ["line 0", "line 2"]
    assert collection.facts().embedded == 1


@every_store
def test_passages_that_went_while_they_were_embedded(collection: Collection) -> None:
    with collection.writing():
        collection.set_embedder(FINGERPRINT)
        put(collection, "/a", "one", "two")
        batch = collection.waiting(9)
        put(collection, "/a", "two")
        collection.add_vectors(FINGERPRINT, [one for one, _ in batch], np.stack([vector_of(text) for _, text in batch]))
        assert collection.waiting(9) == []
        collection.add_vectors(FINGERPRINT, [10_000], vector_of("x")[None])
    check(collection)


@every_store
def test_vectors_of_two_models_never_meet(collection: Collection) -> None:
    fill(collection, a=["one", "two"])
    with collection.writing():
        collection.set_embedder(FINGERPRINT)
        assert collection.facts().embedded == 2
        with pytest.raises(DimensionMismatch):
            collection.add_vectors("other", [1], vector_of("one")[None])
        put(collection, "/b", "three")
        with pytest.raises(DimensionMismatch):
            collection.add_vectors(FINGERPRINT, [collection.waiting(1)[0][0]], vector_of("three", 5)[None])
        with pytest.raises(DimensionMismatch):
            collection.by_vector(vector_of("one", DIM + 1), 3)
        collection.set_embedder("other")
        facts = collection.facts()
        assert (facts.fingerprint, facts.embedded, facts.passages) == ("other", 0, 3)
        assert collection.by_vector(vector_of("one"), 3) == []
        assert collection.known_vectors(FINGERPRINT, ["one"]) == {}
        assert embed(collection, "other", 5) == ["one", "two", "three"]
    assert len(collection.by_vector(vector_of("one", 5), 3)) == 3
    check(collection)


@every_store
def test_another_collection_can_take_over_vectors(collection: Collection) -> None:
    fill(collection, a=["one", "two", "three"])
    found = collection.known_vectors(FINGERPRINT, ["three", "four", "one", "three"])
    assert sorted(found) == [0, 2, 3]
    np.testing.assert_array_equal(found[2], vector_of("one"))
    assert collection.known_vectors("other", ["three"]) == {}


@every_store
def test_a_reader_meets_new_vectors_and_a_new_model(shelf: Shelf, collection: Collection) -> None:
    reader = shelf.open("docs")
    fill(collection, a=["one"])
    assert nearest(reader, "one") == ["/a:0"]
    fill(collection, b=["two"])
    assert nearest(reader, "two") == ["/b:0"]
    with collection.writing():
        embed(collection, "other", 4)
    assert len(reader.by_vector(vector_of("two", 4), 9)) == 2
    with pytest.raises(DimensionMismatch):
        reader.by_vector(vector_of("two"), 9)
    reader.close()
