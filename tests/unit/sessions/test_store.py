"""Sessions: what is appended comes back, in this process and the next."""

from pathlib import Path

import pytest

from ally.errors import UsageError
from ally.messages import AssistantMessage, Text, ToolCall, ToolMessage, ToolResult, UserMessage, assistant, user
from ally.sessions.ids import ALPHABET, LENGTH, as_typed, new_id
from ally.sessions.store import Sessions


def ids(sessions: Sessions, folder: Path | None = None) -> list[str]:
    return [summary.id for summary in sessions.list(folder)]


def test_another_process_goes_on_where_this_one_stopped(sessions: Sessions, file: Path, tmp_path: Path) -> None:
    session = sessions.start(tmp_path, "code_gen")
    said = [user("a"), AssistantMessage((Text("b"), ToolCall("1", "read", {"path": "ü"})))]
    results = [ToolMessage((ToolResult("1", "c"),)), assistant("d")]
    for message in said + results:
        session.append(message)
    again = Sessions.open(file, pytest.fail).resume(session.id)
    assert again.load() == said + results
    assert (again.folder, again.agent, again.title) == (tmp_path, "code_gen", "a")


def test_a_session_without_a_message_is_not_written(sessions: Sessions, tmp_path: Path) -> None:
    session = sessions.start(tmp_path, "general")
    session.note("model", {"model": "m"})
    session.retract()
    assert ids(sessions) == []
    session.append(user("a"))
    assert ids(sessions) == [session.id]
    assert [entry.kind for entry in session.entries()] == ["note", "retract", "user"]
    assert session.load() == [user("a")]


def test_what_is_taken_back_is_not_part_of_the_history(sessions: Sessions, tmp_path: Path) -> None:
    session = sessions.start(tmp_path, "general")
    for text in ("a", "b"):
        session.append(user(text))
    session.retract()
    assert session.load() == [user("a")]
    session.retract()
    session.append(user("c"))
    assert session.load() == [user("c")]
    assert [entry.message for entry in session.entries() if entry.message] == [user("a"), user("b"), user("c")]


def test_after_a_summary_the_history_begins_with_it(sessions: Sessions, tmp_path: Path) -> None:
    session = sessions.start(tmp_path, "general")
    for _ in range(3):
        session.append(user("long"))
        session.append(assistant("longer"))
    session.compact([user("summary"), assistant("understood")])
    session.append(user("next"))
    assert session.load() == [user("summary"), assistant("understood"), user("next")]
    assert len(session.entries()) == 8
    session.compact([])
    assert session.load() == []


def test_a_fork_shares_the_past_and_not_the_future(sessions: Sessions, tmp_path: Path) -> None:
    session = sessions.start(tmp_path, "general")
    session.append(user("a"))
    session.append(assistant("b"))
    fork = sessions.fork(session.id)
    session.append(user("left"))
    fork.append(user("right"))
    assert session.load() == [user("a"), assistant("b"), user("left")]
    assert sessions.resume(fork.id).load() == [user("a"), assistant("b"), user("right")]
    assert fork.title == "a"


def test_a_fork_copies_nothing(sessions: Sessions, file: Path, tmp_path: Path) -> None:
    session = sessions.start(tmp_path, "general")
    session.append(user("x" * 1_000_000))
    sessions.fork(session.id)
    sessions.close()
    assert file.stat().st_size < 1_200_000


def test_a_session_that_two_go_on_with_becomes_two(
    sessions: Sessions, file: Path, notices: list[str], tmp_path: Path
) -> None:
    mine = sessions.start(tmp_path, "general")
    mine.append(user("a"))
    mine.append(assistant("b"))
    theirs = Sessions.open(file, notices.append).resume(mine.id)
    theirs.append(user("theirs"))
    first = mine.id
    mine.append(user("mine"))
    assert mine.id != first
    assert theirs.load() == [user("a"), assistant("b"), user("theirs")]
    assert mine.load() == [user("a"), assistant("b"), user("mine")]
    assert len(notices) == 1
    assert first in notices[0]
    assert mine.id in notices[0]


def test_the_latest_session_of_a_folder_is_the_one_that_was_added_to_last(sessions: Sessions, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "here")
    first, second, elsewhere = (sessions.start(folder, "general") for folder in (tmp_path / "here",) * 2 + (tmp_path,))
    for session in (first, second, elsewhere, first):
        session.append(user("a"))
    latest = sessions.latest(tmp_path / "link")
    assert latest is not None
    assert latest.id == first.id
    assert ids(sessions, tmp_path / "here") == [first.id, second.id]
    assert ids(sessions) == [first.id, elsewhere.id, second.id]
    assert sessions.latest(tmp_path / "nowhere") is None


