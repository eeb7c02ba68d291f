"""A sensible answer when none is scripted: it echoes, calls the tools it is asked to call, fills in schemas.

Every fake reduces its vendor's request to an `Asked`, so that one behaviour serves all wires.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.fakes.reply import Reply, Usage

_EXACTLY = re.compile(
    r"\b(?:reply|answer|respond|repeat|say|write|echo)\b[^:\n]{0,60}:\s*(?P<text>.+)\Z", re.IGNORECASE | re.DOTALL
)
_NOTE = re.compile(r"\s*\[\w+day, [^\]]*\]\Z")
"""What Ally adds for the model to the user's words: the day and the place."""

_TOOL_WORDS = re.compile(r"\b(?:tools?|functions?|call|use|using)\b", re.IGNORECASE)
_SEVERAL = re.compile(r"\b(?:both|parallel|twice|two|at once|at the same time|each)\b", re.IGNORECASE)
_COUNT = re.compile(r"\bcount\b.*?\b(\d+)\b\D{1,20}(\d+)\b", re.IGNORECASE)
_LONG = re.compile(r"\b(?:long|essay|\d{3,} words|in detail)\b", re.IGNORECASE)
_PAUSE_S = 0.01
"""Between two pieces of a long answer, so that there is time to interrupt it."""
_CHARS_PER_TOKEN = 4
_VERBS = ("get", "set", "call", "use", "run", "make", "find", "tool", "function", "add", "the", "for", "args", "with")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as offered: `schema` is the JSON Schema of its arguments."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in no vendor's format.

    `prompt` is the last user text, `results` the tool results after it, `schema` the wanted shape of the answer
    (`{}` for any JSON), `tool_choice` auto, none, required or a name, `all_text` everything that counts as input.
    """

    prompt: str
    results: Sequence[str] = ()
    tools: Sequence[Tool] = ()
    tool_choice: str = "auto"
    schema: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    images: int = 0
    all_text: str = ""
    thinking: bool = False
    stops: Sequence[str] = field(default_factory=tuple)


def automatic(asked: Asked) -> Reply:
    """The answer of an obedient model that understands little."""
    asked = replace(asked, prompt=_NOTE.sub("", asked.prompt))
    if asked.schema is None and not asked.results:
        asked = replace(asked, schema=_schema_in_words(asked.all_text))
    calls = _calls(asked)
    thinking = f"The user wants: {asked.prompt[:80]}" if asked.thinking else ""
    text = "" if calls else _text(asked)
    stop = ""
    for mark in asked.stops:
        if mark and mark in text:
            text, stop = text[: text.index(mark)], "stop_sequence"
    if asked.max_tokens is not None and len(text) > asked.max_tokens * _CHARS_PER_TOKEN:
        text, stop = text[: asked.max_tokens * _CHARS_PER_TOKEN], "length"
    written = text + thinking + "".join(json.dumps(args) for _, args in calls)
    usage = Usage(input=tokens(asked.all_text or asked.prompt), output=tokens(written))
    pause_s = _PAUSE_S if len(text) > 200 else 0.0
    return Reply(text=text, thinking=thinking, tool_calls=calls, usage=usage, stop=stop, delay_s=pause_s)  # type: ignore[arg-type]  # str


def tokens(text: str) -> int:
    """A token count that grows with the text."""
    return 1 + len(text) // _CHARS_PER_TOKEN


def example(schema: Mapping[str, Any], words: Sequence[str], numbers: Sequence[float], name: str = "") -> Any:
    """A value that fits the schema, made of words and numbers of the prompt."""
    root = schema
    return _example(schema, root, list(words), list(numbers), name)


def _any_object(prompt: str) -> Mapping[str, Any]:
    """The shape of an answer of which only the keys are given, in words."""
    keys = re.findall(r"[\"'`](\w+)[\"'`]", prompt) if re.search(r"\b(?:keys?|fields?)\b", prompt) else []
    return {"type": "object", "properties": {key: {"type": "string"} for key in keys or ["answer"]}}


def _schema_in_words(text: str) -> Mapping[str, Any] | None:
    """The JSON Schema that the words of a request hold."""
    place = text.lower().find("json schema")
    start = text.find("{", place)
    if place < 0 or start < 0:
        return None
    try:
        schema, _ = json.JSONDecoder().raw_decode(text[start:])
    except json.JSONDecodeError:
        return None
    return schema if "type" in schema or "properties" in schema else None


def _text(asked: Asked) -> str:
    if asked.schema is not None:
        schema = asked.schema or _any_object(asked.prompt)
        return json.dumps(example(schema, _words(asked.prompt), _numbers(asked.prompt)), ensure_ascii=False)
    if asked.results:
        return "The tool said: " + "; ".join(asked.results)
    if match := _EXACTLY.search(asked.prompt):
        return match["text"].strip()
    if match := _COUNT.search(asked.prompt):
        return ", ".join(str(number) for number in range(int(match[1]), min(int(match[2]), 2000) + 1))
    if _LONG.search(asked.prompt):
        return " ".join(f"Sentence {number} of a long answer." for number in range(1, 101))
    pictures = f" (and sent {asked.images} image)" if asked.images else ""
    return f"You said: {asked.prompt}{pictures}"


def _calls(asked: Asked) -> list[tuple[str, dict[str, Any] | str]]:
    if not asked.tools or asked.tool_choice == "none" or (asked.results and asked.tool_choice == "auto"):
        return []
    names = {tool.name: tool for tool in asked.tools}
    if asked.tool_choice in names:
        wanted = [names[asked.tool_choice]]
    else:
        wanted = [tool for tool in asked.tools if _mentions(asked.prompt, tool.name)]
        if not wanted and (asked.tool_choice != "auto" or _TOOL_WORDS.search(asked.prompt)):
            wanted = [asked.tools[0]]
    if len(wanted) == 1 and _SEVERAL.search(asked.prompt):
        wanted = wanted * 2
    words, numbers = _words(asked.prompt), _numbers(asked.prompt)
    calls: list[tuple[str, dict[str, Any] | str]] = []
    for tool in wanted:
        calls.append((tool.name, example({"type": "object", **tool.schema}, words, numbers)))
        words, numbers = words[1:] or words, numbers[1:] or numbers
    return calls


def _mentions(prompt: str, name: str) -> bool:
    """Whether the prompt names the tool, or a word of its name that is no mere verb."""
    said = prompt.lower()
    parts = [part for part in re.split(r"[_\W]+", name.lower()) if part not in _VERBS and len(part) > 2]
    return name.lower() in said or any(re.search(rf"\b{re.escape(part)}", said) for part in parts)


def _words(prompt: str) -> list[str]:
    """Texts of the prompt that look like values: quoted ones, then names."""
    quoted = re.findall(r"[\"'`“](\S(?:[^\"'`”\n]{0,60}\S)?)[\"'`”]", prompt)
    names = re.findall(r"(?<![.!?:]\s)(?<!^)\b[A-Z][\w-]+", prompt)
    return [*quoted, *names]


def _numbers(prompt: str) -> list[float]:
    return [float(text) for text in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])", prompt)]


def _example(
    schema: Mapping[str, Any], root: Mapping[str, Any], words: list[str], numbers: list[float], name: str
) -> Any:
    if (ref := schema.get("$ref")) is not None:
        return _example(_resolve(root, ref), root, words, numbers, name)
    given = [schema[key] for key in ("const", "default") if key in schema] or schema.get("enum")
    if given:
        return next((value for value in given if value in words), given[0])
    if (choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")) is not None:
        return _example(choices[0], root, words, numbers, name)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = (kind[0] if isinstance(kind, list) else kind).lower()
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: _example(sub, root, words, numbers, key) for key, sub in properties.items()}
    if kind != "array":
        return _scalar(kind, words, numbers, name)
    return [_example(schema.get("items", {"type": "string"}), root, words, numbers, name)]


def _scalar(kind: str, words: list[str], numbers: list[float], name: str) -> Any:
    match kind:
        case "integer":
            return int(numbers.pop(0)) if numbers else 1
        case "number":
            return numbers.pop(0) if numbers else 1.5
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return words.pop(0) if words else (name or "value")


def _resolve(root: Mapping[str, Any], ref: str) -> Mapping[str, Any]:
    node: Any = root
    for part in ref.removeprefix("#/").split("/"):
        node = node[part]
    return node
