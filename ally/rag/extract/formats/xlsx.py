"""Spreadsheets: a part for each sheet, a line for each row, numbered as in the sheet."""

import datetime
import io
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from ally.errors import ExtractionError
from ally.rag.document import SPREADSHEET, Extracted
from ally.rag.extract.packed import Archive, Composer

_Value = str | float | bool | datetime.date | datetime.time | datetime.timedelta | None
_MOST_COLUMNS = 1_000
_MOST_HEADER_CHARS = 2_000
_ZIP = b"PK"


def extract(data: bytes, name: str) -> Extracted:
    """The values as they were when it was saved; formulas are not computed."""
    calamine: Any = import_module("python_calamine")  # Any: its sheets have values of many types
    if data.startswith(_ZIP):
        Archive.open(data, name)  # what is no archive, or too large a one, is told here
    composer = Composer(name)
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for sheet in book.sheets_metadata:
            kind, seen = str(sheet.typ), str(sheet.visible)
            if seen.endswith("Hidden"):
                composer.note(f"the hidden sheet {sheet.name} was not read")
            elif kind.endswith(("WorkSheet", "MacroSheet")):
                _add_sheet(composer, sheet.name, book.get_sheet_by_name(sheet.name).iter_rows())
    except calamine.PasswordError as exc:
        raise ExtractionError(Path(name), "is protected by a password") from exc
    except calamine.CalamineError as exc:
        raise ExtractionError(Path(name), f"is damaged: {str(exc)[:200]}") from exc
    return composer.document(SPREADSHEET, has_numbers=True)


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
