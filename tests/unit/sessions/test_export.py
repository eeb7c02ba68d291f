"""A session as a document that can be given away: readable, harmless, without keys."""

import json
import re
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ally.messages import (
    AssistantMessage,
    BadToolCall,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
    assistant,
    user,
)
from ally.sessions import export
from ally.sessions.codec import decode
from ally.sessions.masking import MASK, masker
from ally.sessions.session import Session
from ally.sessions.store import Sessions
from ally.terminal.text import clean

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)> ![p](http://evil.example/a.png) \x1b[2J\u202e"


@pytest.fixture
def session(sessions: Sessions) -> Session:
    made = sessions.start(Path("/"), "general")
    made.note("model", {"model": EVIL})
    made.append(UserMessage((Text(EVIL), Image(b"\x89PNG", "image/png"), Image(b"<svg>", "image/svg+xml"))))
    calls = ToolCall("1", "read", {"path": EVIL}), BadToolCall("2", "write", '{"a', "cut")
    made.append(AssistantMessage((Thinking(EVIL), Text("Look:\n```py\n<b>open"), *calls)))
    made.append(ToolMessage((ToolResult("2", "cut", is_error=True),)))
    made.append(ToolMessage((ToolResult("1", f"````\n```\n{EVIL}"),)))
    made.append(assistant("done"))
    return made


def same(text: str) -> str:
    return text


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_html_runs_and_fetches_nothing(session: Session) -> None:
    page = export.to_html(session, session.entries(), clean)
    parser = Tags()
    parser.feed(page)
    names = [name for name, _ in parser.tags]
    assert not {"script", "link", "iframe", "object", "a", "svg", "form"} & set(names)
    assert [values["src"] for name, values in parser.tags if name == "img"] == ["data:image/png;base64,iVBORw=="]
    assert not [key for _, values in parser.tags for key in values if key.startswith("on")]
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_html_keeps_each_call_with_its_result(session: Session) -> None:
    page = export.to_html(session, session.entries(), clean)
    assert re.findall(r"<summary>(.*?)</summary>", page) == ["Thinking", "read · done", "write · failed"]


def without_code(document: str) -> str:
    """The lines of a Markdown document that are not inside a fenced block."""
    fence, outside = "", list[str]()
    for line in document.split("\n"):
        if fence:
            fence = (
                "" if line.strip() and set(line.strip()) == {fence[0]} and len(line.strip()) >= len(fence) else fence
            )
        elif match := re.match("(`{3,}|~{3,})", line):
            fence = match[1]
        else:
            outside.append(line)
    assert not fence
    return "\n".join(outside)


def test_markdown_shows_tags_and_pictures_as_text(session: Session) -> None:
    outside = without_code(export.to_markdown(session, session.entries(), clean))
    assert not re.search(r"(?<!\\)<[a-zA-Z/]", outside)
    assert not re.search(r"(?<!\\)!\[", outside)
    assert "## You" in outside
    assert outside.count("## Ally") == 2
    assert "**Tool write**" in outside
    assert "done" in outside


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a < b && c > d", "a < b && c > d"),
        ("<b>", "\\<b>"),
        ("\\<b>", "\\<b>"),
        ("\\\\<b>", "\\\\\\<b>"),
        ("![x](y) [l](m)", "!\\[x](y) [l](m)"),
        ("```\n<b>\n```\n<i>", "```\n<b>\n```\n\\<i>"),
        ("~~~\n```\n<b>", "~~~\n```\n<b>\n~~~"),
        ("``` no `fence\n<b>", "``` no `fence\n\\<b>"),
    ],
)
def test_markdown_of_a_message_stays_markdown(sessions: Sessions, said: str, shown: str) -> None:
    session = sessions.start(Path("/"), "general")
    session.append(user(said))
    assert export.to_markdown(session, session.entries(), clean).endswith(f"## You\n\n{shown}\n")


@pytest.mark.parametrize("text", ["", "a", "```", "a ````` b", "~~~\n```\n"])
def test_no_text_closes_its_own_fence(text: str) -> None:
    first, *inside, last = export.fenced(text).split("\n")
    assert first == last
    assert all(first not in line for line in inside)


def test_json_has_everything_as_it_was(session: Session) -> None:
    session.append(user("wrong"))
    session.retract()
    session.compact([user("summary")])
    text = export.to_json(session, session.entries(), same)
    assert text.isascii()
    document = json.loads(text)
    assert (document["format"], document["version"], document["id"]) == ("ally-session", 1, session.id)
    found = [decode(entry["message"]) for entry in document["entries"] if "message" in entry]
    assert found == [entry.message for entry in session.entries() if entry.message]
    assert [entry["kind"] for entry in document["entries"]][-2:] == ["retract", "compact"]
    assert [decode(message) for message in document["entries"][-1]["messages"]] == [user("summary")]


def test_what_was_taken_back_or_is_damaged_is_said(session: Session, file: Path) -> None:
    session.retract()
    with sqlite3.connect(file) as other:
        other.execute("UPDATE entry SET body = '{' WHERE id = 2")
    other.close()
    for write in (export.to_markdown, export.to_html):
        document = write(session, session.entries(), clean)
        assert "could not be read" in document
        assert "taken back" in document


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnopqrst123456",
        "sk-ant-api03-abcdefghijklmnopqrst_1",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "AIza" + "a1B2c" * 7,
        "AKIAABCDEFGHIJKLMNOP",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----",
        'my "own" key',
        "known",
    ],
)
def test_keys_are_in_no_export(sessions: Sessions, secret: str) -> None:
    session = sessions.start(Path("/"), "general")
    session.append(user(f"use {secret} please"))
    session.append(
        AssistantMessage((Text(secret), ToolCall("1", "shell", {"command": f"export K={secret}", secret: 1})))
    )
    session.append(ToolMessage((ToolResult("1", f"K={secret}\n", f"shown {secret}"),)))
    mask = masker(['my "own" key', "known"])
    documents = [
        export.to_json(session, session.entries(), mask),
        export.to_html(session, session.entries(), mask),
        export.to_markdown(session, session.entries(), mask),
    ]
    for document in documents:
        assert secret not in document
        assert secret not in json.dumps(document)
        assert MASK in document or json.dumps(MASK)[1:-1] in document
        assert "please" in document


def test_pictures_and_signatures_are_not_taken_for_keys(sessions: Sessions) -> None:
    session = sessions.start(Path("/"), "general")
    said = AssistantMessage((Thinking("a", "sk-" + "a1" * 20),))
    session.append(UserMessage((Image(bytes.fromhex("000283000283") * 9, "image/png"),)))
    session.append(said)
    document = json.loads(export.to_json(session, session.entries(), masker(["AAKDAAKD"])))
    assert [decode(entry["message"]) for entry in document["entries"]] == [
        UserMessage((Image(bytes.fromhex("000283000283") * 9, "image/png"),)),
        said,
    ]


def test_ordinary_text_is_not_masked() -> None:
    text = (
        "The sk-learn docs; task-force; a-very-long-hyphenated-identifier-of-many-words; AKIA; commit 0123456789abcdef"
    )
    assert masker([])(text) == text
