"""Prose, tables and parts are cut where a reader would cut them."""

import re

import pytest

from ally.rag.chunking import chunk
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.chunking.passages import chunk_by
from ally.rag.document import Extracted, Heading, Part, Passage
from ally.rag.embeddings.counting import estimate


def count_words(text: str) -> int:
    return len(text.split())


def cut(document: Extracted, max_tokens: int = 50, target_tokens: int = 40) -> list[Passage]:
    """Passages of so many words."""
    return chunk_by(document, ChunkLimits(max_tokens, target_tokens), count_words)


def markdown(text: str, title: str = "") -> Extracted:
    marks = re.finditer(r"^(#+) (.+)$", text, re.MULTILINE)
    return Extracted(text, "markdown", title, tuple(Heading(m.start(), len(m[1]), m[2]) for m in marks))


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def test_section_that_fits_is_one_passage():
    first, second = words(35), words(30, "other")
    passages = cut(markdown(f"# A\n\n{first}\n\n# B\n\n{second}\n"))
    assert [passage.headings for passage in passages] == [("A",), ("B",)]
    assert [passage.text for passage in passages] == [f"# A\n\n{first}", f"# B\n\n{second}"]
    assert [(p.place.line_start, p.place.line_end) for p in passages] == [(1, 3), (5, 7)]


def test_title_stands_above_the_headings_where_it_says_more():
    text = "# Install\n\nRun it."
    assert cut(markdown(text, "Handbook"))[0].headings == ("Handbook", "Install")
    assert cut(markdown(text, "Install - Handbook"))[0].headings == ("Install",)
    assert cut(markdown("No heading.", "Handbook"))[0].headings == ("Handbook",)


def test_small_sections_side_by_side_share_a_passage():
    text = "# A\n\n" + "".join(f"## Part {n}\n\n{words(6)}\n\n" for n in range(10))
    passages = cut(markdown(text))
    assert 2 <= len(passages) <= 4
    assert {passage.headings for passage in passages} == {("A",)}


def test_subsections_of_their_own_weight_stay_apart():
    text = f"# A\n\n## B\n\n{words(25)}\n\n## C\n\n{words(25)}\n"
    assert [passage.headings for passage in cut(markdown(text))] == [("A", "B"), ("A", "C")]


def test_heading_never_stands_alone():
    text = f"# A\n\n## B\n\n### C\n\n{words(45)}\n\n## D\n\n{words(200)}\n"
    for passage in cut(markdown(text)):
        assert "word" in passage.text
    assert cut(markdown(text))[0].headings == ("A", "B", "C")


def test_sentences_stay_whole():
    sentences = [f"This is the sentence of number {n} in a long paragraph." for n in range(40)]
    passages = cut(Extracted(" ".join(sentences), "text"))
    assert len(passages) > 5
    assert all(passage.text.startswith("This") and passage.text.endswith("paragraph.") for passage in passages)


def test_abbreviations_end_no_sentence():
    text = " ".join("We met Dr. Who and Mr. J. Smith, e.g. Tuesday evening, in Rome." for _ in range(20))
    assert all(passage.text.startswith("We met") for passage in cut(Extracted(text, "text")))


def test_passages_of_a_section_are_of_about_the_same_size():
    paragraphs = "\n\n".join(words(9) + "." for _ in range(9))
    sizes = [count_words(passage.text) for passage in cut(Extracted(paragraphs, "text"))]
    assert sizes == [27, 27, 27]


def test_lead_in_goes_with_its_list():
    text = f"{words(30)}.\n\n{words(8)}:\n\n- {words(12)}\n- {words(12)}\n"
    passages = cut(Extracted(text, "markdown"))
    assert passages[1].text.startswith("word word")
    assert ":\n\n- word" in passages[1].text


def test_list_items_stay_whole():
    items = "".join(f"- item {n} {words(6)}\n  {words(5, 'more')}\n" for n in range(12))
    for passage in cut(Extracted(items, "markdown")):
        assert passage.text.startswith("- item")
        assert passage.text.endswith("more")


