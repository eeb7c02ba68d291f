import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.messages import BadToolCall, ToolCall
from ally.providers.arguments import CUT
from ally.providers.model import TextChunk
from ally.providers.tool_calling.printed import PrintedCalls
from ally.providers.tool_calling.printed_tape import LONGEST_CALL
from ally.providers.wire.calls import CallIds
from tests.unit.providers.tool_calling.printed_samples import CALL_A, CALL_LIST, MARKED, ONE, TOOLS, TWO, WHOLE
from tests.unit.providers.tool_calling.printing import parse, read, summary

FAMILIES = {**MARKED, **WHOLE}
SIGNS = st.sampled_from([*"<>[]{}|`~\"'\\:,; \n\t", "\u2581", "\uff5c", "read", "name", "a", "é", "🌍", "function="])
PIECES = st.one_of(
    SIGNS, st.sampled_from(["<tool_call>", "</tool_call>", "```json\n", "<|channel|>", "{", '{"name": '])
)

EXPLANATIONS = {
    "fenced": f"Hermes prints this:\n\n```\n<tool_call>\n{CALL_A}\n</tool_call>\n```\n\nand waits.",
    "fenced json": f"The call looks like this:\n```json\n{CALL_A}\n```\nIt has a name.",
    "span": f"It prints `<tool_call>{CALL_A}</tool_call>` and waits.",
    "in a sentence": f"It prints <tool_call>{CALL_A}</tool_call>, and then it waits.",
    "in a list": f"- one `[TOOL_CALLS][{CALL_A}]`\n- two `<|python_tag|>{CALL_A}`",
    "tag alone": "Qwen wraps calls in <tool_call> tags; Llama has <function=name> and <|python_tag|> for code.",
    "other names": 'It prints <tool_call>{"name": "get_weather", "arguments": {}}</tool_call>.',
    "nested fence": f"~~~markdown\n```\n<tool_call>{CALL_A}</tool_call>\n```\n~~~\nThat is all.",
    "mistral word": "Mistral begins with [TOOL_CALLS] and a name.",
    "deepseek word": "DeepSeek begins with <|tool_calls_begin|> and so on.",
    "harmony word": "gpt-oss has <|channel|> and <|start|> and <|message|>.",
    "code": "def f(x):\n    return {'name': x, 'arguments': [x]}\n\nif a < b and c << 2: print([x for x in {1}])",
    "json that is asked for": '{"name": "Ada", "age": 36}',
    "json with a description": '{"name": "read", "description": "Reads a file", "parameters": {"type": "object"}}',
    "json then words": f"{CALL_A}\n\nThis is what a call looks like.",
    "list of numbers": "[1, 2, 3]",
    "list of words": '["read", "list_files"]',
    "python list": "[x(1) for x in y]",
    "html": "<div>\n<table><tr><td>1</td></tr></table>\n</div>",
    "quotation": f"The file says:\n\n> <tool_call>\n> {CALL_A}\n> </tool_call>\n\nI did not do it.",
    "quoted at the end": f"The file says:\n\n  > > [TOOL_CALLS][{CALL_A}]",
    "indented code": f"It prints this:\n\n    <tool_call>\n    {CALL_A}\n    </tool_call>\n\nand waits.",
    "tabs": f"It prints this:\n\n\t<|python_tag|>{CALL_A}\n",
    "quoted parts": 'It says:\n> <|channel|>commentary to=functions.read <|message|>{"path": "a"}<|call|>',
    "unclosed fence": "```python\nprint('<tool_call>')\n",
}


@pytest.mark.parametrize("kind", EXPLANATIONS)
def test_what_is_only_talked_about_is_text(kind: str) -> None:
    assert read(EXPLANATIONS[kind]) == [EXPLANATIONS[kind]]


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "<", "<tool_cal", "<|chan", "[TOOL_", "{", "`", "``", '{"na', "[", "functools"]
)
@pytest.mark.parametrize("anywhere", [False, True])
def test_the_beginning_of_a_marker_comes_out_at_the_end(text: str, anywhere: bool) -> None:
    assert "".join(str(one) for one in read(text, anywhere=anywhere)) == text
    assert read(f"Look: {text}", anywhere=anywhere) == [f"Look: {text}"]


