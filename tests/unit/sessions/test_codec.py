"""Messages as JSON: the same when they come back, and nothing but messages comes back."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Citation,
    Image,
    JsonObject,
    Message,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
    user,
)
from ally.sessions.codec import Undecodable, decode, encode, from_text, to_text

texts = st.text(st.characters(exclude_categories=()), max_size=30)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
images = st.builds(Image, st.binary(max_size=20), texts)
counts = st.integers(0, 2**40)
sources = st.lists(st.builds(Source, counts, texts, counts, counts, texts, texts, texts), max_size=2).map(tuple)
citations = st.builds(Citation, counts, texts, counts, counts, texts, texts, st.booleans())
pictures = st.lists(images, max_size=2).map(tuple)
results = st.builds(ToolResult, texts, texts, texts, st.booleans(), texts, pictures, sources)
said = (
    st.builds(Text, texts)
    | st.builds(Thinking, texts, texts, st.booleans())
    | st.builds(ToolCall, texts, texts, st.dictionaries(texts, values, max_size=3), texts)
    | st.builds(BadToolCall, texts, texts, texts, texts)
)
messages = (
    st.builds(UserMessage, st.lists(st.builds(Text, texts) | images, max_size=3).map(tuple), texts, sources)
    | st.builds(
        AssistantMessage, st.lists(said, max_size=4).map(tuple), texts, st.lists(citations, max_size=2).map(tuple)
    )
    | st.builds(ToolMessage, st.lists(results, max_size=3).map(tuple))
)


@given(messages)
def test_every_message_comes_back_as_it_was(message: Message) -> None:
    text = to_text(encode(message))
    text.encode()
    assert decode(from_text(text)) == message


def test_an_object_of_another_library_stays_a_dictionary() -> None:
    planted = {"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]}
    message = AssistantMessage((ToolCall("1", "x", planted),))
    assert decode(from_text(to_text(encode(message)))) == message


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"v": 2, "role": "user", "parts": []},
        {"v": True, "role": "user", "parts": []},
        {"v": 1, "role": "system", "parts": []},
        {"v": 1, "role": "user"},
        {"v": 1, "role": "user", "parts": [], "more": 1},
        {"v": 1, "role": "user", "parts": [{"type": "text", "text": 1}]},
        {"v": 1, "role": "user", "parts": [{"type": "tool_call", "id": "", "name": "", "args": {}}]},
        {"v": 1, "role": "user", "parts": [{"type": "image", "data": "%", "media_type": "image/png"}]},
        {"v": 1, "role": "assistant", "parts": [{"type": "tool_call", "id": "1", "name": "x", "args": "{}"}]},
        {"v": 1, "role": "tool", "results": [{"type": "tool_result", "call_id": "1"}]},
    ],
)
def test_what_is_no_message_of_this_version_is_refused(value: object) -> None:
    with pytest.raises(Undecodable):
        decode(value)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", b"{}", None, "[" * 100_000, pickle.dumps(user("a"))])
def test_what_is_no_json_object_is_refused(text: object) -> None:
    with pytest.raises(Undecodable):
        from_text(text)


def test_the_form_on_disk_is_plain_and_stays() -> None:
    message = AssistantMessage((Text("é"), ToolCall("c1", "read", {"path": "a"})))
    form: JsonObject = {
        "v": 1,
        "role": "assistant",
        "parts": [
            {"type": "text", "text": "é"},
            {"type": "tool_call", "id": "c1", "name": "read", "args": {"path": "a"}},
        ],
    }
    assert json.loads(to_text(encode(message))) == form


def test_citations_are_written_where_there_are_some() -> None:
    source, citation = Source(3, "/a.md", 1, 2, fingerprint="2:f"), Citation(3, "/a.md", 2, 2, "", "the words", True)
    cited = AssistantMessage((Text('x [3 "the words"]'),), "x [3]", (citation,))
    written = from_text(to_text(encode(cited)))
    assert written["shown"] == "x [3]"
    assert written["citations"] == [
        {"number": 3, "path": "/a.md", "line_start": 2, "line_end": 2, "quote": "the words"}
    ]
    asked = from_text(to_text(encode(UserMessage((Text("q"),), "passages", (source,)))))
    assert asked["sources"] == [{"number": 3, "path": "/a.md", "line_start": 1, "line_end": 2, "fingerprint": "2:f"}]
