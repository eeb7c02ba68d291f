"""Searching lines where there is no ripgrep. It is run as a script in a child process and imports nothing of Ally.

A child process can be ended at any moment, also in the middle of an expression that takes for ever.

Its arguments are one JSON object and the files; it prints what ripgrep prints with `--null --line-number`, which is
`PATH NUL NUMBER : LINE` for a match and `PATH NUL NUMBER - LINE` for a line around one.
"""

import io
import json
import os
import re
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TextIO

BINARY_HEAD = 8000
MAX_LINE = 1 << 20
"""Longer lines are searched in pieces of this many characters."""
_SMALL = 1 << 16


@dataclass(frozen=True)
class Wish:
    """What is searched for, how many lines around it are shown, and how many matches of one file at most."""

    expression: re.Pattern[str]
    context: int
    most: int
    width: int


def main() -> None:
    """Search all files; one that cannot be read is named on standard error."""
    facts = json.loads(sys.argv[1])
    flags = re.IGNORECASE if facts["ignore_case"] else re.RegexFlag(0)
    wish = Wish(re.compile(facts["pattern"], flags), facts["context"], facts["most"], facts["width"])
    out = sys.stdout.buffer
    for path in sys.argv[2:]:
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - a script that starts fast
                _search(os.fsencode(path), file, wish, out)
        except OSError as exc:
            os.write(2, b"%d\n" % (exc.errno or 0))
    out.flush()


def is_binary(head: bytes) -> bool:
    """Whether a file that begins so is no text: it holds NUL and says nothing of UTF-16."""
    return b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))


def _search(path: bytes, file: BinaryIO, wish: Wish, out: BinaryIO) -> None:
    head = file.read(_SMALL)
    if is_binary(head[:BINARY_HEAD]):
        return
    found = shown = until = 0  # shown: the last line that was printed; until: the last one around the last match
    before: deque[tuple[int, str]] = deque(maxlen=wish.context)
    for number, line in _lines(_text(head, file)):
        if found < wish.most and wish.expression.search(line):
            found += 1
            for earlier, text in before:
                if earlier > shown:
                    _write(out, path, f"{earlier}-{text[: wish.width]}")
            before.clear()
            if number > shown:  # a further piece of a long line is the same line
                _write(out, path, f"{number}:{line[: wish.width]}")
            shown, until = number, number + wish.context
        elif shown < number <= until:
            _write(out, path, f"{number}-{line[: wish.width]}")
            shown = number
        elif found >= wish.most:
            return
        else:
            before.append((number, line))


def _text(head: bytes, file: BinaryIO) -> TextIO:
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if len(head) < _SMALL:  # all of it; most files are
        return io.StringIO(head.decode(encoding, "replace"), newline="\n")
    file.seek(0)
    return io.TextIOWrapper(file, encoding, errors="replace", newline="\n")


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    number = 1
    while line := file.readline(MAX_LINE):
        is_whole = line.endswith("\n")
        yield number, line.rstrip("\n").removesuffix("\r") if is_whole else line
        number += is_whole


def _write(out: BinaryIO, path: bytes, text: str) -> None:
    out.write(path + b"\0" + text.encode("utf-8", "replace") + b"\n")


if __name__ == "__main__":
    main()
