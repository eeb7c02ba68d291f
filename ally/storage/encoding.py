"""Text files of any encoding: found out, decoded, and written back with every byte that was not meant to change."""

import codecs
import re
import unicodedata
from dataclasses import dataclass

END = re.compile(r"\r\n|\n|\r")

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_SAMPLE_BYTES = 64_000
_CONTROLS = bytes(code for code in (*range(32), 127) if code not in b"\t\n\r\f\b\x1b")
_UNTEXTUAL = ("Cc", "Cn", "Co", "Cs")
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How text is written in a file. `errors` is `surrogateescape` for UTF-8 with invalid bytes, which it keeps."""

    codec: str
    bom: bytes = b""
    errors: str = "strict"

    @property
    def name(self) -> str:
        """As a user would say it."""
        extra = (" with BOM" if self.bom else "") + (" with invalid bytes" if self.errors != "strict" else "")
        return self.codec.upper().replace("CP", "Windows-") + extra

    def decode(self, data: bytes) -> str:
        """The text of a whole file.

        Raises:
            UnicodeDecodeError: it is not written so.
        """
        return data.removeprefix(self.bom).decode(self.codec, self.errors)

    def encode(self, text: str) -> bytes:
        """The file that holds `text`.

        Raises:
            UnicodeEncodeError: the encoding has no such character.
        """
        return self.bom + text.encode(self.codec, self.errors)


UTF8 = Encoding("utf-8")


def detect(data: bytes, *, is_whole: bool = True) -> Encoding | None:
    """The encoding of a file, by its content or its beginning; None if it holds no text.

    Of a whole file it is certain that encoding what was decoded gives the same bytes. Marks decide first, then zero
    bytes (UTF-16 and UTF-32), then whether it is UTF-8; what is none of them is taken for Windows-1252 or Latin-1.
    """
    for bom, codec in _BOMS:
        if data.startswith(bom):
            encoding = Encoding(codec, bom)
            if _fits(encoding, data, is_whole=is_whole):
                return encoding
            if codec == "utf-8":
                return Encoding(codec, bom, "surrogateescape")
    if b"\0" in data:
        return next((Encoding(codec) for codec in _WIDE if _is_plausible(codec, data, is_whole=is_whole)), None)
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if controls > 2 and controls * 20 > len(data):
        return None
    if _fits(UTF8, data, is_whole=is_whole):
        return UTF8
    return _eight_bits(data)


def line_end(text: str) -> str:
    """The line end that `text` uses most, a newline if it has none."""
    pairs = text.count("\r\n")
    counts = {"\n": text.count("\n") - pairs, "\r\n": pairs, "\r": text.count("\r") - pairs}
    best = max(counts, key=lambda end: counts[end])
    return best if counts[best] else "\n"


def with_ends(text: str, end: str) -> str:
    """`text` with all its line ends made `end`."""
    return END.sub(lambda _: end, text)


def visible(text: str) -> str:
    """`text` as it can be sent: an invalid byte becomes the replacement character."""
    return _SURROGATES.sub("\ufffd", text)


def unwritable(text: str, encoding: Encoding) -> str:
    """Why `text` cannot be written in `encoding`, "" if it can; what stands for invalid bytes is no character."""
    try:
        text.encode(encoding.codec)
    except UnicodeEncodeError as exc:
        bad = text[exc.start]
        return f"{encoding.name} has no character {visible(bad)!r} (U+{ord(bad):04X})"
    return ""


def _fits(encoding: Encoding, data: bytes, *, is_whole: bool) -> bool:
    decoder = codecs.getincrementaldecoder(encoding.codec)(encoding.errors)
    try:
        decoder.decode(data[len(encoding.bom) :], final=is_whole)
    except UnicodeDecodeError:
        return False
    return True


def _is_plausible(codec: str, data: bytes, *, is_whole: bool) -> bool:
    """Whether `data` is valid and made of characters that texts are made of."""
    if _is_ascii_with_zeros(data[:_SAMPLE_BYTES]):
        return False
    if is_whole and not _fits(Encoding(codec), data, is_whole=True):
        return False
    unit = 4 if codec.startswith("utf-32") else 2
    sample = data[: _SAMPLE_BYTES // unit * unit]
    # Latin letters, blanks and line ends have a zero byte first in big endian and last in little endian.
    first, last = sample[::unit].count(0), sample[unit - 1 :: unit].count(0)
    if (first < last) != codec.endswith("le"):
        return False
    try:
        text = codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return False
    return bool(text) and all(char in "\t\n\r\f" or unicodedata.category(char) not in _UNTEXTUAL for char in set(text))


def _is_ascii_with_zeros(data: bytes) -> bool:
    """Whether it is words with zero bytes between them; two letters each would pass for one Chinese character."""
    words = data.replace(b"\0", b"")
    return words.isascii() and (len(data) - len(words)) * 3 < len(data)


def _eight_bits(data: bytes) -> Encoding:
    text = data.decode("utf-8", "surrogateescape")
    broken = sum(text.count(char) for char in set(text) if "\udc80" <= char <= "\udcff")
    # Two letters of Latin-1 hardly ever make a valid character of UTF-8, so valid ones speak for it.
    beyond = len(text) - len(text.encode("ascii", "ignore")) - broken
    if beyond >= broken:
        return Encoding("utf-8", errors="surrogateescape")
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return Encoding("latin-1")
    return Encoding("cp1252")
