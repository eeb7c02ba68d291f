"""No passage is too long, none is lost, and all say where they stand, whatever the text."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.rag.chunking import chunk
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.chunking.passages import chunk_by
from ally.rag.document import Extracted, Heading, Part, Passage, Places
from ally.rag.embeddings.counting import estimate


def count_words(text: str) -> int:
    """A word is a token, however long: to some tokenizers an unknown word is."""
    return len(text.split()) + 2


def count_characters(text: str) -> int:
    return len(text)


def count_unevenly(text: str) -> int:
    """Far from additive: what is joined has more tokens than its pieces."""
    return len(text.encode(errors="replace")) + text.count("e") ** 2 // 8


COUNTERS = [estimate, count_words, count_characters, count_unevenly]

CHARACTERS = st.characters(exclude_categories=[]) | st.sampled_from(list("\n\n\n   .#-`|e\u0301\u200d"))
TEXTS = st.text(CHARACTERS, max_size=900).map(lambda text: text.replace("\r", ""))
BLOCKS = st.lists(
    st.sampled_from(
        ["# Title\n", "a b c. ", "One sentence. ", "\n\n", "  - item\n", "word", "```\n", "| a | b |\n", "x" * 90]
    )
    | TEXTS,
    max_size=60,
).map("".join)


@st.composite
def documents(draw: st.DrawFn) -> Extracted:
    text = draw(BLOCKS)
    places = st.lists(st.integers(0, max(0, len(text) - 1)), max_size=6, unique=True).map(sorted)
    headings = [Heading(at, draw(st.integers(1, 12)), text[at : at + 40]) for at in draw(places)] if text else []
    labels = st.sampled_from(["page 1", "sheet A", "cell 3"])
    parts = [Part(at, draw(labels), draw(st.sampled_from(["", "name | sum"]))) for at in draw(places)] if text else []
    formats = st.sampled_from(["text", "markdown", "csv", "code:python", "code:cobol", "code:cpp"])
    return Extracted(
        text, draw(formats), draw(st.sampled_from(["", "Title", "report.txt"])), tuple(headings), tuple(parts)
    )


@pytest.mark.parametrize("counter", COUNTERS)
def test_any_text_becomes_passages_within_the_limit(counter: Callable[[str], int]):
    @settings(max_examples=60, deadline=None, database=None)
    @given(documents(), st.sampled_from([(40, 30), (64, 64), (256, 224)]))
    def check(document: Extracted, sizes: tuple[int, int]):
        limits = ChunkLimits(max_tokens=sizes[0], target_tokens=sizes[1])
        passages = chunk_by(document, limits, counter)
        for passage in passages:
            assert counter(passage.searched) <= limits.max_tokens or len(passage.text) == 1
        check_positions(document, passages)

    check()


def check_positions(document: Extracted, passages: list[Passage]) -> None:
    """Passages are stretches of the text, in order, apart; what lies between them is blank or a heading."""
    places = Places(document)
    position = 0
    for passage in passages:
        assert passage.start >= position
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.text.strip()
        assert passage.text == passage.text.rstrip()
        assert passage.place == places.of(passage.start, passage.end)
        check_left_out(document, position, passage.start)
        position = passage.end
    check_left_out(document, position, len(document.text))


def check_left_out(document: Extracted, start: int, end: int) -> None:
    left_out = document.text[start:end]
    if left_out.strip():
        assert any(start <= heading.start < end for heading in document.headings)
        assert sum(any(char.isalnum() for char in line) for line in left_out.splitlines()) <= 6


def test_same_document_same_passages():
    text = "".join(
        f"# Part {n}\n\n" + "Some words here, and more of them there. " * (n % 40) + "\n\n" for n in range(60)
    )
    headings = tuple(Heading(at, 1, "Part") for at in range(len(text)) if text.startswith("# Part", at))
    document = Extracted(text, "markdown", headings=headings)
    assert chunk(document, ChunkLimits()) == chunk(document, ChunkLimits())


def test_unknown_counter_is_an_error():
    with pytest.raises(ValueError, match="abacus"):
        chunk(Extracted("text", "text"), ChunkLimits(counter="abacus"))


@pytest.mark.parametrize(
    "text",
    ["", "\n\n \t\n", "\u2028\u2028"],
    ids=["empty", "blank", "separators"],
)
def test_nothing_becomes_no_passages(text: str):
    assert chunk(Extracted(text, "text", "title"), ChunkLimits()) == []


def test_headings_longer_than_the_limit_leave_room_for_the_text():
    headings = tuple(Heading(n, n + 1, "word " * 500) for n in range(8))
    document = Extracted(
        "x\n" * 8 + "Some text.", "markdown", "title " * 500, headings, (Part(0, "sheet", "column " * 99),)
    )
    limits = ChunkLimits(max_tokens=40, target_tokens=32)
    passages = chunk(document, limits)
    assert "Some text." in passages[-1].text
    assert all(estimate(passage.searched) <= 40 for passage in passages)


@pytest.mark.parametrize("sign", ["e\u0301\u0302", "\U0001f469\u200d\U0001f680", "\u2764\ufe0f"])
def test_hard_cut_leaves_accents_and_joined_signs_whole(sign: str):
    passages = chunk(Extracted(sign * 400, "text"), ChunkLimits())
    assert len(passages) > 1
    assert all(len(passage.text) % len(sign) == 0 for passage in passages)
