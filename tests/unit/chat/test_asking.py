"""What a question shows, what an answer means, and a call as a text that can be changed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ally.chat.asking import body as lines_of
from ally.chat.asking import choices, title, understood, why, wrapped
from ally.chat.editing import as_text, field_of, from_text
from ally.engine.gate import Answer
from ally.errors import UsageError
from ally.events import Question
from ally.messages import ToolCall
from ally.terminal.table import width
from ally.terminal.text import visible

EVERY = ("once", "session", "project", "always")


def ask(args, subject="", **more) -> Question:
    return Question(ToolCall("c1", "shell", args), subject, "it changes things", **more)


def test_the_whole_command_is_shown_line_by_line():
    command = "cat <<'EOF' > x\n" + "\n".join(f"line {number}" for number in range(200)) + "\nEOF\nrm -rf y"
    lines = lines_of(ask({"command": command}, command), 77)
    assert [line.strip() for line in lines] == [line.strip() for line in command.split("\n")]


def test_what_hides_in_a_command_is_seen():
    command = "ls" + " " * 400 + "; rm\u202e x\u200b"
    assert lines_of(ask({"command": command}, command), 200) == ["ls⟨400 spaces⟩; rm⟨U+202E⟩ x⟨U+200B⟩"]


def test_long_lines_are_broken_and_not_cut():
    command = "echo " + "x" * 500
    lines = lines_of(ask({"command": command}, command), 80)
    assert max(len(line) for line in lines) <= 80
    assert "".join(line for line in lines) == command


def test_arguments_that_the_subject_leaves_out_are_shown():
    lines = lines_of(ask({"command": "make", "network": True, "writable": ["/opt/x"]}, "make"), 80)
    assert lines == ["make", "with network: yes", "may write in: /opt/x"]


def test_an_edit_shows_its_difference_once():
    args = {"path": "a.py", "edits": [{"old": "x\n" * 50, "new": "y"}], "all": True}
    lines = lines_of(ask(args, "a.py", preview="-x\n+y\u202e\n"), 80)
    assert lines == ["a.py", "everywhere in it: yes", "-x", "+y⟨U+202E⟩"]
    short = {"path": "a.py", "edits": [{"old": "x", "new": "y\u202e"}]}
    assert lines_of(ask(short, "a.py", preview="-x\n+y\u202e\n"), 80) == ["a.py", "-x", "+y⟨U+202E⟩"]
    flagged = {"path": "a.py", "edits": [{"old": "x", "new": "y", "all": True}]}
    assert len(lines_of(ask(flagged, "a.py", preview="-x\n+y\n"), 80)) == 4


def test_only_what_is_offered_can_be_chosen():
    assert [choice.key for choice in choices(ask({}, "x"))] == ["y", "n", "e", "w"]
    assert [choice.key for choice in choices(ask({}, "x", scopes=EVERY))] == ["y", "s", "p", "a", "n", "e", "w"]
    assert understood("s", ("once",), has_hidden=False) == "(s is not offered for this call.)"
    assert understood("s", EVERY, has_hidden=False) == Answer(True, "session")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("y", Answer(True)),
        (" Yes ", Answer(True)),
        ("p", Answer(True, "project")),
        ("always", Answer(True, "always")),
        ("n", Answer(False)),
        ("No", Answer(False)),
        ("use rm instead", Answer(False, message="use rm instead")),
        ("y\nn", Answer(False, message="y\nn")),
        ("yy", Answer(False, message="yy")),
    ],
)
def test_words_that_are_no_choice_refuse_and_are_told_to_the_model(text, answer):
    assert understood(text, EVERY, has_hidden=False) == answer


@pytest.mark.parametrize("text", ["", "  ", "x", "v", "\uff59", "ok", "Ja"])
def test_what_means_nothing_is_asked_again(text):
    assert isinstance(understood(text, EVERY, has_hidden=False), str)


@pytest.mark.parametrize("text", ["y", "s", "always"])
def test_nothing_is_agreed_to_before_all_of_it_was_shown(text):
    assert understood(text, EVERY, has_hidden=True) == "(Not all of it was shown yet: v shows the rest.)"


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60), st.integers(2, 40))
def test_lines_fit_and_lose_nothing(text: str, room: int):
    line = visible(text).replace("\n", " ")
    pieces = list(wrapped(line, room))
    assert "".join(pieces) == line
    assert all(width(piece) <= room for piece in pieces)


def test_why_tells_all_that_is_known_once():
    question = ask(
        {}, "git commit", scopes=EVERY, remember=("shell(git commit *)",), rule="ask git", touches=("has no network",)
    )
    assert why(question) == [
        "because it changes things",
        "decided by: ask git",
        "has no network",
        "s adds for this session: shell(git commit *)",
        "p adds for this folder: shell(git commit *)",
        "a adds for everywhere: shell(git commit *)",
    ]
    assert title(Question(ToolCall("c", "x\n\x1b[2J\u202ey", {}), "", "")) == "Allow x ⟨U+001B⟩[2J⟨U+202E⟩y?"


@pytest.mark.parametrize(
    ("name", "args", "text", "typed", "expected"),
    [
        ("shell", {"command": "ls", "network": True}, "ls", "ls -l\n", {"command": "ls -l\n", "network": True}),
        ("write", {"path": "a", "content": "x\n\ty"}, "x\n\ty", "", {"path": "a", "content": ""}),
        ("edit", {"path": "a"}, '{\n  "path": "a"\n}', '{"path": "b", "n": [1]}', {"path": "b", "n": [1]}),
        ("shell", {"command": "ls\u200b"}, '{\n  "command": "ls\\u200b"\n}', '{"command": "ls"}', {"command": "ls"}),
        ("shell", {"command": 5}, '{\n  "command": 5\n}', "{}", {}),
        ("write", {"content": "\ud800"}, '{\n  "content": "\\ud800"\n}', '{"content": "👩\u200d🚀"}', None),
        ("write", {"content": "a"}, "a", "👩\u200d🚀", {"content": "👩\u200d🚀"}),
    ],
)
def test_a_call_is_changed_as_the_text_that_says_it_best(name, args, text, typed, expected):
    call = ToolCall("c", name, args)
    assert as_text(call) == text
    if expected is None:
        with pytest.raises(UsageError, match="cannot be seen"):
            from_text(typed, call)
    else:
        assert from_text(typed, call) == expected


@pytest.mark.parametrize(
    ("name", "args", "typed", "problem"),
    [
        ("shell", {"command": "ls"}, " \n", "no command left"),
        ("shell", {"command": "ls"}, "ls\x1b[2J", "cannot be seen"),
        ("shell", {"command": "ls"}, "ls \u202e", "cannot be seen"),
        ("write", {"content": ""}, "a\x07", "cannot be seen"),
        ("edit", {}, "", "no arguments left"),
        ("edit", {}, "[1]", "instead of an object"),
        ("edit", {}, '{"a": 1', "end in the middle"),
        ("edit", {}, '{"a": 1, "a": 2}', "twice"),
        ("edit", {}, '{"a": NaN}', "NaN"),
        ("edit", {}, "{'a': 1}", "not valid JSON"),
    ],
)
def test_what_cannot_run_is_told_and_nothing_is_guessed(name, args, typed, problem):
    with pytest.raises(UsageError, match=problem):
        from_text(typed, ToolCall("c", name, args))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@settings(deadline=None)
@given(
    st.sampled_from(["shell", "write", "edit"]),
    st.dictionaries(st.sampled_from(["command", "content", "a"]), json_values),
)
def test_a_call_that_is_left_as_it_was_is_the_same(name: str, args: dict[str, object]):
    call = ToolCall("c", name, json.loads(json.dumps(args)))
    text = as_text(call)
    assert visible(text) == text
    if field_of(call) and not text.strip():
        return
    assert from_text(text, call) == call.args
