"""One JSON object of a schema, as it is asked for and read."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.messages import BadToolCall, JsonObject, ToolCall, ToolSpec
from ally.providers.model import TextChunk
from ally.providers.tool_calling.reading import FormReader
from ally.providers.tool_calling.schema import answer_schema
from ally.providers.tool_calling.strings import JsonString
from ally.providers.wire.calls import CallIds
from tests.unit.providers.tool_calling.speakers import NOW, READ, TOOLS


def decode(text: str, step: int) -> tuple[str, str]:
    """The string that follows an opening quote, and what comes after it, fed in pieces."""
    string, said, rest = JsonString(), "", ""
    for at in range(0, len(text), step):
        if string.is_closed:
            rest += text[at : at + step]
            continue
        more, after = string.feed(text[at : at + step])
        said, rest = said + more, rest + after
    return said + string.finish(), rest


def read(text: str, *, cut: bool = False, tools: tuple[ToolSpec, ...] = TOOLS) -> tuple[str, list[object]]:
    """Words and calls of an answer, the same however it is cut up."""
    found: list[tuple[str, list[object]]] = []
    for step in (1, 2, 3, 7, len(text) or 1):
        reader = FormReader(tools, CallIds(()))
        pieces = [piece for at in range(0, len(text), step) for piece in reader.feed(text[at : at + step])]
        pieces += reader.finish(cut=cut)
        words = "".join(piece.text for piece in pieces if isinstance(piece, TextChunk))
        found.append((words, [piece for piece in pieces if isinstance(piece, ToolCall | BadToolCall)]))
    assert all(one == found[0] for one in found)
    return found[0]


@given(st.text(), st.booleans())
def test_a_string_is_what_was_written_however_it_is_cut_up(text: str, ascii_only: bool):
    encodable = text.encode("utf-8", "ignore").decode()
    written = json.dumps(encodable, ensure_ascii=ascii_only)[1:]
    for step in (1, 2, 5, 1000):
        assert decode(written + " }", step) == (encodable, " }")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"a\ud83dx", "a\ufffdx"),
        (r"\ude00", "\ufffd"),
        (r"\ud83d\n", "\ufffd\n"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\q\u12", "q\ufffd"),
        ("line\nbreak", "line\nbreak"),
        ("cut\\", "cut\ufffd"),
    ],
)
def test_a_string_that_is_not_json_is_shown_as_well_as_can_be(written: str, shown: str):
    assert {decode(written, step)[0] for step in (1, 3, 100)} == {shown}


@pytest.mark.parametrize(
    ("text", "words", "calls"),
    [
        ("", "", []),
        (" \n ", "", []),
        (' {\n\t"answer" :\n"hi" } \n', "hi", []),
        ('{"answer": ""}', "", []),
        ('{"answer": null}', "", []),
        ('{"answer": {"n": 4}}', '{"n": 4}', []),
        ('{"answer": "cut of', "cut of", []),
        ('{"name": "now"}', "", [("now", {})]),
        ('{"name": "now", "arguments": null}', "", [("now", {})]),
        ('{"name": "read", "arguments": "{\\"path\\": \\"x\\"}"}', "", [("read", {"path": "x"})]),
        ('{"name": "fly", "arguments": {"to": 1}}', "", [("fly", {"to": 1})]),
        ('{"answer": "Look:"}\n{"name": "now", "arguments": {}}', "Look:", [("now", {})]),
        ('{"answer": "Look:", "name": "now", "arguments": {}}', "Look:", [("now", {})]),
        ('{"name": "now", "arguments": {}}\n{"answer": "It is ten."}', "", [("now", {})]),
        ('{"name": "now", "arguments": {}}\n<tool_result>ten</tool_result>', "", [("now", {})]),
    ],
)
def test_what_a_form_says(text: str, words: str, calls: list[tuple[str, JsonObject]]):
    said, found = read(text)
    assert said == words
    assert [(call.name, call.args) for call in found if isinstance(call, ToolCall)] == calls
    assert len(found) == len(calls)


@pytest.mark.parametrize(
    "text", ["Hello.", "Hello {x}.", '{"foo": 1}', "{{template}}", "[1, 2]", '{"name": "Bob"}', "{"]
)
def test_anything_else_of_a_server_that_ignores_the_schema_is_its_words(text: str):
    assert read(text) == (text, [])


@pytest.mark.parametrize(
    "text",
    [
        "Let me look.\n```json\n{}\n```",
        "Let me look. <tool_call>{}</tool_call>",
        "Let me look.\n<tool_call>{}</tool_call>\n",
    ],
)
def test_a_call_in_the_text_of_such_a_server_is_found(text: str):
    said, calls = read(text.replace("{}", '{"name": "read", "arguments": {"path": "a"}}'))
    assert said.strip() == "Let me look."
    assert calls == [ToolCall("ally_call_1", "read", {"path": "a"})]


@pytest.mark.parametrize(
    "text", ['{"na', '{"name": "re', '{"name": "read", "arguments": {"pa', '{"name": "now", "arguments": {}}']
)
def test_a_form_that_hit_the_length_limit_is_a_call_that_never_runs(text: str):
    words, calls = read(text, cut=True)
    assert (words, [type(call) for call in calls]) == ("", [BadToolCall])


def test_a_form_that_stops_in_the_middle_says_so_to_the_model():
    (call,) = read('{"name": "read", "arguments": {"pa')[1]
    assert isinstance(call, BadToolCall)
    assert (call.name, "end in the middle" in call.problem) == ("read", True)


def test_nothing_is_a_call_where_none_may_be():
    assert read('{"name": "now", "arguments": {}}', tools=()) == ('{"name": "now", "arguments": {}}', [])
    assert read('{"answer": "Ten."}', tools=()) == ("Ten.", [])


def test_depth_is_no_way_to_crash():
    deep = '{"name": "read", "arguments": ' + '{"a": ' * 100_000
    (call,) = read(deep)[1]
    assert isinstance(call, BadToolCall)


def test_a_long_answer_is_passed_on_in_linear_memory():
    reader = FormReader(TOOLS, CallIds(()))
    reader.feed('{"answer": "')
    tracemalloc.start()
    for _ in range(100_000):
        reader.feed("word ")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_the_schema_names_each_tool_and_the_answer():
    schema = answer_schema([READ, NOW], may_answer=True)
    read_form, now_form, answer_form = schema["anyOf"]
    assert read_form["properties"]["name"]["enum"] == ["read"]
    assert read_form["properties"]["arguments"]["required"] == ["path"]
    assert now_form["properties"]["arguments"] == {"type": "object", "properties": {}, "additionalProperties": False}
    assert answer_form["required"] == ["answer"]
    assert answer_schema([NOW], may_answer=False) == now_form


def test_the_schema_keeps_what_every_server_can_hold_an_answer_to():
    node: JsonObject = {"type": "object", "properties": {"next": {"$ref": "#/definitions/node"}}}
    tool = ToolSpec(
        "walk",
        "Walk.",
        {
            "type": "object",
            "properties": {
                "pattern": {"type": "string", "pattern": "^a+$", "maxLength": 9, "description": "x"},
                "node": {"$ref": "#/definitions/node"},
                "far": {"$ref": "http://127.0.0.1/schema.json"},
                "kind": {"enum": ["a", 1]},
                "many": {"type": "array", "items": {"anyOf": [{"type": "string"}, True]}},
            },
            "definitions": {"node": node},
        },
    )
    schema = answer_schema([tool], may_answer=False)
    assert schema["properties"]["arguments"]["properties"] == {
        "pattern": {"type": "string"},
        "node": {"$ref": "#/$defs/walk.node"},
        "far": {},
        "kind": {"enum": ["a", 1]},
        "many": {"type": "array", "items": {"anyOf": [{"type": "string"}, {}]}},
    }
    assert schema["$defs"] == {"walk.node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/walk.node"}}}}
