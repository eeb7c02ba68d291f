"""Writes docs/reference/tools.md from the tools that come with Ally.

`--check` changes nothing and fails when the page is not up to date.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ally.agents.spec import load_agent  # noqa: E402 - after sys.path
from ally.config.settings import AGENTS  # noqa: E402
from ally.engine import tokens  # noqa: E402
from ally.messages import JsonObject, ToolSpec  # noqa: E402
from ally.permissions.action import Kind  # noqa: E402
from ally.rag import librarian  # noqa: E402
from ally.sandbox import choose  # noqa: E402
from ally.tools import contents, jobs, line_results, opening, output, pictures, window  # noqa: E402
from ally.tools.base import Tool  # noqa: E402
from ally.tools.builtin import find, grep, knowledge, read, shell, todo  # noqa: E402
from ally.tools.builtin import list as listing  # noqa: E402
from ally.tools.catalogue import TOOL_NAMES, Bench, build_tools  # noqa: E402
from ally.tools.workspace import Workspace  # noqa: E402
from scripts.pages import keep  # noqa: E402

PAGE = ROOT / "docs/reference/tools.md"

KINDS: dict[Kind, str] = {
    "none": "touches nothing",
    "read": "reads",
    "write": "changes files",
    "delete": "deletes",
    "run": "runs a command",
    "fetch": "fetches from the network",
    "other": "may have effects elsewhere",
}
TYPES = {"string": "text", "integer": "a whole number", "boolean": "true or false", "array": "a list"}
EXAMPLES: dict[str, JsonObject] = {
    "read": {"path": "src/a.py"},
    "write": {"path": "src/a.py", "content": ""},
    "edit": {"path": "src/a.py", "edits": [{"old": "a", "new": "b"}]},
    "delete": {"path": "src/a.py"},
    "list": {"path": "src"},
    "find": {"pattern": "*.py", "path": "src"},
    "grep": {"pattern": "TODO", "path": "src"},
    "shell": {"command": "make test"},
    "job": {"do": "list"},
    "todo": {"items": []},
    "knowledge": {"query": "how is it reset"},
}
MEANINGS: dict[str, dict[str, str]] = {
    "read": {"path": "the file", "offset": "the first line", "limit": "how many lines"},
    "write": {"path": "the file; folders on the way are made", "content": "all of it"},
    "edit": {
        "path": "the file",
        "edits": "a list of `old` and `new` text; `all` true replaces every occurrence of `old`",
    },
    "delete": {"path": "the file, link or folder", "recursive": "a folder with what is in it"},
    "list": {"path": "the folder; the working folder if left out"},
    "find": {
        "pattern": "a glob; `**` stands for any folders, `/` at its end for folders",
        "path": "where; the working folder if left out",
        "newest": "the newest first",
        "ignored": "also what `.gitignore` leaves out",
    },
    "grep": {
        "pattern": "a regular expression",
        "path": "a folder or a file; the working folder if left out",
        "glob": "which files",
        "ignore_case": "upper and lower case are the same",
        "context": "lines before and after a match",
        "files_only": "only the names of the files",
        "ignored": "also what `.gitignore` leaves out",
    },
    "shell": {
        "command": "what bash runs, without the user's start files and without input",
        "timeout_s": "the time limit",
        "background": "leave it running as a job",
        "network": "ask for the network",
        "writable": "ask to write in these places outside the working folder",
    },
    "job": {"do": "what to do", "id": "of which job"},
    "todo": {"items": "the whole list: `text` and `status` (pending, active, done)"},
    "knowledge": {
        "query": "what is looked for, in words",
        "collection": "where; all that answers may use if left out",
        "limit": "how many passages",
    },
}
LIMITS: dict[str, tuple[str, ...]] = {
    "read": (
        f"{window.MAX_LINES:,} lines unless `limit` says otherwise, and at most {window.MAX_CHARS:,} characters and"
        f" {window.LONGEST_LINE:,} of a line, with line numbers; the result says where to go on.",
        "UTF-8, UTF-16 and UTF-32, with or without a byte order mark; what is none of them is taken for Windows-1252 or"
        f" Latin-1. Files up to {read.MAX_WHOLE_BYTES / 1e6:.0f} MB are looked at whole, larger ones by the window.",
        f"Pictures up to {pictures.MAX_BYTES / 1e6:.1f} MB and {pictures.MAX_PIXELS:,} pixels a side, for a model that"
        " sees. Binary files, folders, pipes and devices are refused.",
    ),
    "write": (
        "A file that exists must have been read first, and not have changed since.",
        f"Of a file that exists it keeps the encoding, the line ends and the mode. Up to {contents.MAX_BYTES / 1e6:.0f}"
        " MB. The file is replaced whole or not at all.",
    ),
    "edit": (
        "Each `old` has to occur exactly once unless `all` is set. All edits are made or none; when one does not fit,"
        " the answer shows the passage that is nearest.",
        "Every byte outside of the edits stays: encoding, byte order mark, line ends, mode.",
        f"Files up to {contents.MAX_BYTES / 1e6:.0f} MB. Other processes of Ally are waited for up to"
        f" {opening.LOCK_WAIT_S:.0f} s.",
    ),
    "delete": (
        "Of a link only the link goes. A folder that is not empty needs `recursive`.",
        "Never the working folder, the home folder, or a `.git`.",
    ),
    "list": (f"At most {listing.MAX_ENTRIES} entries, hidden ones too, with their sizes.",),
    "find": (
        f"At most {find.MAX_RESULTS} results of {find.MAX_WALKED:,} entries. Links are named and not followed.",
        "What `.gitignore` names is left out.",
    ),
    "grep": (
        f"At most {grep.MAX_LINES} lines, {grep.MAX_CHARS:,} characters and {grep.MAX_SECONDS} s; lines are cut at"
        f" {line_results.MAX_WIDTH} characters.",
        "With ripgrep where it is installed, else with Ally's own engine, and the same results.",
        "Binary files, links, what `.gitignore` names, secrets and what a rule denies to read are left out; the last"
        " two are named.",
    ),
    "shell": (
        f"{shell.DEFAULT_TIMEOUT_S} s unless `timeout_s` says otherwise, at most {shell.MAX_TIMEOUT_S:,}; then the"
        " command ends with all that it started.",
        f"The model gets {output.LIMITS.lines} lines or {output.LIMITS.size_bytes / 1e3:.0f} kB of the beginning and as"
        " much of the end; what is longer is kept in a file that it can read.",
        "It runs in the [sandbox](../design/sandbox.md); each command starts in the working folder.",
    ),
    "job": (f"{jobs.MAX_RUNNING} jobs may run at a time. They end with Ally.",),
    "todo": (f"At most {todo.MAX_ITEMS} tasks. The user sees the list.",),
    "knowledge": (
        "It is there where a collection is indexed, and not for models of up to a billion weights: these get passages"
        " with the question, after `/start_rag`.",
        f"{knowledge.DEFAULT_LIMIT} passages unless `limit` says otherwise; together they take about a sixth of the"
        f" model's window, {librarian.MIN_TOKENS} to {librarian.MAX_TOKENS:,} tokens.",
        "Passages of secrets and of files that a rule denies to read are left out. A rule may name the collection:"
        " `knowledge(docs)`; where it denies or asks, a search of all collections leaves that one out.",
    ),
}
INTRODUCTION = """\
# Tools

