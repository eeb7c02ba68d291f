"""Tokens as the tokenizer of the model's makers gives them; the numbers below are its answers."""

import pytest

from ally.rag.embeddings.counting import load_counter, read_wordpiece, wordpiece
from ally.rag.embeddings.minilm.files import VOCABULARY, find_weights
from ally.rag.embeddings.wordpiece import WordPiece

_CLS, _UNK, _SEP = 101, 100, 102
_XX = 20348

REFERENCE = {
    "": [],
    "Hello, World!": [7592, 1010, 2088, 999],
    "naïve Ångström e\u0301 é ế": [15743, 17076, 15687, 1041, 1041, 1041],
    "ΣΊΣΥΦΟΣ": [1173, 18199, 29733, 29735, 29736, 29730, 29733],
    "İstanbul": [9960],
    "機械学習は楽しい。": [_UNK, _UNK, 1817, _UNK, 1672, _UNK, 1657, 30173, 1636],
    "한국어 문장": [1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008, 1459, 30014, 30021, 30000, 30006, 30025],
    "👩‍👩‍👧 emoji 🎉🏽!": [_UNK, 7861, 29147, 2072, _UNK, 999],
    "def f(x: int) -> int:\n\treturn x**2": [
        *(13366, 1042, 1006, 1060, 1024, 20014, 1007, 1011, 1028, 20014, 1024, 2709, 1060, 1008, 1008, 1016)
    ],
    "# __init__ != None": [1001, 1035, 1035, 1999, 4183, 1035, 1035, 999, 1027, 3904],
    "don't-stop_it @user #1,234.56 €9": [
        *(2123, 1005, 1056, 1011, 2644, 1035, 2009, 1030, 5310, 1001, 1015, 1010, 22018, 1012, 5179, 1574, 2683)
    ],
    "a\0b\u200bc\ufeffd\u00ade\x85f": [5925, 3207, 2546],
    "word\u00a0no\u2003break\u3000wide": [2773, 2053, 3338, 2898],
    "\u202eright\u202c to left": [2157, 2000, 2187],
    " \t\n\r ": [],
    "x" * 100 + " " + "y" * 101: [22038, *[_XX] * 49, _UNK],
    "हिन्दी العربية": [1339, 29877, 29863, 29861, 29878, 1270, 23673, 29830, 17149, 29816, 14498, 19433],
    "עברית ไทย": [1259, 29789, 29811, 29796, 29813, _UNK],
    "½ ² ﬁ Ⅷ ①": [1092, 1082, 1984, _UNK, _UNK],
    "tokenization/embeddings.py:12-30": [
        19204,
        3989,
        1013,
        7861,
        8270,
        4667,
        2015,
        1012,
        1052,
        2100,
        1024,
        2260,
        1011,
        2382,
    ],
}


@pytest.fixture(scope="module")
def tokenizer() -> WordPiece:
    folder = find_weights()
    assert folder is not None
    return read_wordpiece(folder / VOCABULARY)


@pytest.mark.parametrize("text", REFERENCE)
def test_tokens_are_those_of_the_makers(tokenizer: WordPiece, text: str):
    assert tokenizer.ids(text) == [_CLS, *REFERENCE[text], _SEP]
    assert tokenizer.count(text) == len(REFERENCE[text]) + 2


def test_names_of_special_tokens_in_a_text_are_text(tokenizer: WordPiece):
    ids = tokenizer.ids("[SEP] and [MASK]")
    assert (ids.count(_SEP), ids[-1]) == (1, _SEP)
    assert len(ids) == 2 + 3 + 1 + 3


def test_half_of_a_surrogate_pair_is_left_out(tokenizer: WordPiece):
    assert tokenizer.ids("a\ud83d") == tokenizer.ids("a")


def test_words_beyond_those_remembered(tokenizer: WordPiece):
    before = tokenizer.count("tokenization")
    assert sum(tokenizer.count(str(number)) for number in range(60_000)) > 60_000
    assert tokenizer.count("tokenization") == before


def test_a_counter_by_name_reads_its_file_once(tmp_path):
    file = tmp_path / "vocab.txt"
    file.write_text("[UNK]\n[CLS]\n[SEP]\nhello\n##s\n", "utf-8")
    counter = load_counter(wordpiece(file))
    file.unlink()
    assert (counter("Hellos hello"), load_counter(wordpiece(file))("unseen")) == (5, 3)


@pytest.mark.parametrize("content", [None, "", "hello\nworld\n", "\xff"])
def test_a_file_that_is_no_vocabulary(tmp_path, content):
    file = tmp_path / "vocab.txt"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=r"vocab|utf-8"):
        load_counter(wordpiece(file))
