import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.messages import BadToolCall, ToolCall
from ally.providers.arguments import parse_call, refuse_cut

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=4)


@given(OBJECTS)
def test_every_json_object_comes_back_as_it_was(args: dict[str, object]) -> None:
    assert parse_call("1", "t", json.dumps(args)) == ToolCall("1", "t", args)


@given(OBJECTS.filter(bool), st.data())
def test_no_cut_object_is_ever_a_call(args: dict[str, object], data: st.DataObject) -> None:
    raw = json.dumps(args)
    end = data.draw(st.integers(1, len(raw) - 1))
    assert isinstance(parse_call("1", "t", raw[:end]), BadToolCall)


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_gives_a_call_or_a_problem(raw: str) -> None:
    assert isinstance(parse_call("1", "t", raw), ToolCall | BadToolCall)


@pytest.mark.parametrize("raw", ["", " ", "\n\t", "{}", " {} "])
def test_no_arguments(raw: str) -> None:
    assert parse_call("1", "t", raw) == ToolCall("1", "t", {})


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        ('{"a": 1, "a": 2}', 'key "a" twice'),
        ('{"a": {"b": 1, "b": 1}}', 'key "b" twice'),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ' + "9" * 5000 + "}", "too many digits"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"a": 1}{"a": 2}', "more text after"),
        ('{"a": 1} thanks', "more text after"),
        ('{"path": "a.txt", "content": "line1\\nli', "end in the middle"),
        ('{"path": "a.txt", ', "end in the middle"),
        ('{"a": tru', "not valid JSON"),
        ("{'a': 1}", "not valid JSON"),
        ('{"a": "x\ny"}', "not valid JSON"),
        ('[{"a": 1}]', "an array instead of an object"),
        ('"{}"', "a string instead"),
        ("null", "null instead"),
        ("3", "a number instead"),
        ("true", "a boolean instead"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_strictly_one_object_never_runs(raw: str, part: str) -> None:
    call = parse_call("1", "t", raw)
    assert isinstance(call, BadToolCall)
    assert (call.id, call.name, call.raw) == ("1", "t", raw)
    assert part in call.problem


def test_a_whole_object_of_a_cut_answer_never_runs() -> None:
    assert "ended before" in refuse_cut("1", "t", '{"a": 1}').problem