<!-- Made by scripts/docs_tools.py from ally/tools/builtin/. -->

What a model can do besides talking. Paths are relative to the working folder, `~` is the home folder. Every call passes
the [permissions](permissions.md) first; calls that only read run side by side, all others one by one. A call that fails
or is not allowed gives the model a text that says why, and the turn goes on. What is quoted is all that a model is told
about a tool.

Models of up to 4 billion weights, or with a window of 8,192 tokens or less, get neither job nor todo, and fewer
arguments and words; edit then replaces one passage, `old` by `new`. What no tool of the agent's list can do, the agent
cannot do:

"""


def page() -> str:
    """The reference page."""
    tools = _tools()
    parts = [INTRODUCTION, "| agent | tools |\n|---|---|\n"]
    parts += [f"| `{name}` | {' '.join(load_agent(name).tools)} |\n" for name in AGENTS]
    cost = tokens.of_tools(tool.spec for tool in tools)
    parts.append(f"\nAll {len(tools)} together cost a request about {round(cost, -1)} tokens.\n")
    parts += [_section(tool) for tool in tools]
    return "".join(parts)


def main() -> int:
    """0 if the page is up to date now."""
    return keep({PAGE: page()}, __doc__)


def _tools() -> list[Tool]:
    folder = Path("/project")
    bench = Bench(
        workspace=Workspace(folder, Path("/home/user"), folder / "spill"),
        sandbox=lambda: choose({}),
        hidden=lambda path: "",
        secrets=tuple,
        images=lambda: True,
    )
    return build_tools(TOOL_NAMES, bench)


def _section(tool: Tool) -> str:
    spec, action = tool.spec, tool.action(EXAMPLES[tool.spec.name])
    subject = f"({action.subject})" if action.subject and action.kind != "none" else ""
    text = " ".join(spec.description.split()).replace("*", r"\*")
    parts = [f"\n## {spec.name}\n\n> {text}\n\n"]
    parts.append(f"It {KINDS[action.kind]}. In [rules](permissions.md#rules): `{spec.name}{subject}`.\n\n")
    parts += ["| parameter | value | what it is for |\n|---|---|---|\n", *_rows(spec), "\n"]
    return "".join([*parts, *(f"- {limit}\n" for limit in LIMITS[spec.name])])


def _rows(spec: ToolSpec) -> list[str]:
    properties = spec.parameters["properties"]
    meanings = MEANINGS[spec.name]
    if list(properties) != list(meanings):
        raise SystemExit(f"scripts/docs_tools.py: MEANINGS says nothing, or too much, about {spec.name}")
    required = spec.parameters.get("required", ())
    return [
        f"| `{name}` | {_value(schema)}{' **required**' if name in required else ''} | {meanings[name]} |\n"
        for name, schema in properties.items()
    ]


def _value(schema: JsonObject) -> str:
    if "enum" in schema:
        return " or ".join(f"`{one}`" for one in schema["enum"])
    kind = {"string": "text", "integer": "a whole number", "boolean": "true or false", "array": "a list"}[
        schema["type"]
    ]
    if "maximum" in schema:
        return f"{kind}, {schema['minimum']:,} to {schema['maximum']:,}"
    if "minimum" in schema:
        return f"{kind}, {schema['minimum']} or more"
    return f"{kind}, at most {schema['maxItems']}" if "maxItems" in schema else kind


if __name__ == "__main__":
    sys.exit(main())
