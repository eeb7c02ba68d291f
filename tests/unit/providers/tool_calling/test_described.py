"""How tools are described to a model whose service takes none."""

from ally.messages import AssistantMessage, Text, Thinking, ToolCall, ToolMessage, ToolResult, ToolSpec, user
from ally.providers.tool_calling.render import Transcript, explain
from ally.tools.builtin.edit import EditTool
from ally.tools.catalogue import TOOL_NAMES
from tests.unit.providers.tool_calling.speakers import LIST, READ, TOOLS

MOST_BYTES = 1000


def test_a_tool_is_one_line_with_types_and_what_may_be_left_out():
    lines = explain("schema", TOOLS).splitlines()
    assert lines[1] == (
        "read(path: string, offset?: integer (first line)): Read a file as numbered lines, or look at a picture."
    )
    assert lines[2] == "list(path?: string): List a folder."
    assert lines[3] == "now(): What time it is."


def test_nested_arguments_are_spelled_out():
    tool = ToolSpec(
        "edit",
        "Edit.",
        {
            "type": "object",
            "required": ["edits"],
            "properties": {
                "edits": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"old": {"type": "string"}, "mode": {"enum": ["all", "one", 2]}},
                        "required": ["old"],
                    },
                },
                "names": {"type": "array", "items": {"type": ["string", "null"]}},
                "where": {"$ref": "#/$defs/place"},
                "loop": {"$ref": "#/$defs/loop"},
                "gone": {"$ref": "#/$defs/nothing"},
                "free": True,
            },
            "$defs": {
                "place": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                "loop": {"$ref": "#/$defs/loop"},
            },
        },
    )
    assert explain("text", [tool]).splitlines()[1] == (
        'edit(edits: {old: string, mode?: "all"|"one"|2}[], names?: (string|null)[], where?: string|integer,'
        " loop?: any, gone?: any, free?: any): Edit."
    )


def test_the_same_tools_are_the_same_bytes():
    assert explain("schema", TOOLS) == explain("schema", tuple(TOOLS))
    assert explain("schema", [READ]) != explain("schema", [LIST])


def test_how_to_call_costs_little():
    for form in ("schema", "text"):
        assert len(explain(form, ())) < 400
    assert len(TOOL_NAMES) == 11
    spec = EditTool.spec.fget(None)  # type: ignore[attr-defined] - a property
    assert len(explain("schema", [spec])) < MOST_BYTES


def test_thinking_stays_with_its_call_and_empty_answers_go():
    history = [
        user("Go"),
        AssistantMessage((Thinking("only a thought"),)),
        AssistantMessage((Thinking("hm"), ToolCall("1", "list", {}))),
        ToolMessage((ToolResult("1", "a", name="list"),)),
    ]
    first, second, third = Transcript("schema").write(history, images=False)
    assert first == history[0]
    assert second == AssistantMessage((Thinking("hm"), Text('{"name": "list", "arguments": {}}')))
    assert third.role == "user"
