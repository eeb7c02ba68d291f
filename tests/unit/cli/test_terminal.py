"""What may reach a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from ally.cli.terminal import clean, one_line


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
