import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.config.edit import remove_value, set_value
from ally.config.jsonfile import locate

GUIDE = """{
    "provider": "minimax",
    "models": {
        "general": "minimax-m2",
        "code_gen": null
    },

    "temperatures": {"general": 0.7, "code_gen": 0.1},
    "endpoints": {}
}
"""


@pytest.mark.parametrize(
    ("keys", "value", "old", "new"),
    [
        (["provider"], "ollama", '"provider": "minimax"', '"provider": "ollama"'),
        (["provider"], None, '"provider": "minimax"', '"provider": null'),
        (["models", "code_gen"], "m", '"code_gen": null', '"code_gen": "m"'),
        (["temperatures", "general"], 0, '{"general": 0.7,', '{"general": 0,'),
        (["temperatures", "web_searcher"], 1, '0.1},\n    "end', '0.1, "web_searcher": 1},\n    "end'),
        (
            ["models", "brainstormer"],
            "ü",
            '"code_gen": null\n',
            '"code_gen": null,\n        "brainstormer": "ü"\n',
        ),
        (
            ["endpoints", "lab", "base_url"],
            "http://x",
            "{}\n",
            '{\n        "lab": {\n            "base_url": "http://x"\n        }\n    }\n',
        ),
        (["model"], "m", "{}\n}", '{},\n    "model": "m"\n}'),
        (["models", "code_gen", "deep"], 1, "null\n", '{\n            "deep": 1\n        }\n'),
        (["permissions", "allow"], ["a"], "{}\n}", '{},\n    "permissions": {\n        "allow": ["a"]\n    }\n}'),
    ],
)
def test_only_the_one_value_changes(keys: list[str], value: object, old: str, new: str):
    assert set_value(GUIDE, keys, value) == GUIDE.replace(old, new)


def test_line_ends_tabs_and_inline_style_are_kept():
    text = '{\r\n\t"a": 1\r\n}\r\n'
    assert set_value(text, ["b", "c"], 2) == '{\r\n\t"a": 1,\r\n\t"b": {\r\n\t\t"c": 2\r\n\t}\r\n}\r\n'
    assert set_value('{"a": 1}', ["b"], 2) == '{"a": 1, "b": 2}'
    assert set_value("{}", ["b"], 2) == '{\n    "b": 2\n}'
    assert set_value(" { } \n", ["b"], 2) == ' {\n     "b": 2\n } \n'


def test_text_that_looks_like_structure_is_not_mistaken_for_it():
    text = '{"a": "}, \\"b\\": {", "b": {"c": "]"}}'
    assert json.loads(set_value(text, ["b", "c"], 1)) == {"a": '}, "b": {', "b": {"c": 1}}
    assert locate(text, ["b", "c"]) == text.index('"c"')


KEYS = st.text(max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    data=st.dictionaries(KEYS, VALUES, max_size=4),
    keys=st.lists(KEYS, min_size=1, max_size=3),
    value=VALUES,
    indent=st.sampled_from([None, 0, 2, "\t"]),
)
def test_result_is_always_json_with_the_value_in_it(
    data: dict[str, object], keys: list[str], value: object, indent: int | str | None
):
    expected = json.loads(json.dumps(data))
    here = expected
    for key in keys[:-1]:
        if not isinstance(here.get(key), dict):
            here[key] = {}
        here = here[key]
    here[keys[-1]] = value
    text = set_value(json.dumps(data, indent=indent, ensure_ascii=False), keys, value)
    assert json.loads(text) == expected


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        ('{"a": 1}', "a", "{}"),
        ('{\n  "a": 1,\n  "b": [2, {"a": 3}],\n  "c": "}"\n}\n', "a", '{\n  "b": [2, {"a": 3}],\n  "c": "}"\n}\n'),
        ('{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}', "b", '{\n  "a": 1,\n  "c": 3\n}'),
        ('{\n  "a": 1,\n  "c": 3\n}', "c", '{\n  "a": 1\n}'),
        ('{"a": {"b": {"c": 1}}, "b": 2}', "a.b", '{"a": {}, "b": 2}'),
        ('{"a": {"b": 1}}', "a.c", '{"a": {"b": 1}}'),
        ('{"a": 1}', "a.b", '{"a": 1}'),
        ("{}", "a", "{}"),
        ('{"ключ ,}": 1 , "b":2}', "ключ ,}", '{"b":2}'),
    ],
)
def test_what_is_removed_leaves_valid_json_and_the_rest_as_it_was(before: str, keys: str, after: str):
    assert remove_value(before, keys.split(".")) == after
    json.loads(after)
