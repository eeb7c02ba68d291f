"""What every store keeps of a document's text: blocks that can be read one by one, digests, words for the index."""

import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import pairwise
from unicodedata import category

import msgspec

from ally.rag.document import Extracted, Passage

BLOCK_CHARS = 1 << 13
"""A passage costs one or two blocks to read, 0.05 ms each, however long its document is. Blocks of 32,768 would take
0.17 ms and an eighth less room (documentation in English, 2026-11-22)."""

TOKENIZER = "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mc Mn'"
"""How SQLite's FTS5 makes words of a text: folded, and without the endings of English."""

_LEVEL = 6
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)
"""Runs of scripts that put no blanks between words (Thai, Lao, Burmese, Khmer, kana, Han) or write several in one
(Hangul)."""

_decode_about = msgspec.msgpack.Decoder(Extracted).decode
_encode = msgspec.msgpack.Encoder().encode


def digest(searched: str) -> bytes:
    """Names a text: 16 bytes."""
    return blake2b(searched.encode("utf-8", "replace"), digest_size=16).digest()


def pack(document: Extracted) -> list[bytes]:
    """The blocks of a document: all but its text, then the text."""
    about, text = _encode(replace(document, text="")), document.text
    pieces = (text[start : start + BLOCK_CHARS] for start in range(0, len(text), BLOCK_CHARS))
    return [zlib.compress(data, _LEVEL) for data in (about, *(piece.encode() for piece in pieces))]


def unpack(blocks: Sequence[bytes]) -> Extracted:
    """The document again."""
    about, *pieces = (zlib.decompress(block) for block in blocks)
    return replace(_decode_about(about), text=b"".join(pieces).decode())


def cut(start: int, end: int, read_block: Callable[[int], str]) -> str:
    """Characters `start` up to `end` of a text; `read_block` gives the piece of the text with a number from 1."""
    first, last = start // BLOCK_CHARS, max(start, end - 1) // BLOCK_CHARS
    text = "".join(read_block(number + 1) for number in range(first, last + 1))
    return text[start - first * BLOCK_CHARS : end - first * BLOCK_CHARS]


def decode_block(block: bytes) -> str:
    """A piece of the text."""
    return zlib.decompress(block).decode()


def indexed(passage: Passage) -> tuple[str, str, str]:
    """Text, headings and pairs of signs of a passage, as the index of words takes them.

    Where there are no blanks between words, neighbouring pairs of signs stand for them, as in most search engines.
    """
    text, text_pairs = split_pairs(passage.text)
    headings, heading_pairs = split_pairs(passage.context)
    return text, headings, f"{text_pairs} {heading_pairs}".strip()


def split_pairs(text: str) -> tuple[str, str]:
    """The text without what is written without blanks, and the pairs of the latter."""
    if text.isascii() or not _UNSPACED.search(text):
        return text, ""
    return _UNSPACED.sub(" ", text), " ".join(pair for run in _UNSPACED.findall(text) for pair in _pairs(run))


def looked_up(word: str) -> tuple[list[str], list[str]]:
    """The words within a word of a query, as the index sees them, and the pairs of what is written without blanks."""
    plain, pairs = split_pairs(word.encode("utf-8", "replace").decode().lower())
    parts = "".join(sign if sign.isalnum() or category(sign)[0] == "M" else " " for sign in plain).split()
    return parts, pairs.split()


def _pairs(run: str) -> Iterator[str]:
    return (a + b for a, b in pairwise(run)) if len(run) > 1 else iter((run,))


def clean(document: Extracted, passages: Sequence[Passage]) -> tuple[Extracted, Sequence[Passage]]:
    """Both without halves of surrogate pairs, which are in no valid text; each becomes `?`, so that offsets hold."""
    try:
        _encode((document, passages))
    except UnicodeEncodeError:
        parts = json.dumps(msgspec.to_builtins((document, passages)), ensure_ascii=False).encode("utf-8", "replace")
        return msgspec.json.decode(parts, type=tuple[Extracted, list[Passage]])
    return document, passages
