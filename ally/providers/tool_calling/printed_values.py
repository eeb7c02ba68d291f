"""Calls in values: what an object, a list or parameters that a model printed mean as calls of tools.

Only the wrapping is read with tolerance. Arguments are one strict JSON object in the end, or the call does not run.
"""

import ast
import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ally.messages import BadToolCall, JsonObject, ToolCall, ToolSpec
from ally.providers.arguments import parse_call

NAMES = ("name", "tool_name", "function_name", "tool", "function", "action")
ARGUMENTS = ("arguments", "parameters", "args", "input", "params", "tool_input", "action_input")
WRAPPERS = ("tool_calls", "tool_call", "function_call", "function")
IDS = ("id", "call_id", "tool_call_id")
KEYS = frozenset((*NAMES, *ARGUMENTS, *WRAPPERS, *IDS, "type", "index"))
NO_NAME = "The call has no tool name, so nothing ran. Name the tool to call."
TOO_LONG = "The call is too long to be read, so the tool did not run. Send a shorter call."

_PARTS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]', re.DOTALL)
_NAMED = re.compile(r'"(?:name|tool_name|function_name|tool|function|action)"\s*:\s*"([^"\\]{1,128})"')
_INNER = re.compile(r"""\n<parameter(?:=| name=)["']?([\w.-]+)["']?>""")
_INDEX = re.compile(r":\d+$")
_ANY = "any value"
_MOST_WRAPPERS = 8
"""Lists and wrappers around a call; each is read anew."""
_WORDS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Draft:
    """A call as it was printed: its arguments are still text. A `problem` says why it must not run.

    `has_more`: the object says more than a call does, as the description of a tool would.
    """

    name: str
    raw: str
    problem: str = ""
    id: str = ""
    has_more: bool = False

    def finish(self, id: str) -> ToolCall | BadToolCall:  # noqa: A002 - the field is called id
        """The call with its id."""
        if self.problem or not self.name:
            return BadToolCall(id, self.name, self.raw, self.problem or NO_NAME)
        return parse_call(id, self.name, self.raw)


