"""A model behind a fake server that does every probe right, in the way it is told."""

import json
from collections.abc import Callable
from typing import Any

from tests.fakes import Recorded, Reply

Call = tuple[str, dict[str, Any]]
NOTE = "She said \"Grüße\" and C:\\new, then: 'it's 5 °C' 世界"
NOTES: Call = ("read", {"path": "notes.txt"})

# What the whole request must hold, and the right answer: text, calls. The first that fits.
RIGHT: list[tuple[str, str, list[Call]]] = [
    ("Ask for both", "", [("read", {"path": "a.txt"}), ("read", {"path": "b.txt"})]),
    ("part-1.txt", "", [("read", {"path": "part-2.txt"})]),
    ("folder src", "", [("list", {"path": "src"})]),
    (
        "Lunch",
        "",
        [("create_event", {"title": "Lunch", "date": {"day": 14, "month": 5}, "guests": ["Ann", "Bob"]})],
    ),
    ("What time is it", "", [("get_time", {})]),
    ("Write exactly", "", [("write", {"path": "note.txt", "content": NOTE})]),
    ("What is 2+2", "4", []),
    ("Invent a person", '{"name": "Ada", "age": 36}', []),
    ("apples", "There are 17 apples.", []),
    ("First say", "I read it.", [NOTES]),
    ("", "", [NOTES]),
]


def right(request: Recorded) -> tuple[str, list[Call]]:
    said = json.dumps(request.json["messages"], ensure_ascii=False)
    return next((text, calls) for words, text, calls in RIGHT if words in said)


def natively(request: Recorded) -> Reply:
    text, calls = right(request)
    return Reply(text, tool_calls=calls)


def printing(request: Recorded) -> Reply:
    """Calls in the tags of Hermes, also where the service has a field for them."""
    text, calls = right(request)
    tags = [f"<tool_call>\n{json.dumps({'name': name, 'arguments': args})}\n</tool_call>" for name, args in calls]
    return Reply("\n".join(filter(None, [text, *tags])))


def held_to_schema(request: Recorded) -> Reply:
    """One object, as the schema of the request wants it; so never two calls."""
    text, calls = right(request)
    if "Invent" in str(request.json["messages"]):
        return Reply(text)
    name, args = calls[0] if calls else ("", {})
    return Reply(json.dumps({"name": name, "arguments": args} if calls else {"answer": text}, ensure_ascii=False))


def silent(request: Recorded) -> Reply:
    """Never a call."""
    return Reply("I would rather not.")


def by_way(**ways: Callable[[Recorded], Reply]) -> Callable[[Recorded], Reply]:
    """Another model for each way that a request is made: native, schema, text."""

    def answer(request: Recorded) -> Reply:
        body = request.json
        is_schema = bool(body.get("format") or body.get("response_format"))
        way = "native" if body.get("tools") else "schema" if is_schema else "text"
        if "Invent" in str(body["messages"]):
            return natively(request)
        return ways[way](request)

    return answer
