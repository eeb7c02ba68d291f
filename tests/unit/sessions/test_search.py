"""Finding what was said; what is looked for is text, never a query."""

import sqlite3
from pathlib import Path

import pytest

from ally.messages import AssistantMessage, Thinking, ToolCall, ToolMessage, ToolResult, assistant, user
from ally.sessions.search import MAX_RESULT_CHARACTERS
from ally.sessions.store import Sessions

HERE = Path("/")


@pytest.fixture
def filled(sessions: Sessions) -> Sessions:
    session = sessions.start(HERE, "general")
    session.append(user("Where is the Größe of Émile's file_name.py computed?"))
    session.append(AssistantMessage((Thinking("secretly"), ToolCall("1", "read", {}))))
    session.append(ToolMessage((ToolResult("1", 'def total(): 100% "quoted" ' + "x" * 9000 + " tail"),)))
    session.append(assistant("これは会話です。 Привет, мир!"))
    sessions.start(Path("/elsewhere"), "general").append(user("total elsewhere"))
    return sessions


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("größe", 1),
        ("GRÖSSE", 1),
        ("emile's", 1),
        ("file_name.py", 1),
        ("name.py", 1),
        ("comput", 1),
        ("mputed", 1),
        ("file_name.py größe", 1),
        ("file_name.py nowhere", 0),
        ("会話", 1),
        ("привет мир", 1),
        ("total", 2),
        ("100%", 1),
        ("%", 1),
        ('"quoted"', 1),
        ("secretly", 0),
        ("tail", 0),
        ("", 0),
        (" \n ", 0),
        ("xyzzy", 0),
    ],
)
def test_words_are_found_in_any_language(filled: Sessions, text: str, count: int) -> None:
    assert len(filled.search(text)) == count
    assert len(filled.search(text)) == count


@pytest.mark.parametrize(
    "text",
    [
        '"',
        '""',
        "*",
        "a AND",
        "NEAR(",
        "words:total",
        "-total",
        "^",
        "(",
        "a OR b",
        "'; DROP TABLE entry; --",
        "\0",
        "\ud800",
    ],
)
def test_no_sign_means_anything_to_the_search(filled: Sessions, text: str) -> None:
    filled.search(text)
    assert len(filled.search("total")) == 2


def test_a_search_stays_in_its_folder(filled: Sessions) -> None:
    assert [hit.folder for hit in filled.search("total", HERE)] == ["/"]
    assert {hit.folder for hit in filled.search("total")} == {"/", "/elsewhere"}


def test_the_newest_comes_first_and_the_excerpt_is_short(filled: Sessions) -> None:
    hits = filled.search("total")
    assert [hit.role for hit in hits] == ["user", "tool"]
    assert all("total" in hit.excerpt and len(hit.excerpt) < 200 for hit in hits)
    assert len(filled.search("total", limit=1)) == 1
    assert MAX_RESULT_CHARACTERS < 9000


def test_what_was_said_since_the_last_search_is_found(filled: Sessions) -> None:
    assert filled.search("afterwards") == ()
    filled.start(HERE, "general").append(user("said afterwards"))
    assert len(filled.search("afterwards")) == 1


def test_without_a_usable_index_the_messages_are_looked_through(filled: Sessions, file: Path) -> None:
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE found (other)")  # the name is taken by what is no index
    other.close()
    assert len(filled.search("total")) == 2
    assert len(filled.search("total")) == 2


def test_a_damaged_index_is_made_again(filled: Sessions, file: Path) -> None:
    assert len(filled.search("total")) == 2
    with sqlite3.connect(file) as other:
        other.execute("UPDATE found_data SET block = x'00ff00ff'")
    other.close()
    assert len(filled.search("total")) == 2
    filled.start(HERE, "general").append(user("total again"))
    assert len(filled.search("total")) == 3
    filled.delete(filled.list()[0].id)
    assert len(filled.search("total")) == 2
