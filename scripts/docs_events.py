"""Writes docs/reference/events.md from ally/events.py.

`--check` changes nothing and fails when the page is not up to date.
"""

import inspect
import re
import sys
import typing
from dataclasses import MISSING, Field, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ally import events  # noqa: E402 - after sys.path
from scripts.pages import keep  # noqa: E402 - after sys.path

PAGE = ROOT / "docs/reference/events.md"

INTRODUCTION = """\
# Events

<!-- Made by scripts/docs_events.py from ally/events.py. -->

Everything that happens in a turn is an event of `ally/events.py`. `ally.engine.loop.send` yields them, and every front
end reads that one stream. What `-p --output-format stream-json` prints is made from it.

## Order

"""


def page() -> str:
    """The reference page."""
    law = inspect.getdoc(events.check_order) or ""
    order = law.partition("\n\n")[2].partition("\n\nRaises:")[0]
    parts = [INTRODUCTION, order, "\n\n`events.check_order` holds a stream against this law.\n"]
    parts += [_section(kind) for kind in typing.get_args(events.Event)]
    parts += ["\n## What events hold\n", _section(events.Question, level=3)]
    return "".join(parts)


def main() -> int:
    """0 if the page is up to date now."""
    return keep({PAGE: page()}, __doc__)


def _section(kind: type, level: int = 2) -> str:
    rows = [f"- `{field.name}`: {_type(field)}{_default(field)}\n" for field in fields(kind)]
    return f"\n{'#' * level} {kind.__name__}\n\n{inspect.getdoc(kind)}\n" + ("\n" + "".join(rows) if rows else "")


def _type(field: "Field[typing.Any]") -> str:
    return f"`{re.sub(r'ally[.][a-z]+[.]', '', inspect.formatannotation(field.type))}`"


def _default(field: "Field[typing.Any]") -> str:
    return "" if field.default is MISSING else f", `{field.default!r}` if not said"


if __name__ == "__main__":
    sys.exit(main())
