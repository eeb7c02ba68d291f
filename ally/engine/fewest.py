"""The fewest tokens that any vocabulary in use makes of a text.

Vocabularies split at words before they join pieces, so that a word is at least one token, however common it is. Held
against o200k, cl100k and r50k on 23 kinds of text (2026-11): never more than the true count, and with the first two 64
to 90 % of it for prose, code and JSON.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from ally.messages import AssistantMessage, BadToolCall, Message, Text, ToolCall, ToolMessage, UserMessage
from ally.providers.model import Request

_RUNS = re.compile(
    r"(?P<latin>[A-Za-z]+)|(?P<digits>[0-9]+)|(?P<asian>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)"
    r"|(?P<letters>[^\W\d_A-Za-z\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)|(?P<signs>[^\w\s]+|_+)"
)
_LONGEST = {"latin": 16, "digits": 6, "asian": 3, "letters": 12, "signs": 64}
"""Characters of a run that one token may hold."""

_LONG_NUMBER = 12
_SCHEMA_WORDS = frozenset({"description", "enum", "default"})


def fewest(text: str) -> int:
    """The fewest tokens of `text`."""
    count = 0
    for run in _RUNS.finditer(text):
        kind, size = run.lastgroup or "", run.end() - run.start()
        # A single sign belongs to the word behind it, in some vocabularies.
        if kind == "signs" and size == 1 and text[run.end() : run.end() + 1].isalpha():
            continue
        most = 16 if kind == "digits" and size > _LONG_NUMBER else _LONGEST[kind]
        count += -(-size // most)
    return count


def fewest_of_message(message: Message) -> int:
    """The fewest tokens of a message in a request; thinking, pictures and frames count nothing."""
    match message:
        case UserMessage(parts, context):
            return fewest(context) + sum(fewest(part.text) for part in parts if isinstance(part, Text))
        case ToolMessage(results):
            return sum(fewest(result.for_model) for result in results)
        case AssistantMessage(parts):
            return sum(_of_part(part) for part in parts)


def fewest_of_prompt(request: Request) -> int:
    """The fewest tokens of a whole request. Of tools what every template shows: names, and what is said of them."""
    said = "\n".join(f"{tool.name} {tool.description} {' '.join(_words(tool.parameters))}" for tool in request.tools)
    return fewest(request.system) + fewest(said) + sum(map(fewest_of_message, request.messages))


def _of_part(part: object) -> int:
    match part:
        case Text(text):
            return fewest(text)
        case ToolCall(name=name, args=args):
            return fewest(name) + fewest(json.dumps(args, ensure_ascii=False))
        case BadToolCall(name=name):  # what it said is not sent back
            return fewest(name)
        case _:
            return 0


def _words(schema: object) -> Sequence[str]:
    """Names and descriptions in a JSON Schema."""
    if isinstance(schema, list):
        return [word for item in cast("list[object]", schema) for word in _words(item)]
    if not isinstance(schema, Mapping):
        return []
    words: list[str] = []
    for key, value in cast("Mapping[str, object]", schema).items():
        if key in _SCHEMA_WORDS and isinstance(value, str):
            words.append(value)
        elif key == "properties" and isinstance(value, Mapping):
            words += cast("Mapping[str, object]", value)
            words += _words(list(cast("Mapping[str, object]", value).values()))
        else:
            words += _words(value)
    return words
