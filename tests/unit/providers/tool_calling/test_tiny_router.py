"""The router of very small models: floors on the prompts that it was tuned on."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ally.messages import ToolSpec, user
from ally.providers.tool_calling.tiny import narrow
from ally.providers.tool_calling.tiny.vocabulary import Vocabulary
from ally.tools.catalogue import TOOL_NAMES
from tests.unit.providers.tool_calling.specs import COMPACT

ROOT = Path(__file__).resolve().parents[4]
EXAMPLES = files("ally.providers.tool_calling.tiny").joinpath("examples")


def load(name: str) -> list[dict[str, Any]]:
    lines = (ROOT / "benchmarks" / "prompts" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def is_right(row: dict[str, Any]) -> bool:
    """Whether only the right tool, or only words are left."""
    narrowed = narrow(COMPACT, [user(row["say"])])
    wanted = {call["tool"] for call in row["calls"]}
    names = {tool.name for tool in narrowed.tools}
    return narrowed.must_call and names <= wanted if wanted else not names


def test_most_of_the_tuning_prompts_leave_only_what_is_right() -> None:
    rows = load("tuning")
    right = [is_right(row) for row in rows]
    assert sum(right) >= 0.93 * len(rows), [row["say"] for row, good in zip(rows, right, strict=True) if not good]


def test_few_words_are_taken_for_a_request() -> None:
    rows = [row for row in load("tuning") if not row["calls"]]
    assert sum(is_right(row) for row in rows) >= 0.9 * len(rows)


def test_every_built_in_tool_has_examples_and_none_is_given_twice() -> None:
    by_label = {entry.name.removesuffix(".txt"): entry.read_text("utf-8").splitlines() for entry in EXAMPLES.iterdir()}
    assert set(by_label) == {*TOOL_NAMES, "answer"} - {"knowledge"}  # tiny models are given passages unasked
    phrases = [phrase for group in by_label.values() for phrase in group]
    assert all(phrase == phrase.strip() and phrase for phrase in phrases)
    assert len(phrases) == len(set(phrases))


def test_no_prompt_that_is_measured_on_is_an_example() -> None:
    plain = {
        " ".join(phrase.lower().split())
        for entry in EXAMPLES.iterdir()
        for phrase in entry.read_text("utf-8").splitlines()
    }
    for name in ("test", "paraphrases"):
        assert not [row["say"] for row in load(name) if " ".join(row["say"].lower().split()) in plain]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("serch", "search"),
        ("flies", "files"),
        ("reaad", "read"),
        ("dleete", "delete"),
        ("raining", "raining"),
        ("x", "x"),
    ],
)
def test_mistyped_words_are_understood(typed: str, meant: str) -> None:
    assert Vocabulary(["search", "files", "read", "delete", "a"]).correct(typed) == meant


def test_the_answer_does_not_depend_on_the_order_of_the_tools() -> None:
    for row in load("tuning")[::9]:
        forth, back = narrow(COMPACT, [user(row["say"])]), narrow(COMPACT[::-1], [user(row["say"])])
        assert {tool.name for tool in forth.tools} == {tool.name for tool in back.tools}


def test_a_tool_that_the_agent_lacks_is_never_named() -> None:
    looking = tuple(tool for tool in COMPACT if tool.name in ("read", "list"))
    for row in load("tuning"):
        assert {tool.name for tool in narrow(looking, [user(row["say"])]).tools} <= {"read", "list"}


def test_one_tool_alone_is_not_called_for_everything() -> None:
    tool = ToolSpec("read", "", COMPACT[0].parameters)
    assert not narrow((tool,), [user("hello")]).tools
