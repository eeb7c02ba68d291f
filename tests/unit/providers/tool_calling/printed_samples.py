"""What the families print, as their chat templates write it, and what it means."""

import re

from ally.messages import ToolSpec

TEXT = {"type": "string"}
READ = ToolSpec("read", "Read a file.", {"type": "object", "properties": {"path": TEXT}, "required": ["path"]})
LIST = ToolSpec("list_files", "List files.", {"type": "object", "properties": {}})
EDIT = ToolSpec(
    "edit",
    "Edit a file.",
    {
        "type": "object",
        "properties": {
            "path": TEXT,
            "line": {"type": "integer"},
            "force": {"type": "boolean"},
            "ratio": {"type": "number"},
            "tags": {"type": "array", "items": TEXT},
            "options": {"type": "object"},
            "note": {"type": ["string", "null"]},
        },
    },
)
TOOLS = (READ, LIST, EDIT)

ONE = [("read", {"path": "a.txt"})]
TWO = [("read", {"path": "a.txt"}), ("list_files", {})]
A = '{"path": "a.txt"}'
CALL_A = '{"name": "read", "arguments": {"path": "a.txt"}}'
CALL_LIST = '{"name": "list_files", "arguments": {}}'


def wide(text: str, underscore: str = "\u2581") -> str:
    """`text` with the bars and underscores that DeepSeek has in its markers."""
    return re.sub(r"<[^<>]*>", lambda tag: tag[0].replace("|", "\uff5c").replace("_", underscore), text)