def test_a_folder_whose_name_is_no_text_has_its_sessions(sessions: Sessions, tmp_path: Path) -> None:
    folder = Path(f"{tmp_path}/\udcff")
    sessions.start(folder, "general").append(user("a"))
    assert sessions.latest(folder) is not None


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("\n\n  Fix   the\tbug \nin a.py", "Fix the bug"),
        ("a\x1b[31m\u202eb\0", "a[31mb"),
        ("", ""),
        ("x" * 100, "x" * 59 + "…"),
        ("\ud800 half", "half"),
    ],
)
def test_the_title_is_the_first_line_made_safe(sessions: Sessions, tmp_path: Path, said: str, title: str) -> None:
    session = sessions.start(tmp_path, "general")
    session.append(user(said))
    assert session.title.strip() == title
    assert sessions.list()[0].title.strip() == title


def test_the_beginning_of_an_id_is_enough(sessions: Sessions, tmp_path: Path) -> None:
    session = sessions.start(tmp_path, "general")
    session.append(user("a"))
    assert sessions.resume(session.id[:4].upper()).id == session.id


def test_an_unclear_id_names_what_it_could_be(sessions: Sessions, tmp_path: Path) -> None:
    begun: dict[str, str] = {}
    other = ""
    while not other:  # there are 32 signs to begin with
        session = sessions.start(tmp_path, "general")
        session.append(user("a"))
        other = begun.get(session.id[0], "")
        begun[session.id[0]] = session.id
    with pytest.raises(UsageError) as caught:
        sessions.resume(other[0])
    assert other in caught.value.message
    assert session.id in caught.value.message


@pytest.mark.parametrize(
    "typed", ["", "*", "%", "' OR 1=1 --", "zzzzzzzzzz", "a" * 50, "\x1b[31m", "会话", "?", "[a-z]*"]
)
def test_an_id_that_nobody_has_is_refused(sessions: Sessions, tmp_path: Path, typed: str) -> None:
    sessions.start(tmp_path, "general").append(user("a"))
    with pytest.raises(UsageError, match="no session"):
        sessions.resume(typed)


def test_a_mistyped_id_names_the_near_one(sessions: Sessions, tmp_path: Path) -> None:
    session = sessions.start(tmp_path, "general")
    session.append(user("a"))
    typed = session.id[:-1] + ("a" if session.id[-1] != "a" else "b")
    with pytest.raises(UsageError) as caught:
        sessions.resume(typed)
    assert session.id in caught.value.hint


def test_ids_are_short_and_mean_the_same_however_they_are_read() -> None:
    made = {new_id() for _ in range(200)}
    assert len(made) == 200
    assert all(len(name) == LENGTH and set(name) <= set(ALPHABET) for name in made)
    assert as_typed(" 1LIoO0aBc ") == "111000abc"


def test_two_characters_mostly_tell_the_sessions_of_one_day_apart() -> None:
    assert len({new_id()[:2] for _ in range(20)}) > 12


def test_deleting_leaves_nothing_on_disk(sessions: Sessions, file: Path, tmp_path: Path) -> None:
    session = sessions.start(tmp_path, "general")
    session.append(user("unforgettable secret " * 50))
    assert len(sessions.search("unforgettable")) == 1
    sessions.delete(session.id[:6])
    assert ids(sessions) == []
    assert sessions.search("unforgettable") == ()
    left = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"unforgettable" not in left
    assert b"forgettable" not in left


def test_deleting_takes_nothing_from_forks_and_the_last_fork_takes_all(
    sessions: Sessions, file: Path, tmp_path: Path
) -> None:
    first = sessions.start(tmp_path, "general")
    first.append(user("early words"))
    first.append(assistant("b"))
    early = sessions.fork(first.id)
    first.append(user("later words"))
    first.append(assistant("d"))
    late = sessions.fork(first.id)
    first.append(user("never shared"))
    sessions.delete(first.id)
    assert sessions.resume(late.id).load() == [user("early words"), assistant("b"), user("later words"), assistant("d")]
    late.append(user("on"))
    sessions.delete(late.id)
    assert sessions.resume(early.id).load() == [user("early words"), assistant("b")]
    early.append(user("on"))
    assert early.load()[-1] == user("on")
    assert sessions.search("later") == sessions.search("shared") == ()
    sessions.delete(early.id)
    assert b"early" not in b"".join(path.read_bytes() for path in file.parent.iterdir())


def test_a_session_that_is_deleted_while_it_runs_goes_on(
    sessions: Sessions, file: Path, notices: list[str], tmp_path: Path
) -> None:
    session = sessions.start(tmp_path, "general")
    session.append(user("a"))
    Sessions.open(file, pytest.fail).delete(session.id)
    session.append(assistant("b"))
    session.append(user("c"))
    assert isinstance(session.load()[0], UserMessage)
    assert session.load()[1:] == [assistant("b"), user("c")]
    assert len(notices) == 1
