import codecs

import pytest

from ally.storage.encoding import Encoding, detect, line_end, unwritable, visible, with_ends

WORDS = "Grüße, naïve café \u2013 \u201cx\u201d 100 \u20ac\nzweite Zeile\n"
CHINESE = "这是一个中文文件。\n第二行\n"


@pytest.mark.parametrize(
    ("text", "codec", "bom"),
    [
        ("", "utf-8", b""),
        ("plain\n", "utf-8", b""),
        (WORDS, "utf-8", b""),
        (WORDS + "😀", "utf-8", codecs.BOM_UTF8),
        ("", "utf-16-le", codecs.BOM_UTF16_LE),
        (WORDS, "utf-16-le", codecs.BOM_UTF16_LE),
        (WORDS + "😀", "utf-16-be", codecs.BOM_UTF16_BE),
        (CHINESE, "utf-16-le", b""),
        (CHINESE, "utf-16-be", b""),
        (WORDS, "utf-16-le", b""),
        (WORDS, "utf-16-be", b""),
        (WORDS + "😀", "utf-32-le", codecs.BOM_UTF32_LE),
        (WORDS, "utf-32-be", codecs.BOM_UTF32_BE),
        (WORDS, "utf-32-le", b""),
        (CHINESE, "utf-32-be", b""),
        (WORDS, "cp1252", b""),
        ("caf\xe9 \x81\n", "latin-1", b""),
    ],
)
def test_encoding_is_found_and_gives_the_same_bytes_back(text: str, codec: str, bom: bytes):
    data = bom + text.encode(codec)
    encoding = detect(data)
    assert encoding == Encoding(codec, bom)
    assert encoding is not None
    assert encoding.decode(data) == text
    assert encoding.encode(text) == data


def test_utf8_with_invalid_bytes_keeps_them():
    data = "größer und größer ".encode() + b"\xff\xfe\x80\n"
    encoding = detect(data)
    assert encoding is not None
    assert encoding.name == "UTF-8 with invalid bytes"
    assert encoding.encode(encoding.decode(data)) == data
    assert "\ufffd" in visible(encoding.decode(data))


def test_mark_before_invalid_bytes_is_still_the_mark():
    data = codecs.BOM_UTF8 + b"caf\xe9"
    encoding = detect(data)
    assert encoding is not None
    assert encoding.encode(encoding.decode(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01\0\0\0",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\0\x01",
        b"PATH=/usr/bin\0HOME=/root\0",
        b"\0" * 100,
        bytes(range(256)),
        b"\x01\x02\x03\x04abc",
        b"ab\0c",
        "unpaired \ud800".encode("utf-16-le", "surrogatepass"),
        codecs.BOM_UTF16_LE + b"a\0b",
    ],
)
def test_what_is_no_text_has_no_encoding(data: bytes):
    assert detect(data) is None


@pytest.mark.parametrize("codec", ["koi8-r", "shift_jis", "gbk", "cp1251", "euc-kr"])
def test_an_encoding_that_is_not_known_still_gives_the_same_bytes_back(codec: str):
    data = {"koi8-r": "Привет", "shift_jis": "日本語", "gbk": "中文", "cp1251": "Привет", "euc-kr": "한국어"}[
        codec
    ].encode(codec)
    encoding = detect(data)
    assert encoding is not None
    assert encoding.encode(encoding.decode(data)) == data


def test_beginning_that_ends_inside_a_character():
    data = ("ä" * 10).encode()
    assert detect(data[:-1], is_whole=False) == Encoding("utf-8")
    assert detect(data[:-1]) != Encoding("utf-8")


def test_colours_of_a_terminal_log_are_text():
    assert detect(b"\x1b[31mred\x1b[0m\n" * 10) == Encoding("utf-8")


def test_line_ends():
    assert [line_end(text) for text in ("", "a", "a\nb\r\nc\r\n", "a\rb", "a\n")] == ["\n", "\n", "\r\n", "\r", "\n"]
    assert with_ends("a\r\nb\nc\rd", "\r\n") == "a\r\nb\r\nc\r\nd"


def test_unwritable_names_the_character():
    assert "'→' (U+2192)" in unwritable("a → b", Encoding("cp1252"))
    assert unwritable("é", Encoding("cp1252")) == ""
    assert "U+DCFF" in unwritable("\udcff", Encoding("utf-8", errors="surrogateescape"))