# name: what is printed, the calls in it; a str among them is text in its place
MARKED: dict[str, tuple[str, list[object]]] = {
    "hermes": (f"<tool_call>\n{CALL_A}\n</tool_call>", ONE),
    "hermes two": (f"<tool_call>\n{CALL_A}\n</tool_call>\n<tool_call>\n{CALL_LIST}\n</tool_call>", TWO),
    "hermes after text": (f"Let me look.\n<tool_call>\n{CALL_A}\n</tool_call>", ["Let me look.\n", *ONE]),
    "hermes same line": (f"Let me look. <tool_call>{CALL_A}</tool_call>", ["Let me look. ", *ONE]),
    "hermes between text": (
        f"First.\n<tool_call>{CALL_A}</tool_call>\nThen.\n<tool_call>{CALL_LIST}</tool_call>\nDone.",
        ["First.\n", TWO[0], "Then.\n", TWO[1], "Done."],
    ),
    "hermes not closed": (f"<tool_call>\n{CALL_A}\n", ONE),
    "hermes in function_call": (f"<function_call>{CALL_A}</function_call>", ONE),
    "qwen coder 2.5": (f"<tools>\n{CALL_A}\n</tools>", ONE),
    "qwen3 coder": (
        "<tool_call>\n<function=read>\n<parameter=path>\na.txt\n</parameter>\n</function>\n</tool_call>",
        ONE,
    ),
    "qwen3 coder typed": (
        "I edit.\n\n<tool_call>\n<function=edit>\n<parameter=path>\nx\ny\n</parameter>\n<parameter=line>\n7\n"
        '</parameter>\n<parameter=force>\nTrue\n</parameter>\n<parameter=tags>\n["a", "</parameter> b"]\n</parameter>\n'
        '<parameter=options>\n{"k": 1}\n</parameter>\n</function>\n</tool_call>',
        [
            "I edit.\n\n",
            ("edit", {"path": "x\ny", "line": 7, "force": True, "tags": ["a", "</parameter> b"], "options": {"k": 1}}),
        ],
    ),
    "qwen3 coder no opening": ("<function=list_files>\n</function>\n</tool_call>", [("list_files", {})]),
    "llama python tag": ('<|python_tag|>{"name": "read", "parameters": {"path": "a.txt"}}<|eom_id|>', ONE),
    "llama two": (
        '<|python_tag|>{"name": "read", "parameters": {"path": "a.txt"}}; {"name": "list_files", "parameters": {}}',
        TWO,
    ),
    "llama function": (f"<function=read>{A}</function>", ONE),
    "llama own tool": ('<|python_tag|>read.call(path="a.txt")', ONE),
    "llama 4": ('<|python_start|>[read(path="a.txt"), list_files()]<|python_end|>', TWO),
    "mistral list": (f"[TOOL_CALLS][{CALL_A}, {CALL_LIST}]", TWO),
    "mistral space": (f"[TOOL_CALLS] [{CALL_A}]</s>", ONE),
    "mistral args": (f"[TOOL_CALLS]read[ARGS]{A}[TOOL_CALLS]list_files[ARGS]{{}}", TWO),
    "mistral no args mark": (f"[TOOL_CALLS]read{A}", ONE),
    "mistral call id": (f"[TOOL_CALLS]read[CALL_ID]abcdef123[ARGS]{A}</s>", ONE),
    "mistral text": (f"Sure.[TOOL_CALLS]read[ARGS]{A}", ["Sure.", *ONE]),
    "deepseek r1": (
        wide(
            "<|tool_calls_begin|><|tool_call_begin|>function<|tool_sep|>read\n```json\n"
            + A
            + "\n```<|tool_call_end|>\n"
            "<|tool_call_begin|>function<|tool_sep|>list_files\n```json\n{}\n```<|tool_call_end|><|tool_calls_end|>"
            "<|end_of_sentence|>"
        ),
        TWO,
    ),
    "deepseek v3.1": (
        wide(
            f"<|tool_calls_begin|><|tool_call_begin|>read<|tool_sep|>{A}<|tool_call_end|>"
            "<|tool_call_begin|>list_files<|tool_sep|>{}<|tool_call_end|><|tool_calls_end|>"
        ),
        TWO,
    ),
    "deepseek ascii": (
        f"Look:\n<|tool_calls_begin|><|tool_call_begin|>read<|tool_sep|>{A}<|tool_call_end|><|tool_calls_end|>\nok",
        ["Look:\n", *ONE, "ok"],
    ),
    "deepseek v3.2": (
        wide(
            '<|DSML|function_calls>\n<|DSML|invoke name="edit">\n<|DSML|parameter name="path" string="true">7'
            '</|DSML|parameter>\n<|DSML|parameter name="line" string="false">7</|DSML|parameter>\n</|DSML|invoke>\n'
            "</|DSML|function_calls>",
            underscore="_",
        ),
        [("edit", {"path": "7", "line": 7})],
    ),
    "harmony": (f"<|channel|>commentary to=functions.read <|constrain|>json<|message|>{A}<|call|>", ONE),
    "harmony whole": (
        "<|channel|>analysis<|message|>I must <read> it.<|end|><|start|>assistant<|channel|>commentary to=functions."
        f"read <|constrain|>json<|message|>{A}<|call|>",
        ["?I must <read> it.", *ONE],
    ),
    "harmony role": (f"<|start|>assistant to=functions.read<|channel|>commentary json<|message|>{A}", ONE),
    "harmony final": (
        "<|channel|>analysis<|message|>Easy.<|end|><|start|>assistant<|channel|>final<|message|>It is 4.<|return|>",
        ["?Easy.", "It is 4."],
    ),
    "harmony preamble": (
        "<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.read"
        f"<|message|>{A}<|call|>",
        ["I look.", *ONE],
    ),
    "granite": (f"<|tool_call|>[{CALL_A}, {CALL_LIST}]", TWO),
    "granite 3": (f"<tool_call>[{CALL_A}]", ONE),
    "phi 4": (f"<|tool_call|>[{CALL_A}]<|/tool_call|>", ONE),
    "phi 4 mini": (f"functools[{CALL_A}]", ONE),
    "command r": (
        "<|START_THINKING|>Hm.<|END_THINKING|><|START_ACTION|>[\n"
        '    {"tool_call_id": "0", "tool_name": "read", "parameters": {"path": "a.txt"}}\n]<|END_ACTION|>',
        ["?Hm.", *ONE],
    ),
    "glm": (
        "<tool_call>edit\n<arg_key>path</arg_key>\n<arg_value>a</arg_value>\n<arg_key>line</arg_key>\n"
        "<arg_value>3</arg_value>\n</tool_call>\n<tool_call>list_files\n</tool_call>",
        [("edit", {"path": "a", "line": 3}), ("list_files", {})],
    ),
    "kimi": (
        f"<|tool_calls_section_begin|><|tool_call_begin|>functions.read:0<|tool_call_argument_begin|>{A}"
        "<|tool_call_end|><|tool_calls_section_end|>",
        ONE,
    ),
    "lfm2": ("<|tool_call_start|>[read(path='a.txt')]<|tool_call_end|>Done.", [*ONE, "Done."]),
    "nemotron": (f"<TOOLCALL>[{CALL_A}]</TOOLCALL>", ONE),
    "minimax": (
        '<minimax:tool_call>\n<invoke name="read">\n<parameter name="path">a.txt</parameter>\n</invoke>\n'
        "</minimax:tool_call>",
        ONE,
    ),
    "invoke": (
        '<function_calls>\n<invoke name="read">\n<parameter name="path">a.txt</parameter>\n</invoke>\n'
        "</function_calls>",
        ONE,
    ),
    "unknown name": ('<tool_call>{"name": "raed", "arguments": {}}</tool_call>', [("raed", {})]),
}