def test_code_in_a_fence_stays_whole_where_it_fits():
    fence = "```\n" + "one two\n\n" * 10 + "```"
    text = f"{words(25)}.\n\n{fence}\n\n{words(25)}."
    assert fence in [passage.text for passage in cut(Extracted(text, "markdown"))]


def test_indented_text_goes_with_what_it_explains():
    terms = "".join(f"term{n}\n\n   {words(9)}.\n\n   {words(9)}.\n\n" for n in range(8))
    passages = cut(Extracted(terms, "rst"))
    assert len(passages) == 4
    assert all(passage.text.startswith("term") for passage in passages)


def test_log_lines_stay_whole():
    log = "".join(f"2026-11-22 12:00:{n:02d} INFO Something happened\n" for n in range(60))
    for passage in cut(Extracted(log, "text")):
        assert passage.text.startswith("2026")
        assert passage.text.endswith("happened")


def test_rows_are_read_with_the_names_of_their_columns():
    rows = "".join(f"{n} | Ada | 1815\n" for n in range(40))
    document = Extracted(rows, "csv", "people.csv", parts=(Part(0, "", "number | name | born"),))
    passages = cut(document)
    assert len(passages) > 3
    for passage in passages:
        assert passage.headings == ("people.csv", "number | name | born")
        assert passage.text.endswith("| Ada | 1815")
        assert count_words(passage.searched) <= 50


def test_names_of_the_columns_are_no_passage_of_their_own():
    table = "name,born\n" + "Ada,1815\n" * 3
    (passage,) = cut(Extracted(table, "csv", parts=(Part(10, "", "name,born"),)))
    assert (passage.text, passage.headings) == (table.rstrip(), ("name,born",))


def test_nothing_reaches_across_sheets_and_slides():
    text = "First slide.\nSecond slide.\nThird slide.\n"
    starts = [text.index(word) for word in ("First", "Second", "Third")]
    parts = tuple(Part(start, f"slide {n}") for n, start in enumerate(starts, 1))
    passages = cut(Extracted(text, "pptx", parts=parts, line_numbers=()))
    assert [(p.text, p.place.label) for p in passages] == [
        ("First slide.", "slide 1"),
        ("Second slide.", "slide 2"),
        ("Third slide.", "slide 3"),
    ]


@pytest.mark.parametrize(
    ("end", "places"),
    [("and it goes\n", ["page 1 to page 2"]), ("and it goes.\n", ["page 1", "page 2"])],
    ids=["inside a sentence", "after a sentence"],
)
def test_pages_are_crossed_only_by_a_sentence(end: str, places: list[str]):
    text = f"The first page {end}on here.\n"
    parts = (Part(0, "page 1"), Part(text.index("on here"), "page 2"))
    passages = cut(Extracted(text, "pdf", parts=parts, line_numbers=()))
    assert [passage.place.label for passage in passages] == places


def test_headings_reach_into_the_next_page():
    text = "Chapter\nFirst page.\nSecond page.\n"
    parts = (Part(0, "page 1"), Part(text.index("Second"), "page 2"))
    passages = cut(Extracted(text, "pdf", headings=(Heading(0, 1, "Chapter"),), parts=parts))
    assert [passage.headings for passage in passages] == [("Chapter",), ("Chapter",)]


@pytest.mark.parametrize("text", ["a\n\n", "word ", "x", "(" * 50, "```\n", "- a\n", "a:\n\n"], ids=repr)
def test_time_grows_with_the_text_and_no_faster(text: str):
    calls = 0

    def count(piece: str) -> int:
        nonlocal calls
        calls += len(piece)
        return estimate(piece)

    size = 100_000
    passages = chunk_by(Extracted(text * (size // len(text)), "text"), ChunkLimits(), count)
    assert len(passages) > 100
    assert calls < 4 * size


def test_hundred_levels_of_headings():
    text = "".join(f"h{n}\n{words(3)}\n" for n in range(3000))
    starts = [match.start() for match in re.finditer(r"^h\d+$", text, re.MULTILINE)]
    headings = tuple(Heading(start, level, f"h{level}") for level, start in enumerate(starts, 1))
    passages = chunk(Extracted(text, "markdown", headings=headings), ChunkLimits())
    assert "".join(passage.text for passage in passages).count("word") == 9000
