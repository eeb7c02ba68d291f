"""Finding things by some letters of their name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.chat.fuzzy import folded, places, score, words_of


def order(query, *texts):
    """The texts that fit, best first."""
    fits = [(score(words_of(query), folded(text)), text) for text in texts]
    return [text for worth, text in sorted(fits, key=lambda fit: -(fit[0] or 0)) if worth is not None]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("plan", ["plan", "planner", "the plan", "xplan", "p-l-a-n"]),
        ("PLAN", ["plan", "planner", "the plan", "xplan", "p-l-a-n"]),
        ("qwen", []),
    ],
)
def test_whole_names_beginnings_and_words_come_before_what_is_scattered(query, expected):
    assert order(query, "p-l-a-n", "xplan", "the plan", "planner", "plan") == expected


def test_letters_far_apart_or_in_several_lines_are_no_match():
    assert order("ab", "a" + "-" * 50 + "b", "a\nb") == []
    assert order("ab", "a\na-b") == ["a\na-b"]


def test_the_characters_that_fit_are_named():
    assert places(words_of("q3c"), folded("qwen3-Coder")) == [0, 4, 6]
    assert places(words_of("coder"), folded("qwen3-Coder")) == [6, 7, 8, 9, 10]
    assert places(words_of("名"), folded("İ 名前")) == [2]


@given(st.text(max_size=12), st.text(max_size=40))
def test_places_are_places_of_the_text_and_there_are_some_if_it_fits(query, text):
    words, low = words_of(query), folded(text)
    assert len(low) == len(text)
    worth = score(words, low)
    if worth is not None:
        found = places(words, low)
        assert all(0 <= place < len(text) for place in found)
        assert sorted(low[place] for place in found) == sorted("".join(words))
