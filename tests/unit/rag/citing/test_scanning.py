"""Answers that come in pieces."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ally.rag.citing.markers import Claim
from ally.rag.citing.scanning import MAX_HELD, Scanner
from tests.unit.rag.citing.desk import Desk

WORDS = st.sampled_from(
    [
        *('[1 "hold the red button"]', '"hold the red button" [1]', "[1]", "[2, 3]", "[1][2]", "【1†source】", "[^1]"),
        *('"', "“", "”", "`", "```\n", "~~~", "[", "]", "(", "[1 ", "1", "\n", "\n\n", " ", "x", "- ", "> ", "don't"),
        *("[9]", "[1](u)", ": ", "„hold the", " red button“", "x" * 650, '[1 "' + "y" * 610, "\\[1]", "a[1] "),
    ]
)
TEXTS = st.lists(WORDS, max_size=14).map("".join)
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=30)


def cut(text: str, sizes: list[int]) -> list[str]:
    pieces, at = list[str](), 0
    while at < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[at : at + size])
        at += size
    return pieces


@settings(max_examples=150, deadline=None)
@given(TEXTS, CUTS)
def test_how_it_was_cut_makes_no_difference(text: str, sizes: list[int]):
    desk = Desk()
    assert desk.read(*cut(text, sizes)) == desk.read(text)


@settings(max_examples=150, deadline=None)
@given(TEXTS, CUTS)
def test_little_is_held_back_and_nothing_is_lost(text: str, sizes: list[int]):
    scanner, came = Scanner({1, 2, 3}), ""
    for piece in cut(text, sizes):
        came += written(scanner.feed(piece))
        assert len(scanner.held) < MAX_HELD
        assert text.startswith(came + scanner.held)
    assert came + written(scanner.finish()) == text


def test_plain_text_is_never_held_back():
    scanner = Scanner({1})
    for piece in ("It is ", "so, and (so) ", "it's **bold** [x] ", "*or* a) not. "):
        assert written(scanner.feed(piece)) == piece


def test_what_begins_after_the_end_begins_anew():
    scanner = Scanner({1})
    assert written(scanner.feed("```\nopen [1]") + scanner.finish()) == "```\nopen [1]"
    assert isinstance(scanner.feed("[1] ")[0], Claim)


def written(pieces: list[str | Claim]) -> str:
    return "".join(piece if isinstance(piece, str) else piece.raw for piece in pieces)
