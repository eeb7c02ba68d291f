"""Going back in a session: what came after is left out everywhere, and is in the database still."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ally.engine.conversation import Conversation
from ally.errors import UsageError
from ally.messages import AssistantMessage, Message, Text, Thinking, ToolCall, ToolMessage, ToolResult, assistant, user
from ally.sessions import export
from ally.sessions.session import Session
from ally.sessions.store import Sessions
from tests.scripted import ScriptedModel
from tests.unit.sessions.test_faults import ROOT, full_disk


def chat(sessions: Sessions, folder: Path, *words: str) -> Session:
    session = sessions.start(folder, "general")
    for word in words:
        session.append(user(word))
        session.append(assistant(f"about {word}"))
    return session


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages if not isinstance(message, ToolMessage)]


def said(session: Session) -> list[str]:
    return [spot.message.text for spot in session.spots()]


def kinds(file: Path) -> list[str]:
    with sqlite3.connect(file) as run:
        return [row[0] for row in run.execute("SELECT kind FROM entry ORDER BY id")]


def test_the_history_goes_on_from_before_the_message(sessions: Sessions, file: Path, tmp_path: Path) -> None:
    session = chat(sessions, tmp_path, "a", "b", "c")
    assert said(session) == ["a", "b", "c"]
    assert session.rewind(1).message == user("b")
    session.append(user("d"))
    expected = ["a", "about a", "d"]
    assert texts(session.load()) == expected
    again = Sessions.open(file, pytest.fail).resume(session.id)
    assert texts(again.load()) == expected
    assert said(again) == ["a", "d"]
    assert kinds(file).count("user") == 4


def test_back_to_the_beginning_gives_another_title(sessions: Sessions, tmp_path: Path) -> None:
    session = chat(sessions, tmp_path, "first words", "b")
    session.rewind(0)
    assert session.load() == []
    assert said(session) == []
    assert sessions.list()[0].title == ""
    session.append(user("other words"))
    assert sessions.list()[0].title == "other words"
    assert texts(session.load()) == ["other words"]


@pytest.mark.parametrize("index", [-1, 2, 10**20])
def test_there_is_no_such_message(sessions: Sessions, tmp_path: Path, index: int) -> None:
    session = chat(sessions, tmp_path, "a", "b")
    with pytest.raises(UsageError):
        session.rewind(index)
    assert said(session) == ["a", "b"]


def test_back_and_back_again(sessions: Sessions, tmp_path: Path) -> None:
    session = chat(sessions, tmp_path, "a", "b", "c")
    session.rewind(2)
    session.append(user("d"))
    session.append(assistant("about d"))
    session.rewind(1)
    assert said(session) == ["a"]
    session.append(user("e"))
    session.append(assistant("about e"))
    session.rewind(1)
    assert texts(session.load()) == ["a", "about a"]


def test_back_to_before_and_to_after_a_summary(sessions: Sessions, tmp_path: Path) -> None:
    session = chat(sessions, tmp_path, "a", "b")
    session.append(user("pending"))
    session.compact([user("summary"), assistant("understood"), user("pending")])
    session.append(assistant("about pending"))
    session.append(user("c"))
    session.append(assistant("about c"))
    assert said(session) == ["a", "b", "pending", "c"]
    session.rewind(3)
    assert texts(session.load()) == ["summary", "understood", "pending", "about pending"]
    session.rewind(1)
    assert texts(session.load()) == ["a", "about a"]


def test_what_was_taken_back_is_nowhere_to_go_back_to(sessions: Sessions, tmp_path: Path) -> None:
    session = chat(sessions, tmp_path, "a")
    session.append(user("refused"))
    session.retract()
    session.append(AssistantMessage((ToolCall("1", "read", {}),)))
    session.append(ToolMessage((ToolResult("1", "x"),)))
    session.append(user("b"))
    session.append(user("c"))
    assert said(session) == ["a", "b", "c"]
    session.rewind(2)
    assert texts(session.load())[-1] == "b"


def test_exports_forks_and_searches_leave_out_what_was_left(sessions: Sessions, tmp_path: Path) -> None:
    session = chat(sessions, tmp_path, "apple", "banana")
    before = sessions.fork(session.id)
    session.rewind(1)
    after = sessions.fork(session.id)
    session.append(user("cherry"))
    assert [entry.kind for entry in session.entries()] == ["user", "assistant", "rewind", "user"]
    page = export.to_markdown(session, session.entries(), lambda text: text)
    assert "went back to here" in page
    assert "banana" not in page
    assert texts(after.load()) == ["apple", "about apple"]
    assert texts(before.load())[-1] == "about banana"
    for word in ("apple", "cherry"):
        assert sessions.search(word)
    assert sessions.search("banana")  # the fork from before has it
    sessions.delete(before.id)
    assert sessions.search("banana") == ()


def test_deleting_a_session_takes_along_what_it_went_back_from(sessions: Sessions, file: Path, tmp_path: Path) -> None:
    session = chat(sessions, tmp_path, "apple", "banana")
    session.rewind(1)
    fork = sessions.fork(session.id)
    sessions.delete(session.id)
    assert texts(fork.load()) == ["apple", "about apple"]
    assert sessions.search("banana") == ()
    with sqlite3.connect(file) as run:
        assert not [row for row in run.execute("SELECT body FROM entry") if "banana" in row[0]]


def test_another_process_that_went_on_keeps_what_this_one_left(
    sessions: Sessions, file: Path, notices: list[str], tmp_path: Path
) -> None:
    mine = chat(sessions, tmp_path, "a", "b")
    theirs = Sessions.open(file, notices.append).resume(mine.id)
    theirs.append(user("theirs"))
    mine.rewind(1)
    mine.append(user("mine"))
    assert texts(theirs.load())[-1] == "theirs"
    assert texts(mine.load()) == ["a", "about a", "mine"]
    assert mine.id != theirs.id


def test_going_back_while_nothing_can_be_written(sessions: Sessions, file: Path, tmp_path: Path) -> None:
    session = chat(sessions, tmp_path, "a", "b")
    wal = file.with_name(file.name + "-wal")
    with full_disk(max(wal.stat().st_size, file.stat().st_size)):
        session.append(user("c" * 10_000))
        session.append(user("d"))
        assert [len(text) for text in said(session)] == [1, 1, 10_000, 1]
        session.rewind(3)
        session.rewind(2)
        assert texts(session.load())[-1] == "about b"
        session.append(user("e" * 10_000))
        session.rewind(1)
        session.append(user("f" * 10_000))
        assert texts(session.load()) == ["a", "about a", "f" * 10_000]
        assert len(said(session)) == 2
    session.append(assistant("about f"))
    assert texts(Sessions.open(file, pytest.fail).resume(session.id).load())[1:] == ["about a", "f" * 10_000, "about f"]


def test_where_the_database_was_taken_away_it_goes_back_to_nothing_foreign(sessions: Sessions, file: Path) -> None:
    session = chat(sessions, Path("/"), "a", "b")
    for name in ("", "-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    other = Sessions.open(file, lambda text: None)
    chat(other, Path("/"), "foreign", "stranger")
    session.rewind(1)
    session.append(user("d"))
    assert texts(session.load()) == ["d"]


REWINDER = """
import sys
import time
from pathlib import Path
from ally.messages import assistant, user
from ally.sessions.store import Sessions

