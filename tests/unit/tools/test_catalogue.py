import json
from pathlib import Path

import pytest

from ally.tools.catalogue import TOOL_NAMES, build_tools
from tests.unit.tools.bench import make_bench


def test_tools_come_in_one_order_whatever_was_asked_for(tmp_path: Path):
    bench = make_bench(tmp_path)
    assert [tool.spec.name for tool in build_tools(["job", "grep", "list", "shell", "find"], bench)] == [
        "list",
        "find",
        "grep",
        "shell",
        "job",
    ]


def test_an_unknown_tool_is_an_error(tmp_path: Path):
    with pytest.raises(KeyError, match="nope"):
        build_tools(["nope"], make_bench(tmp_path))


def test_all_schemas_together_are_small_and_the_same_each_time(tmp_path: Path):
    def text() -> str:
        tools = build_tools(TOOL_NAMES, make_bench(tmp_path))
        specs = [(tool.spec.name, tool.spec.description, tool.spec.parameters) for tool in tools]
        return json.dumps(specs, ensure_ascii=False)

    assert text() == text()
    assert len(text()) < 900 * 4 * 1.25, "about four characters are one token; JSON is denser"