WHOLE: dict[str, tuple[str, list[object]]] = {
    "llama bare": ('{"name": "read", "parameters": {"path": "a.txt"}}', ONE),
    "llama type": ('{"type": "function", "name": "read", "parameters": {"path": "a.txt"}}', ONE),
    "llama two": (
        '{"name": "read", "parameters": {"path": "a.txt"}}; {"name": "list_files", "parameters": {}}',
        TWO,
    ),
    "pythonic": ('[read(path="a.txt"), list_files()]', TWO),
    "pythonic nasty": (
        "[edit(path='it\\'s ]) \"x\"', line=-3, tags=['(', \"]\"], options={'a': None, 'b': true})]",
        [
            (
                "edit",
                {"path": 'it\'s ]) "x"', "line": -3, "tags": ["(", "]"], "options": {"a": None, "b": True}},
            )
        ],
    ),
    "fence": (f"```json\n{CALL_A}\n```", ONE),
    "fence tilde": (f"~~~\n{CALL_A}\n~~~\n", ONE),
    "fence tool_call": (f"\n```tool_call\n{CALL_A}\n{CALL_LIST}\n```\n", TWO),
    "fence tool_code": ('```tool_code\nprint(read(path="a.txt"))\n```', ONE),
    "two fences": (f"```json\n{CALL_A}\n```\n\n```json\n{CALL_LIST}\n```", TWO),
    "fence with marker": (f"```xml\n<tool_call>\n{CALL_A}\n</tool_call>\n```", ONE),
    "openai": (
        '{"tool_calls": [{"id": "x1", "type": "function", "function": {"name": "read", '
        '"arguments": "{\\"path\\": \\"a.txt\\"}"}}]}',
        ONE,
    ),
    "function": ('{"function": {"name": "read", "arguments": {"path": "a.txt"}}}', ONE),
    "function name": ('{"function": "read", "args": {"path": "a.txt"}}', ONE),
    "tool": ('{"tool": "read", "input": {"path": "a.txt"}}', ONE),
    "list": (f"[{CALL_A},\n {CALL_LIST}]", TWO),
    "stray closing": (f"{CALL_A}\n</tool_call>", ONE),
    "arguments first": ('{"arguments": {"path": "a.txt"}, "name": "read"}', ONE),
    "no arguments": ('{"name": "list_files"}', [("list_files", {})]),
}

IN_PROSE: dict[str, tuple[str, list[object]]] = {
    "fence in prose": (f"I will look.\n\n```json\n{CALL_A}\n```\nOk.", ["I will look.\n\n", *ONE, "Ok."]),
    "bare after prose": (f"Sure! {CALL_A}", ["Sure! ", *ONE]),
    "bare before prose": (f"{CALL_A}\n\nThat shows it.", [*ONE, "That shows it."]),
    "list after prose": (f"Calls:\n[{CALL_A}, {CALL_LIST}]", ["Calls:\n", *TWO]),
}
