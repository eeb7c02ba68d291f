"""Requests with the calls that answer them, and how an answer is judged."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROMPTS = Path(__file__).with_name("prompts")
SETS = ("test", "paraphrases", "tuning")
_SAME_RESULT = ("files_only", "ignore_case", "newest", "context")
"""Parameters that change how a result looks, not what is found."""

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is said, and the calls that are right, as (tool, arguments); none: it wants no tool."""

    say: str
    calls: tuple[tuple[str, Args], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one answer is worth. Of a request that wants no tool only `called` says something."""

    called: bool
    valid: bool = False
    right_tool: bool = False
    right_args: bool = False


def load(name: str) -> list[Prompt]:
    """The prompts of the set `name`."""
    lines = (PROMPTS / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [_prompt(json.loads(line)) for line in lines]


def _prompt(row: Mapping[str, Any]) -> Prompt:
    calls = [dict(call) for call in row["calls"]]
    return Prompt(row["say"], tuple((call.pop("tool"), call) for call in calls))


def judge(prompt: Prompt, call: tuple[str, Args] | None, *, valid: bool) -> Verdict:
    """`call` is what the model asked for, None if it spoke; `valid`: it fits the schema of the tool it names."""
    if call is None:
        return Verdict(called=False)
    tool, args = call
    wanted = [(name, _plain(name, right)) for name, right in prompt.calls]
    right_tool = valid and any(tool == name for name, _ in wanted)
    return Verdict(
        called=True, valid=valid, right_tool=right_tool, right_args=valid and (tool, _plain(tool, args)) in wanted
    )


def _plain(tool: str, args: Args) -> dict[str, Any]:
    """Arguments that mean the same in one spelling."""
    plain = {name: value for name, value in args.items() if name not in _SAME_RESULT and value is not False}
    edits = plain.pop("edits", None)
    if isinstance(edits, Sequence) and len(edits) == 1:
        plain |= {name: value for name, value in edits[0].items() if value is not False}
    if isinstance(path := plain.get("path"), str):
        plain["path"] = path.removeprefix("./").rstrip("/") or "."
        if plain["path"] == ".":
            del plain["path"]
    if tool == "find" and isinstance(pattern := plain.get("pattern"), str):
        plain["pattern"] = "/".join(filter(None, (plain.pop("path", ""), pattern.replace("**/", ""))))
    if plain.get("offset") == 1:
        del plain["offset"]
    return plain