session = Sessions.open(Path(sys.argv[1]), print).start(Path("/"), "general")
for text in ("a", "b"):
    session.append(user(text))
    session.append(assistant("about " + text))
print(session.id, flush=True)
for number in range(100_000):
    session.rewind(1)
    session.append(user(f"n{number}"))
    session.append(assistant(f"about n{number}"))
"""


def test_killing_in_the_middle_leaves_one_state_or_the_other(file: Path) -> None:
    for pause_s in (0.0, 0.02, 0.05):
        command = [sys.executable, "-c", REWINDER, str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            name = process.stdout.readline().strip()
            time.sleep(pause_s)
            os.kill(process.pid, signal.SIGKILL)
        left = texts(Sessions.open(file, pytest.fail).resume(name).load())
        assert left[:2] == ["a", "about a"]
        assert left[2:] in ([], left[2:3], [*left[2:3], f"about {left[2]}" if len(left) > 2 else ""])


def conversation(session: Session) -> Conversation:
    talk = Conversation(ScriptedModel([]))
    talk.log = session
    return talk


def test_what_is_left_of_the_conversation_is_the_very_same(sessions: Sessions) -> None:
    session = sessions.start(Path("/"), "general")
    talk = conversation(session)
    talk.notes.append("[today]")
    talk.say(user("a"))
    talk.answer(AssistantMessage((Thinking("hm", "signed"), Text("b"), ToolCall("1", "read", {}, "sig"))))
    talk.add_result(ToolResult("1", "x"))
    talk.settle([ToolResult("1", "x")])
    talk.answer(assistant("c"))
    talk.count(900)
    before = talk.request()
    talk.say(user("d"))
    talk.say(user("e"))
    talk.queue(user("later"))
    talk.notes.append("[undone]")
    session.rewind(2)
    talk.rewind(session.load())
    assert talk.messages[-1] == user("d")
    session.rewind(1)
    talk.rewind(session.load())
    assert talk.request() == before
    assert all(mine is theirs for mine, theirs in zip(talk.messages[1:], before.messages[1:], strict=True))
    assert (talk.used_tokens, talk.meter.before) == (None, None)
    assert (list(talk.waiting), talk.notes) == ([user("later")], ["[undone]"])


def test_before_a_summary_the_conversation_is_read_again(sessions: Sessions) -> None:
    session = sessions.start(Path("/"), "general")
    talk = conversation(session)
    for text in ("a", "b"):
        talk.say(user(text))
        talk.answer(AssistantMessage((Thinking("hm", "signed"), Text(f"about {text}"))))
    talk.replace_history([user("summary")])
    session.rewind(1)
    talk.rewind(session.load())
    assert talk.messages == [user("a"), assistant("about a")]