class Values:
    """Reads printed values as calls of `tools`."""

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def name(self, said: str) -> str:
        """The tool that `said` names, without the decoration some families give a name; else `said`."""
        said = said.strip()
        if said in self._tools:
            return said
        bare = _INDEX.sub("", said)
        short = bare.rpartition("functions.")[2] or bare
        return short if short in self._tools or bare.startswith("functions.") else bare

    def expects(self, drafts: Sequence[Draft]) -> bool:
        """Whether `drafts` are calls, and nothing but calls, of tools that there are."""
        return bool(drafts) and all(self.knows(one.name) and not one.has_more for one in drafts)

    def knows(self, name: str) -> bool:
        """Whether there is a tool called `name`."""
        return name in self._tools

    def from_json(self, raw: str) -> list[Draft]:
        """The calls in an object or a list of such objects; none if one of them is no call."""
        return self._from_value(raw, 0)

    def from_cut(self, raw: str, problem: str) -> Draft:
        """The call in a value that does not end."""
        found = _NAMED.search(raw[:4096])
        return Draft(self.name(found[1]) if found else "", raw, problem)

    def from_pairs(self, name: str, pairs: Sequence[tuple[str, str, bool | None]]) -> Draft:
        """The call with the parameters `pairs` of name, text and whether it is a string (None: the tool knows)."""
        properties = _properties(self._tools.get(name))
        values: list[str] = []
        for key, text, is_string in pairs:
            if any(inner in properties for inner in _INNER.findall(text)):
                return Draft(
                    name, text, f"The parameter {key} is not closed. The tool did not run. Send the call again."
                )
            types = _types(properties.get(key)) if is_string is None else {"string" if is_string else _ANY}
            value, problem = _typed(text, types)
            if problem:
                return Draft(name, text, f"The parameter {key} {problem}. The tool did not run. Send the call again.")
            values.append(f"{json.dumps(key, ensure_ascii=False)}: {value}")
        return Draft(name, "{" + ", ".join(values) + "}")

    def from_python(self, raw: str) -> list[Draft]:
        """The calls in a Python expression: one call, or a list of them; none if it is something else."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(raw.strip(), mode="eval").body
            calls: list[ast.expr] = tree.elts if isinstance(tree, ast.List) else [tree]
            drafts = [self._from_node(call) for call in calls]
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            found = re.match(r"[\[\s]*([\w.]+)\s*\(", raw)
            reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
            return [Draft(self.name(found[1]), raw, _bad_python(reason))] if found else []
        return [draft for draft in drafts if draft] if all(drafts) else []

    def _from_value(self, raw: str, depth: int) -> list[Draft]:
        if depth > _MOST_WRAPPERS:
            return []
        return self._from_list(raw, depth) if raw.startswith("[") else self._from_object(raw, depth)

    def _from_list(self, raw: str, depth: int) -> list[Draft]:
        found = [self._from_value(item, depth + 1) if item.startswith(("{", "[")) else [] for item in _items(raw)]
        return [draft for drafts in found for draft in drafts] if all(found) else []

    def _from_object(self, raw: str, depth: int) -> list[Draft]:
        members = [(_string(key) or "", value) for key, value in _members(raw)]
        fields = dict(members)
        call_id = next((text for key in IDS if (text := _string(fields.get(key, "")))), "")
        for key in WRAPPERS:
            if fields.get(key, "").startswith(("{", "[")):
                inner = self._from_value(fields[key], depth + 1)
                return [replace(draft, id=draft.id or call_id) for draft in inner]
        name = next((text for key in NAMES if (text := _string(fields.get(key, "")))), "")
        given = [fields[key] for key in ARGUMENTS if key in fields]
        if not name and not given:
            return []
        draft = self._of_fields(self.name(name), given)
        if not draft.problem:
            strict = parse_call("", name, raw)
            if isinstance(strict, BadToolCall) and not isinstance(parse_call("", name, draft.raw), BadToolCall):
                draft = replace(draft, raw=raw, problem=strict.problem)
        return [replace(draft, id=call_id, has_more=not KEYS.issuperset(fields))]

    def _of_fields(self, name: str, given: Sequence[str]) -> Draft:
        if len(given) > 1:
            return Draft(name, given[0], "The call has its arguments twice, so the tool did not run. Send them once.")
        raw = given[0] if given else ""
        if raw.startswith('"'):
            text = _string(raw)
            return Draft(name, raw) if text is None else Draft(name, text)
        return Draft(name, "" if raw == "null" else raw)

    def _from_node(self, node: ast.expr) -> Draft | None:
        if not isinstance(node, ast.Call):
            return None
        name = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
        if name == "print" and not self.knows("print") and len(node.args) == 1 and not node.keywords:
            return self._from_node(node.args[0])
        name = self.name(name.removesuffix(".call"))
        if not name:
            return None
        names = [word.arg for word in node.keywords]
        if node.args or None in names or len(set(names)) < len(names):
            return Draft(name, ast.unparse(node), _bad_python("every argument needs a name of its own"))
        try:
            args = {word.arg: _literal(word.value) for word in node.keywords}
            return Draft(name, json.dumps(args, ensure_ascii=False))
        except (ValueError, TypeError, RecursionError) as error:
            return Draft(name, ast.unparse(node), _bad_python(str(error)))


def _literal(node: ast.expr) -> Any:  # Any: JSON values
    match node:
        case ast.Name(id=word) if word in _WORDS:
            return _WORDS[word]
        case ast.List():
            return [_literal(item) for item in node.elts]
        case ast.Dict():
            keys = [None if key is None else _literal(key) for key in node.keys]
            if len(set(map(str, keys))) < len(keys) or not all(isinstance(key, str) for key in keys):
                raise ValueError("the keys of a dictionary must be different strings")
            return dict(zip(keys, map(_literal, node.values), strict=True))
        case ast.Constant(value=str() | bool() | int() | float() | None):
            return node.value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case _:
            raise ValueError(f"{ast.unparse(node)[:40]} is no plain value")


def _bad_python(reason: str) -> str:
    return f"The call cannot be read: {reason}. The tool did not run. Send the call again, each argument as name=value."


def _string(raw: str) -> str | None:
    """The text of a JSON string, None if it is none or holds half a character."""
    if not raw.startswith('"'):
        return None
    try:
        value: object = json.loads(raw)
        if not isinstance(value, str):
            return None
        value.encode()
    except ValueError:
        return None
    return value


def _items(raw: str) -> list[str]:
    """The texts between the commas of a list or an object, whatever stands inside them."""
    items: list[str] = []
    depth, start = 0, 1
    for part in _PARTS.finditer(raw):
        sign = part[0][0]
        if sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
        if (sign == "," and depth == 1) or depth == 0:
            items.append(raw[start : part.start()].strip())
            start = part.end()
    return items[:-1] if items and not items[-1] else items


def _members(raw: str) -> list[tuple[str, str]]:
    members: list[tuple[str, str]] = []
    for item in _items(raw):
        key = _PARTS.match(item)
        rest = item[key.end() :].lstrip() if key else ""
        if key and rest.startswith(":"):
            members.append((key[0], rest[1:].strip()))
    return members


def _properties(tool: ToolSpec | None) -> JsonObject:
    properties = tool.parameters.get("properties") if tool else None
    return properties if isinstance(properties, dict) else {}  # pyright: ignore[reportUnknownVariableType] - JSON


def _types(schema: Any) -> set[str]:  # Any: JSON of somebody's schema
    """The JSON types that a parameter may have; empty if the schema does not say."""
    if not isinstance(schema, dict):
        return set()
    found: JsonObject = schema  # pyright: ignore[reportUnknownVariableType] - JSON
    kinds: Any = found.get("type", [])  # Any: JSON
    types = {str(kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)}
    for option in (*found.get("anyOf", ()), *found.get("oneOf", ())):
        types |= _types(option)
    return types


def _typed(text: str, types: set[str]) -> tuple[str, str]:
    """The JSON of a parameter's text, and what is wrong with it."""
    if not types or "string" in types:
        return json.dumps(text, ensure_ascii=False), ""
    said = text.strip()
    if "boolean" in types and said.lower() in ("true", "false"):
        return said.lower(), ""
    wrapped = parse_call("", "", '{"value": ' + said + "}")
    if isinstance(wrapped, ToolCall) and list(wrapped.args) == ["value"]:
        return said, ""
    return "", f"must be {' or '.join(sorted(types))} as JSON, but is {said[:60]!r}"