@given(st.text(alphabet=st.characters(exclude_characters="<[{`~"), max_size=200), st.booleans())
@settings(max_examples=100)
def test_text_without_a_shape_is_unchanged(text: str, anywhere: bool) -> None:
    assert "".join(map(str, read(text, anywhere=anywhere))) == text


@given(st.lists(PIECES, max_size=30), st.booleans())
@settings(max_examples=150)
def test_pieces_of_shapes_are_read_the_same_however_they_are_cut(pieces: list[str], anywhere: bool) -> None:
    seen = read("".join(pieces), anywhere=anywhere)
    if all(type(one) is str for one in seen):
        assert "".join(map(str, seen)) == "".join(pieces)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cut_answer_never_calls_with_other_arguments(family: str) -> None:
    text, expected = FAMILIES[family]
    wanted = [one for one in expected if isinstance(one, tuple)]
    for place in range(len(text)):
        for cut in (False, True):
            seen = summary(parse([text[:place]], anywhere=family in WHOLE, cut=cut))
            calls = [one for one in seen if isinstance(one, tuple)]
            good = [call for call in calls if call[1] is not None]
            assert good == wanted[: len(good)]
            assert len(calls) - len(good) <= 1 or cut


def test_a_call_that_the_length_limit_cut_is_never_run() -> None:
    found = parse(
        [f'<tool_call>\n{CALL_A}\n</tool_call>\n<tool_call>\n{{"name": "read", "arguments": {{"path": "b'], cut=True
    )
    assert summary(found) == [*ONE, ("read", None)]
    bad = found[-1]
    assert isinstance(bad, BadToolCall) and bad.problem == CUT and bad.raw.endswith('"b')
    assert summary(parse([CALL_A], cut=True)) == [("read", None)]
    assert summary(parse(["[TOOL_CALLS]read[ARGS]{}"], cut=True)) == [("read", None)]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ('{"path": "a",}', "not valid JSON"),
        ('{"path": "a", "path": "b"}', "twice"),
        ('{"path": NaN}', "NaN"),
        ('{"path": 1e999}', "too large"),
        ("{'path': 'a'}", "not valid JSON"),
        ('{"path": "\\ud800"}', "surrogate"),
        ("[1]", "an array"),
        ('"text"', "not valid JSON"),
        ("7", "a number"),
        ('{"path": ' + "[" * 2000 + "]" * 2000 + "}", "nested too deeply"),
        ('{"path": ' + "9" * 5000 + "}", "too many digits"),
    ],
)
def test_arguments_are_not_repaired(raw: str, problem: str) -> None:
    (bad,) = parse([f'<tool_call>{{"name": "read", "arguments": {raw}}}</tool_call>'])
    assert isinstance(bad, BadToolCall) and bad.name == "read" and problem in bad.problem


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{CALL_A[:-1]},}}</tool_call>",
        '<tool_call>{"name": "read", "name": "edit", "arguments": {}}</tool_call>',
        '<tool_call>{"name": "read", "arguments": {}, "parameters": {"path": "x"}}</tool_call>',
        '<tool_call>{"arguments": {"path": "x"}}</tool_call>',
        "<function=edit><parameter=line>seven</parameter></function>",
        "<function=edit>\n<parameter=path>\na\n<parameter=note>\nb\n</parameter>\n</function>",
        '<function=edit><parameter=line>1, "path": "x"</parameter></function>',
        "<function=read><parameter=path>a</parameter><parameter=path>b</parameter></function>",
        "<|python_start|>[read('a.txt')]<|python_end|>",
        "<|python_start|>[read(path=open('x'))]<|python_end|>",
        "<|python_start|>[read(path='a', path='b')]<|python_end|>",
        "<|python_start|>[read(path='a'\nb)]<|python_end|>",
        "<|channel|>commentary to=functions.read<|message|>path a.txt<|call|>",
    ],
)
def test_a_call_that_cannot_be_read_is_a_bad_call_with_a_reason(text: str) -> None:
    (bad,) = parse([text])
    assert (isinstance(bad, BadToolCall) and "did not run" in bad.problem) or "nothing ran" in bad.problem


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=60), max_size=3))
def test_any_text_in_arguments_arrives(args: dict[str, str]) -> None:
    for escaped in (True, False):
        raw = json.dumps(args, ensure_ascii=escaped)
        text = f'Hm.\n<tool_call>\n{{"name": "read", "arguments": {raw}}}\n</tool_call>\nOk.'
        assert read(text) == ["Hm.\n", ("read", args), "Ok."]


