"""Jupyter notebooks: a part for each cell.

Source: nbformat 4 and 3, "The notebook file format".
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ally.errors import ExtractionError
from ally.rag.document import Extracted, Heading, Part
from ally.rag.extract.decoding import decode
from ally.rag.extract.formats.markdown import headings_of

_Json = dict[str, Any]  # Any: JSON values have no better type
_MAX_OUTPUT_CHARS = 4_000


@dataclass(slots=True)
class _Notebook:
    pieces: list[str] = field(default_factory=list[str])
    parts: list[Part] = field(default_factory=list[Part])
    headings: list[Heading] = field(default_factory=list[Heading])
    length: int = 0

    def add(self, text: str) -> None:
        if text:
            self.pieces.append(f"{text}\n\n")
            self.length += len(text) + 2


def extract(data: bytes, name: str) -> Extracted:
    """Words, code and text that was printed, cell by cell; pictures and other output are left out."""
    try:
        found = json.loads(decode(data, name))
    except ValueError as exc:
        raise ExtractionError(Path(name), f"is not a valid notebook: {exc}") from exc
    notebook = _Notebook()
    for number, cell in enumerate(_cells(found), 1):
        source = _text(cell.get("source", cell.get("input", "")))
        notebook.parts.append(Part(notebook.length, f"cell {number}"))
        if cell.get("cell_type") == "markdown":
            found_here = headings_of(source + "\n")
            notebook.headings += [Heading(notebook.length + one.start, one.level, one.text) for one in found_here]
        elif cell.get("cell_type") == "heading":
            notebook.headings.append(Heading(notebook.length, _level(cell), source))
        notebook.add(source)
        for output in _outputs(cell):
            notebook.add(output[:_MAX_OUTPUT_CHARS])
    title = next((one.text for one in notebook.headings if one.level == 1), "")
    parts, headings = tuple(notebook.parts), tuple(notebook.headings)
    return Extracted("".join(notebook.pieces), "notebook", title, headings, parts, line_numbers=())


def _cells(found: object) -> Iterator[_Json]:
    """Of a notebook, or, before version 4, of its worksheets."""
    if not isinstance(found, dict):
        return
    notebook = cast(_Json, found)
    for holder in [notebook, *_dicts(notebook.get("worksheets"))]:
        yield from _dicts(holder.get("cells"))


def _outputs(cell: _Json) -> Iterator[str]:
    for output in _dicts(cell.get("outputs")):
        match output.get("output_type"):
            case "stream":
                yield _text(output.get("text"))
            case "error" | "pyerr":
                yield f"{output.get('ename', '')}: {output.get('evalue', '')}"
            case _:
                data = output.get("data", output)
                if isinstance(data, dict):
                    yield _text(cast(_Json, data).get("text/plain", ""))


def _dicts(value: object) -> list[_Json]:
    if not isinstance(value, list):
        return []
    return [cast(_Json, one) for one in cast(list[object], value) if isinstance(one, dict)]


def _text(value: object) -> str:
    """Text is a string or a list of lines."""
    if isinstance(value, list):
        value = "".join(one for one in cast(list[object], value) if isinstance(one, str))
    text = value if isinstance(value, str) else ""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _level(cell: _Json) -> int:
    level = cell.get("level")
    return level if isinstance(level, int) and 1 <= level <= 6 else 1
