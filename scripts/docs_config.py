"""Writes what is made from the settings: docs/reference/config.md and ally/config/schema.json.

`--check` changes nothing and fails when one of them is not up to date.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ally.config.environment import OTHER_VARIABLES, OVERRIDES  # noqa: E402 - after sys.path
from ally.config.schema import json_schema  # noqa: E402 - after sys.path
from ally.config.settings import AGENTS, SHAPE, Endpoint, Permissions  # noqa: E402 - after sys.path
from ally.config.shapes import AnyObject, Choice, Count, Map, Number, Record, Shape, Text, Texts  # noqa: E402 - after sys.path

PAGE = ROOT / "docs/reference/config.md"
SCHEMA = ROOT / "ally/config/schema.json"

INTRODUCTION = """\
# Configuration

<!-- Made by scripts/docs_config.py from ally/config/settings.py. -->

Ally reads `config.json`. Every key may be left out, and `null` or empty text means "not set". An unknown key, a wrong
value or broken JSON is an error that names the file and the line; nothing runs with half a configuration.

- `ally config show` lists every value and where it was set; headers and the like are masked.
- `ally config get KEY` gives one value. `KEY` is written with dots, e.g. `models.general`.
- `ally config set KEY VALUE` changes one, in the file that holds it now; `VALUE` is JSON or plain text.
- `ally config path` names the files that are read.
- `ally config schema` prints a JSON Schema. The shipped `config.json` refers to it, so editors complete keys and mark
  mistakes.

## Layers

Later wins:

1. built-in defaults
2. the user's file: `$XDG_CONFIG_HOME/ally/config.json` (`~/.config/ally/config.json`)
3. `config.json` of the checkout, if Ally runs from one
4. `ALLY_*` variables
5. flags of the command line

Objects are merged key by key, lists are replaced as a whole. Upper and lower case do not matter in names of providers.

A model belongs to the provider it was chosen for: when a later layer names another provider and no model, the models of
the earlier layers are left aside, and the new provider's default model is used.

## Keys

| key | value | default | what it is for |
|---|---|---|---|
"""
AGENT_NOTE = f"""
Where the table says *agent*, the key is one of {", ".join(f"`{name}`" for name in AGENTS)}.
"""
SECRETS = """
## Keys of services

Keys do not go into config.json. They are environment variables, which may stand in `.env` of the checkout or in `.env`
of the configuration folder; the `.env` of the folder you are working in is never read. `.env.example` lists the names.

- What is set in the environment wins over `.env`, and the checkout's `.env` over that of the configuration folder.
- Empty values and examples such as `...` or `your_api_key_here` count as not set.
- Values are taken literally: `$NAME` and `${NAME}` are not expanded. In double quotes `\\n` is a line break.
- `PATH`, `HOME`, `LD_*`, `PYTHON*`, `GIT_*` and other variables that change how programs run are not taken from `.env`,
  and neither is `ALLY_HOME`.
- A line that is not `NAME=value` is skipped; `ally doctor` names it, and a `.env` that others may read.
"""


def page() -> str:
    """The reference page."""
    rows = [_row(name, entry.shape, entry.default, entry.help) for name, entry in SHAPE.entries.items()]
    parts = [INTRODUCTION, *rows, AGENT_NOTE]
    for title, cls in (("endpoints.NAME", Endpoint), ("permissions", Permissions)):
        parts += [f"\n### {title}\n\n{cls.__doc__}\n\n| key | value | default | what it is for |\n|---|---|---|---|\n"]
        for name, entry in Record(cls).entries.items():
            default = "**required**" if entry.is_required else entry.default
            parts.append(_row(name, entry.shape, default, entry.help))
    parts.append("\n## Variables\n\n| variable | flag | sets |\n|---|---|---|\n")
    for item in OVERRIDES:
        flag = f"`--{item.flag.replace('_', '-')}`" if item.flag else ""
        parts.append(f"| `{item.variable}` | {flag} | {item.help} (`{item.key}`) |\n")
    parts += [f"| `{name}` | | {text} |\n" for name, text in OTHER_VARIABLES.items()]
    parts.append("\nOther variables that start with `ALLY_` are not settings and change nothing here.\n")
    return "".join([*parts, SECRETS])


def schema() -> str:
    """The JSON Schema, as the file beside the settings."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"


def main() -> int:
    """0 if both files are up to date now."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail if a file is not up to date")
    is_check = parser.parse_args().check
    wanted = {PAGE: page(), SCHEMA: schema()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if is_check:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not up to date: run python scripts/docs_config.py\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], "utf-8")
    return 1 if is_check and stale else 0


def _row(name: str, shape: Shape, default: object, text: str) -> str:
    return f"| `{name}` | {_value(shape)} | {_default(default)} | {text.replace('|', chr(92) + '|')} |\n"


def _value(shape: Shape) -> str:  # noqa: PLR0911 - one line per shape
    match shape:
        case Text():
            return "text"
        case Choice(words=words):
            return ", ".join(f"`{word}`" for word in words)
        case Number(low=low, high=high):
            return f"number from {low:g} to {high:g}"
        case Count(unit=unit):
            return f"number of {unit}"
        case Texts():
            return "list of texts"
        case Map(names=names, values=values):
            return f"object: {'agent' if names else 'name'} → {_value(values)}"
        case AnyObject():
            return "object"
        case _:
            return "object, see below"


def _default(value: object) -> str:
    if isinstance(value, str):
        return value if value.startswith("**") else f"`{value}`"
    return "`null`" if value is None else "empty"


if __name__ == "__main__":
    sys.exit(main())