@pytest.mark.parametrize(
    "content",
    [
        "</tool_call>",
        "}} ]] {{",
        '"quoted" \\ back',
        "```json\n{}\n```",
        "<|call|> <|end|>",
        "</parameter>\n text",
        "ü🌍\n",
        "",
    ],
)
def test_content_that_looks_like_an_end_is_content(content: str) -> None:
    raw = json.dumps({"path": content}, ensure_ascii=False)
    call = ("read", {"path": content})
    assert read(f'<tool_call>{{"name": "read", "arguments": {raw}}}</tool_call>') == [call]
    assert read(f"[TOOL_CALLS]read[ARGS]{raw}") == [call]
    assert read(f"<|channel|>commentary to=functions.read<|message|>{raw}<|call|>") == [call]
    assert read(f"<tool_call><function=read><parameter=path>\n{content}\n</parameter></function></tool_call>") == [call]
    assert read(f'```json\n{{"name": "read", "arguments": {raw}}}\n```') == [call]
    assert read(f"<|python_tag|>[read(path={content!r})]") == [call]


def test_ids_are_new_and_the_models_own_where_it_gives_one() -> None:
    ids = CallIds([])
    parser = PrintedCalls(TOOLS, ids, anywhere=False)
    first, second = parser.feed(
        '[TOOL_CALLS][{"name": "read", "arguments": {}, "id": "x"}, {"name": "read", "id": "x"}]'
    ) + (parser.finish(cut=False))
    assert isinstance(first, ToolCall) and isinstance(second, ToolCall)
    assert first.id == "x" and second.id not in ("", "x")


def test_unknown_names_are_calls_only_between_markers() -> None:
    call = '{"name": "get_weather", "arguments": {}}'
    assert read(call, anywhere=True) == [call]
    assert read(f"```json\n{call}\n```", anywhere=True) == [f"```json\n{call}\n```"]
    assert read(f"<tool_call>\n{call}\n</tool_call>") == [("get_weather", {})]


def test_text_comes_out_while_it_comes_in() -> None:
    parser = PrintedCalls(TOOLS, CallIds([]), anywhere=True)
    for piece in [
        "Hello ",
        "a < b\n",
        "```python\n",
        "x = {\n",
        "```\n",
        "<b>",
        "bold",
        "</b>",
        " {x}",
        "[1] ",
        '{"name": "Ada", ',
    ]:
        assert parser.feed(piece) == [TextChunk(piece)]


@pytest.mark.parametrize(
    "sign", ["<", "{", "[", "`", "~", "\\", '"', "<tool_call>", "<|start|>", '{"name": "a', "```json\n{", "[f("]
)
@pytest.mark.parametrize("anywhere", [False, True])
def test_ten_thousand_signs_end(sign: str, anywhere: bool) -> None:
    text = sign * 10_000
    assert parse([text], anywhere=anywhere)


