"""Tables in text: values with commas, semicolons or tabs between them, a row on a line."""

import csv
import re

from ally.rag.document import Extracted, Part
from ally.rag.extract.decoding import decode
from ally.rag.extract.kinds import suffix_of

_SEPARATORS = ",;\t|"
_SAMPLE_LINES = 20
_MAX_LINE = 5_000
_NUMBER = re.compile(r"[-+€$£]?\d[\d.,:/ %-]*[%€$]?")


def extract(data: bytes, name: str) -> Extracted:
    """The rows as they are; the names of the columns, if there are any, go with each piece of the table."""
    text = decode(data, name)
    known = "tsv" if suffix_of(name) in (".tsv", ".tab") else "csv"
    sample = _sample(text)
    header = sample[0] if _is_header(sample, "\t" if known == "tsv" else _separator(sample)) else ""
    after = len(sample[0]) + 1 if header else 0
    parts = (Part(after, "", header),) if header and after < len(text) else ()
    return Extracted(text, known, parts=parts)


def _sample(text: str) -> list[str]:
    """The first lines; what follows a line that is very long is of no use."""
    lines: list[str] = []
    start = 0
    while len(lines) < _SAMPLE_LINES and (end := text.find("\n", start)) >= 0 and end - start < _MAX_LINE:
        lines.append(text[start:end])
        start = end + 1
    return lines


def _separator(sample: list[str]) -> str:
    """The sign that divides the most lines into equally many values."""

    def weight(sign: str) -> tuple[int, int]:
        counts = [len(row) for row in _rows(sample, sign)]
        usual = max(set(counts), key=counts.count, default=1)
        return (counts.count(usual) if usual > 1 else 0, usual)

    return max(_SEPARATORS, key=weight)


def _is_header(sample: list[str], separator: str) -> bool:
    """Whether the first line names columns: several names, all different, none a number or empty."""
    rows = _rows(sample, separator)
    if len(rows) < 2 or len(rows[0]) < 2 or len(rows[0]) != len(rows[1]):
        return False
    names = [value.strip() for value in rows[0]]
    if len(set(names)) < len(names) or any(not name or len(name) > 80 or _NUMBER.fullmatch(name) for name in names):
        return False
    return sample[0].count('"') % 2 == 0


def _rows(sample: list[str], separator: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(sample, delimiter=separator) if row]
    except csv.Error:
        return []
