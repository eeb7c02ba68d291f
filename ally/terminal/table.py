"""Text in columns, as wide as the terminal and no wider; the text may come from plug-ins."""

import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Sequence

from ally.terminal.text import clean, one_line

MIN_CUT = 8


def room() -> int | None:
    """Columns of the terminal that shows standard output; None where nobody looks, so that scripts get all."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, space: int | None = None, spare: Sequence[str] = ()
) -> list[str]:
    """Lines with aligned columns within `space`: columns of `spare` go, in that order, then the last one is cut.

    Blanks at the beginning of a first cell stay.
    """
    lines = [[_indented(row[0]), *map(one_line, row[1:])] for row in (header, *rows)]
    widths = _widths(lines)
    for name in spare if space is not None else ():
        if _total(widths) <= (space or 0):
            break
        at = lines[0].index(name)
        lines = [line[:at] + line[at + 1 :] for line in lines]
        widths = _widths(lines)
    return _fitted(lines, space)


def columns(rows: Sequence[Sequence[str]], *, space: int | None = None) -> list[str]:
    """Lines with aligned columns and no header; what a first cell begins with, such as blanks, stays."""
    return _fitted([[clean(row[0]), *map(one_line, row[1:])] for row in rows], space)


def cut(text: str, columns: int) -> str:
    """`text` within that many columns, with … where something is missing."""
    if text.isascii():
        return text if len(text) <= columns else text[: max(0, columns - 1)].rstrip() + "…"
    used, end = 0, 0  # end: where the text is cut if it turns out to be too long
    for place, char in enumerate(text):
        used += width(char)
        if used > columns:
            return text[:end].rstrip() + "…"
        if used < columns:
            end = place + 1
    return text


def fitting(parts: Sequence[str], columns: int) -> str:
    """The first of `parts` that fit whole into that many columns, with dots between; the very first is always there."""
    first, *rest = filter(None, parts)
    for part in rest:
        if width(first) + width(part) + 3 > columns:
            break
        first += f" · {part}"
    return first


def hang(first: str, text: str, space: int | None) -> str:
    """`first` and then `text`, whose further lines stand below its beginning."""
    if space is None or space < width(first) + MIN_CUT:
        return first + text
    lines = textwrap.wrap(text, space - width(first), break_long_words=False, break_on_hyphens=False)
    return first + ("\n" + " " * width(first)).join(lines or [""])


def width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


def _fitted(lines: Sequence[Sequence[str]], space: int | None) -> list[str]:
    widths = _widths(lines)
    if space is not None and (last := widths[-1] - (_total(widths) - space)) < widths[-1] and last >= MIN_CUT:
        lines = [[*line[:-1], cut(line[-1], last)] for line in lines]
        widths[-1] = last
    return [
        "  ".join(cell + " " * (size - width(cell)) for cell, size in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _indented(cell: str) -> str:
    return " " * (len(cell) - len(cell.lstrip(" "))) + one_line(cell)


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(width, column)) for column in zip(*lines, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)