def test_long_answers_in_single_bytes_are_read() -> None:
    args = {"path": "line of text <b> {x} \n" * 1_000}
    assert summary(parse(list(f'<tool_call>{{"name": "read", "arguments": {json.dumps(args)}}}</tool_call>'))) == [
        ("read", args)
    ]
    prose = "word <b> {x} `code` \n" * 10_000
    assert summary(parse([prose])) == [prose]
    assert "".join(one.text for one in parse(list(prose[:20_000])) if isinstance(one, TextChunk)) == prose[:20_000]


@pytest.mark.parametrize("anywhere", [False, True])
@pytest.mark.parametrize("opening", ["<tool_call>", "", "```json\n"])
def test_a_call_without_end_is_not_kept_for_ever(opening: str, anywhere: bool) -> None:
    parser = PrintedCalls(TOOLS, CallIds([]), anywhere=anywhere)
    found = parser.feed(f'{opening}{{"name": "read", "arguments": {{"path": "')
    for _ in range(6):
        found += parser.feed("x" * (LONGEST_CALL // 4))
    found += parser.feed("more") + parser.finish(cut=False)
    (bad,) = found
    assert isinstance(bad, BadToolCall) and "too long" in bad.problem


def test_a_long_object_that_is_no_call_comes_out() -> None:
    text = '{"type": "' + "x" * (LONGEST_CALL + 10) + '"}'
    for anywhere in (False, True):
        assert summary(parse([text[:1000], text[1000:]], anywhere=anywhere)) == [text]


def test_calls_of_several_families_in_one_answer() -> None:
    text = f"Look.\n[TOOL_CALLS]read[ARGS]{{}}\n<|channel|>final<|message|>So.<|end|>\nfunctools[{CALL_A}]"
    assert read(text) == ["Look.\n", ("read", {}), f"So.\nfunctools[{CALL_A}]"]
    assert read(f"<tool_call>{CALL_LIST}</tool_call>\nfunctools[{CALL_A}]") == [TWO[1], *ONE]


def test_two_calls_around_text_that_is_json() -> None:
    text = f'<tool_call>{CALL_A}</tool_call>\n{{"a": 1}}\n<tool_call>{CALL_LIST}</tool_call>'
    assert read(text) == [TWO[0], '{"a": 1}\n', TWO[1]]


@pytest.mark.parametrize(
    "value", ["-" * 900 + "1", "0x" + "f" * 6000, "-0x" + "f" * 6000, "x" + "[0]" * 950, "~" * 900 + "1"]
)
@pytest.mark.parametrize("opening", ["[", "<|python_tag|>"])
def test_python_that_python_itself_cannot_write_is_a_bad_call(value: str, opening: str) -> None:
    closing = "]" if opening == "[" else ""
    (found,) = parse(f"{opening}read(path={value}){closing}", anywhere=False)
    assert isinstance(found, BadToolCall)
    assert found.name == "read"


@pytest.mark.parametrize("opening", ["[", '{"tool_calls":['])
def test_calls_wrapped_many_times_are_no_calls(opening: str) -> None:
    text = f"<tool_call>{opening * 300}{CALL_A}"
    text += ("]}" if opening.startswith("{") else "]") * 300
    assert read(text) == [text]
    assert [one.name for one in parse(f"<tool_call>[[{CALL_A}]]</tool_call>", anywhere=False)] == ["read"]


def test_a_long_blank_beginning_is_held_back_once() -> None:
    printed = PrintedCalls(TOOLS, CallIds(()), anywhere=False)
    for _ in range(60_000):
        assert printed.feed("\n  ") == []
    assert printed.feed("x") == [TextChunk("\n  " * 60_000 + "x")]


@pytest.mark.parametrize("key", ["name", "id"])
def test_half_a_character_in_a_name_or_id_goes_nowhere(key: str) -> None:
    fields = {"name": "read", "id": "c1", "arguments": {}, key: "a\ud800"}
    for one in parse(f"<tool_call>{json.dumps(fields)}</tool_call>"):
        assert isinstance(one, ToolCall | BadToolCall)
        (one.name + one.id).encode()
