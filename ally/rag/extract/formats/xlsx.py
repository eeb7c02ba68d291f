"""Spreadsheets: a part for each sheet, a line for each row, numbered as in the sheet."""

import contextlib
import datetime
import io
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from ally.errors import ExtractionError
from ally.rag.document import SPREADSHEET, Extracted
from ally.rag.extract.packed import Archive, Composer, attribute, find_main, relations_of, walk

_Value = str | float | bool | datetime.date | datetime.time | datetime.timedelta | None
_MOST_COLUMNS = 1_000
_MOST_HEADER_CHARS = 2_000
_MOST_CELLS = 8_000_000
"""The parser has 32 bytes for each place between the first cell and the last, empty or not."""
_ZIP = b"PK"
_CELL = re.compile(rb'c r="([A-Z]{1,3})(\d{1,7})"[^<>]*(?<!/)>')
"""One that is not empty, as everybody writes it; 40 MB are looked through in 0.8 s (2026-11-23)."""
_SHEET = ("start", "sheet")
_READ_BYTES = 1 << 20
_LONGEST_TAG = 200


def extract(data: bytes, name: str) -> Extracted:
    """The values as they were when it was saved; formulas are not computed."""
    calamine: Any = import_module("python_calamine")  # Any: its sheets have values of many types
    # What is no archive, or too large a one, is told here.
    far = _far_sheets(Archive.open(data, name)) if data.startswith(_ZIP) else {}
    composer = Composer(name)
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for sheet in book.sheets_metadata:
            kind, seen = str(sheet.typ), str(sheet.visible)
            if seen.endswith("Hidden"):
                composer.note(f"the hidden sheet {sheet.name} was not read")
            elif sheet.name in far:
                composer.note(f"the sheet {sheet.name} is too large: it reaches to {far[sheet.name]}")
            elif kind.endswith(("WorkSheet", "MacroSheet")):
                _add_sheet(composer, sheet.name, book.get_sheet_by_name(sheet.name).iter_rows())
    except calamine.PasswordError as exc:
        raise ExtractionError(Path(name), "is protected by a password") from exc
    except calamine.CalamineError as exc:
        raise ExtractionError(Path(name), f"is damaged: {str(exc)[:200]}") from exc
    return composer.document(SPREADSHEET, has_numbers=True)


def _far_sheets(archive: Archive) -> dict[str, str]:
    """The sheets with more places than fit into memory, by name, and how far they reach."""
    main = find_main(archive, "xl/workbook.xml")
    if main not in archive:
        return {}
    relations = relations_of(archive, main)
    far: dict[str, str] = {}
    with archive.stream(main) as stream:
        sheets = [attributes for event, tag, attributes in walk(stream, archive.name) if (event, tag) == _SHEET]
    for attributes in sheets:
        relation = next((relations[value] for value in attributes.values() if value in relations), None)
        # What cannot be unpacked whole is left to the parser, which says why.
        with contextlib.suppress(ExtractionError):
            if (
                relation is not None
                and relation.member in archive
                and (corner := _far_corner(archive, relation.member))
            ):
                far[attribute(attributes, "name")] = corner
    return far


def _far_corner(archive: Archive, member: str) -> str:
    """How far a sheet reaches that has too many places; "" for all others."""
    columns: set[bytes] = set()
    first, last = 1 << 30, 0
    rest = b""
    with archive.stream(member) as stream:
        while piece := stream.read(_READ_BYTES):
            piece = rest + piece
            cells = _CELL.findall(piece)
            columns.update(column for column, _ in cells)
            rows = [int(row) for _, row in cells]
            first, last = min([first, *rows]), max([last, *rows])
            rest = piece[piece.rfind(b"<") :][-_LONGEST_TAG:]
    by_place = sorted(columns, key=lambda column: (len(column), column))
    places = (_number(by_place[-1]) - _number(by_place[0]) + 1) * (last - first + 1) if by_place else 0
    return f"{by_place[-1].decode()}{last}" if places > _MOST_CELLS else ""


def _number(column: bytes) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in column:
        number = number * 26 + letter - 64
    return number


def _add_sheet(composer: Composer, title: str, rows: Iterable[list[_Value]]) -> None:
    """The rows that are not empty; where some were, a blank line. The first may be the names of the columns."""
    before = 0
    for number, row in enumerate(rows, 1):
        cells = [_shown(value) for value in row[:_MOST_COLUMNS]]
        if not any(cells):
            continue
        line = " | ".join(cells).rstrip(" |")
        if not before:
            composer.begin_part(f"sheet {title}", line[:_MOST_HEADER_CHARS] if _are_names(row) else "")
        elif number > before + 1:
            composer.set_apart()
        composer.add_line(line, number=number)
        before = number
        if len(row) > _MOST_COLUMNS:
            composer.note(f"of the sheet {title} only the first {_MOST_COLUMNS:,} columns were read")


def _are_names(row: list[_Value]) -> bool:
    """Whether a row names columns: several texts, all different."""
    names = [value for value in row if value not in ("", None)]
    return len(names) > 1 and len(set(map(str, names))) == len(names) and all(isinstance(one, str) for one in names)


def _shown(value: _Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return f"{value:.15g}"
        case datetime.datetime():
            return value.isoformat(" ", "minutes" if not value.second else "seconds")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return " ".join(str(value).split())
