"""What may reach a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.terminal.text import clean, one_line, visible


def test_escape_sequences_lose_their_power():
    assert clean("a\x1b[2Jb\x1b]52;c;AAAA\x07c\x9b31md") == "a[2Jb]52;c;AAAAc31md"


def test_direction_overrides_are_removed_and_words_of_any_script_stay():
    assert clean("abc\u202edef\u2066") == "abcdef"
    assert clean("שלום مرحبا 你好 👩‍👩‍👧 naïve") == "שלום مرحبا 你好 👩‍👩‍👧 naïve"


def test_one_line_folds_lines():
    assert one_line(" a\n\tb\r\nc ") == "a b c"


@given(st.text(st.characters(), max_size=200))
def test_nothing_outside_the_allowed_set_passes(text):
    for char in clean(text):
        assert char in "\n\t" or (ord(char) >= 0x20 and not 0x7F <= ord(char) <= 0x9F)
        assert not 0xD800 <= ord(char) <= 0xDFFF


@given(st.text(max_size=50), st.integers(0, 50))
def test_cleaning_piece_by_piece_is_cleaning_the_whole(text, cut):
    assert clean(text[:cut]) + clean(text[cut:]) == clean(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rm \u202ecod.exe", "rm ⟨U+202E⟩cod.exe"),
        ("a\u200bb\ufeffc\u2060d", "a⟨U+200B⟩b⟨U+FEFF⟩c⟨U+2060⟩d"),
        ("run\U000e0072\U000e006d", "run⟨U+E0072⟩⟨U+E006D⟩"),
        ("rm\u00a0-rf\u2003x\u3000y", "rm⟨U+00A0⟩-rf⟨U+2003⟩x⟨U+3000⟩y"),
        ("ok\r\x1b[2K", "ok⟨U+000D⟩⟨U+001B⟩[2K"),
        ("a\u3164b\u115fc\u034fd\ufe0fe\u2800f", "a⟨U+3164⟩b⟨U+115F⟩c⟨U+034F⟩d⟨U+FE0F⟩e⟨U+2800⟩f"),
        ("ls" + " " * 400 + "; rm x", "ls⟨400 spaces⟩; rm x"),
        ("ls" + "\t" * 60 + "; rm x", "ls⟨60 tabs⟩; rm x"),
        ("x = 1\n    y = 2\n\tz", "x = 1\n    y = 2\n\tz"),
        ("שלום مرحبا 你好 naïve", "שלום مرحبا 你好 naïve"),
    ],
)
def test_what_cannot_be_seen_is_marked(text, shown):
    assert visible(text) == shown


@given(st.text(st.characters(), max_size=200))
def test_what_is_made_visible_needs_no_cleaning(text):
    assert clean(visible(text)) == visible(text)
