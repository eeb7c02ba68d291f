"""Writes what is made from the settings: docs/reference/config.md and ally/config/schema.json.

`--check` changes nothing and fails when one of them is not up to date.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ally.config.environment import OTHER_VARIABLES, OVERRIDES  # noqa: E402 - after sys.path
from ally.config.schema import accepted, json_schema  # noqa: E402 - after sys.path
from ally.config.settings import AGENTS  # noqa: E402 - after sys.path
from ally.messages import JsonObject  # noqa: E402 - after sys.path
from scripts.pages import keep  # noqa: E402 - after sys.path

PAGE = ROOT / "docs/reference/config.md"
SCHEMA = ROOT / "ally/config/schema.json"

INTRODUCTION = """\
# Configuration

<!-- Made by scripts/docs_config.py from ally/config/settings.py. -->

Ally reads `config.json`. Every key may be left out, and `null` or empty text means "not set". An unknown key, a wrong
value or broken JSON is an error that names the file and the line; nothing runs with half a configuration.

- `ally config show` lists every value and where it was set; headers and the like are masked.
- `ally config get KEY` gives one value. `KEY` is written with dots, e.g. `models.general`.
- `ally config set KEY VALUE` changes one, in the file that holds it now; `VALUE` is JSON or plain text. One that
  no file holds goes into the checkout's file, or into the user's if `ALLY_HOME` is set or there is no checkout.
- `ally config unset KEY` takes one out of the file that sets it, so that a file below it or the default holds.
- `ally config path` names the files that are read.
- `ally config schema` prints a JSON Schema. The shipped `config.json` refers to it, so editors complete keys and mark
  mistakes.

## Layers

Later wins:

1. built-in defaults
2. the user's file: `$XDG_CONFIG_HOME/ally/config.json` (`~/.config/ally/config.json`)
3. `config.json` of the checkout, if Ally runs from one
4. `.ally/config.json` of the folder you work in, if you trust it; it may only tighten (see [below](#in-a-folder))
5. `ALLY_*` variables
6. flags of the command line

Objects are merged key by key; lists are replaced as a whole, but those of `permissions.ask` and `permissions.deny` add
up. Upper and lower case do not matter in names of providers.

A model belongs to the provider it was chosen for: when a later layer names another provider and no model, the models of
the earlier layers are left aside, and the new provider's default model is used.

## Keys

"""
HEADER = """\
| key | value | default | what it is for |
|---|---|---|---|
"""
AGENT_NOTE = f"""
Where the table says *agent*, the key is one of {", ".join(f"`{name}`" for name in AGENTS)}.

`mcp_servers` and `scraping_method` are read and checked; they take effect with the servers and documents that they are
for, which this version does not have yet.
"""
FOLDER = """
## In a folder

`.ally/config.json` of the working folder is read once you said that you trust the folder. It may add to
`permissions.ask` and `permissions.deny`, choose a stricter `permissions.mode`, and set `temperatures`. Everything else
in it is left out with a notice, so that what you download cannot choose a service or allow itself anything. Rules are
explained in [permissions](permissions.md#rules); `AGENTS.md` beside them tells the model how to work there.
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
    schema = json_schema()
    parts = [INTRODUCTION, HEADER, *_rows(schema), AGENT_NOTE]
    endpoints = schema["properties"]["endpoints"]["additionalProperties"]
    parts_of = [(name, schema["properties"][name]) for name in ("permissions", "tui")]
    for title, part in (("endpoints.NAME", endpoints), *parts_of):
        parts += [f"\n### {title}\n\n{part['description']}\n\n{HEADER}", *_rows(part)]
    parts.append(FOLDER)
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
    return keep({PAGE: page(), SCHEMA: schema()}, __doc__)


def _rows(part: JsonObject) -> list[str]:
    """A line of the table for each key."""
    required = part.get("required", ())
    return [
        f"| `{key}` | {_value(value)} | {_default(value, key in required)} | {value['description']} |\n"
        for key, value in part["properties"].items()
    ]


def _value(schema: JsonObject) -> str:
    if "additionalProperties" not in schema:
        return accepted(schema).replace(" in double quotes", "").replace(" [...]", "").replace(" {...}", "")
    if "properties" not in schema:
        return f"an object: name → {_value(schema['additionalProperties'])}"
    if tuple(schema["properties"]) == AGENTS:
        return f"an object: agent → {_value(schema['properties'][AGENTS[0]])}"
    return "an object, see below"


def _default(schema: JsonObject, is_required: bool) -> str:
    value = schema.get("default")
    if is_required:
        return "**required**"
    if isinstance(value, str | bool):
        return f"`{value}`" if isinstance(value, str) else f"`{str(value).lower()}`"
    return "`null`" if value is None else "empty"


if __name__ == "__main__":
    sys.exit(main())
