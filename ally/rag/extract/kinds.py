"""Which format a file has, by its name, then by how it begins. Nothing is parsed here.

A new format is a row of `KINDS` and a module in `formats/` with `extract(data: bytes, name: str) -> Extracted`, which
raises ExtractionError for a file it cannot read. `names.py` must not say that its suffixes have no text.
"""

import re
from dataclasses import dataclass
from functools import cache

from ally.permissions.paths import words
from ally.rag.extract.languages import DATA, LANGUAGES, NAMES, language_of


@dataclass(frozen=True, slots=True)
class Kind:
    """How one format is read: by `formats/MODULE.py`.

    `magic` is what such files begin with, for those whose name does not tell; `seconds_per_mb` is how much more CPU
    time a large file gets. What `is_text` is given up for a format whose magic the content has.
    """

    module: str
    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...] = ()
    seconds_per_mb: float = 2.0
    is_text: bool = True


PICTURES = words(".png .jpg .jpeg .tif .tiff .bmp .webp")
"""Read only where somebody names them: a folder of photographs would take days."""

KINDS = (
    Kind("text", words(".txt .text .log .asc .adoc .asciidoc .tex .latex .org .srt .vtt .nfo .man")),
    Kind("markdown", words(".md .markdown .mdown .mkd .mdx .qmd .rmd")),
    Kind("rst", words(".rst .rest")),
    Kind("code", tuple(LANGUAGES)),
    Kind("html", words(".html .htm .xhtml .shtml .xht"), (b"<!doctype html", b"<!DOCTYPE html", b"<html"), 5.0),
    Kind("table", words(".csv .tsv .tab")),
    Kind("data", tuple(DATA), (b"<?xml",)),
    Kind("notebook", (".ipynb",)),
    Kind("mail", words(".eml .mbox .mbx"), (), 5.0),
    Kind("pdf", (".pdf",), (b"%PDF-",), 5.0, is_text=False),
    Kind("docx", words(".docx .docm .dotx .dotm .doc"), (), 5.0, is_text=False),
    Kind("pptx", words(".pptx .pptm .ppsx .ppsm .potx .ppt"), (), 5.0, is_text=False),
    Kind("xlsx", words(".xlsx .xlsm .xltx .xlsb .xls .ods .ots"), (), 5.0, is_text=False),
    Kind("odt", words(".odt .ott .odp .otp"), (), 5.0, is_text=False),
    Kind("epub", (".epub",), (), 5.0, is_text=False),
    Kind("ocr", PICTURES, (), 5.0, is_text=False),
)

_HEAD_BYTES = 1024


def find_kind(name: str, data: bytes) -> Kind:
    """The format of a file called `name` with the content `data`.

    What is neither known by name nor by content may be text, which decoding it will tell.
    """
    known = _by_module()["code"] if name.lower() in NAMES else _by_suffix().get(suffix_of(name))
    if known and not known.is_text:
        return known
    head = data[:_HEAD_BYTES].lstrip() if known is None else data[:_HEAD_BYTES]
    for kind in KINDS:
        if kind.magic and (known is None or not kind.is_text) and head.startswith(kind.magic):
            return kind
    if known:
        return known
    return _by_module()["code" if language_of(name, data[:_HEAD_BYTES]) else "text"]


def suffix_of(name: str) -> str:
    """The suffix that says the format: the last one, but `.rst` of `intro.rst.txt`."""
    lowered = name.lower()
    if lowered.endswith((".rst.txt", ".md.txt")):
        lowered = lowered.removesuffix(".txt")
    found = re.search(r"(?<=.)\.[^.]+$", lowered)
    return found.group() if found else ""


@cache
def _by_suffix() -> dict[str, Kind]:
    return {suffix: kind for kind in KINDS for suffix in kind.suffixes}


@cache
def _by_module() -> dict[str, Kind]:
    return {kind.module: kind for kind in KINDS}
