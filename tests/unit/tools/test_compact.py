import json
from pathlib import Path

from ally.agents.spec import load_agent
from ally.config.settings import AGENTS
from ally.engine.prompt import system_prompt
from ally.messages import JsonObject
from ally.tools.builtin.edit import EditTool
from ally.tools.builtin.read import ReadTool
from ally.tools.catalogue import TOOL_NAMES, build_tools
from ally.tools.compact import compact
from tests.unit.tools.files import call, make_bench

MOST_TOKENS = 700
CHARACTERS_PER_TOKEN = 3.5
"""Fewer than any tokenizer of a current model has for English and JSON, so that the count is never too small."""


def test_a_small_model_reads_at_most_700_tokens_before_the_first_message(tmp_path: Path):
    for name in AGENTS:
        agent = load_agent(name)
        tools = compact(build_tools(agent.tools, make_bench(tmp_path)))
        written = [
            {
                "type": "function",
                "function": {"name": spec.name, "description": spec.description, "parameters": spec.parameters},
            }
            for spec in (tool.spec for tool in tools)
        ]
        prompt = system_prompt(agent.prompt, "", has_tools=True, is_short=True)
        assert len(tools) >= 4
        assert (len(json.dumps(written)) + len(prompt)) / CHARACTERS_PER_TOKEN <= MOST_TOKENS


def test_the_order_of_the_tools_stays(tmp_path: Path):
    names = [tool.spec.name for tool in compact(build_tools(TOOL_NAMES, make_bench(tmp_path)))]
    assert names == [name for name in TOOL_NAMES if name in names]
    assert "job" not in names


async def test_an_edit_in_few_words_is_the_edit_itself(tmp_path: Path):
    (tmp_path / "a.txt").write_text("one two\n")
    bench = make_bench(tmp_path)
    await call(ReadTool(bench), path="a.txt")
    (edit,) = compact([EditTool(bench)])
    args: JsonObject = {"path": "a.txt", "old": "two", "new": "three"}
    assert edit.action(args) == EditTool(bench).action({"path": "a.txt", "edits": [{"old": "two", "new": "three"}]})
    assert "+one three" in edit.preview(args)
    await call(edit, **args)
    assert (tmp_path / "a.txt").read_text() == "one three\n"


def test_arguments_that_a_small_model_makes_up_are_left_out(tmp_path: Path):
    (tmp_path / "a.txt").write_text("one\n")
    bench = make_bench(tmp_path)
    (read,) = compact([ReadTool(bench)])
    assert read.action({"path": "a.txt", "encoding": ["?"]}) == ReadTool(bench).action({"path": "a.txt"})
