"""What is shown before a call runs, and what an answer means."""

import pytest

from ally.cli.approval import body, choices_of, closing, understood
from ally.engine.gate import Answer
from ally.events import Question
from ally.messages import ToolCall

EVERY = ("once", "session", "project", "always")


def ask(args, subject="", **more) -> Question:
    return Question(ToolCall("c1", "shell", args), subject, "it changes things", **more)


def test_the_whole_command_is_shown_line_by_line():
    command = "cat <<'EOF' > x\n" + "\n".join(f"line {number}" for number in range(200)) + "\nEOF\nrm -rf y"
    lines = body(ask({"command": command}, command), 80)
    assert [line.strip() for line in lines] == [line.strip() for line in command.split("\n")]


def test_what_hides_in_a_command_is_seen():
    command = "ls" + " " * 400 + "; rm\u202e x\u200b"
    assert body(ask({"command": command}, command), 200) == ["  ls⟨400 spaces⟩; rm⟨U+202E⟩ x⟨U+200B⟩"]


def test_long_lines_are_broken_and_not_cut():
    command = "echo " + "x" * 500
    lines = body(ask({"command": command}, command), 80)
    assert max(len(line) for line in lines) <= 80
    assert "".join(line[2:] for line in lines) == command


def test_arguments_that_the_subject_leaves_out_are_shown():
    lines = body(ask({"command": "make", "network": True, "writable": ["/opt/x"]}, "make"), 80)
    assert lines == ["  make", "  with network: yes", "  may write in: /opt/x"]


def test_an_edit_shows_its_difference_once():
    args = {"path": "a.py", "edits": [{"old": "x\n" * 50, "new": "y"}], "all": True}
    lines = body(ask(args, "a.py", preview="-x\n+y\u202e\n"), 80)
    assert lines == ["  a.py", "  everywhere in it: yes", "  -x", "  +y⟨U+202E⟩"]
    short = {"path": "a.py", "edits": [{"old": "x", "new": "y\u202e"}]}
    assert body(ask(short, "a.py", preview="-x\n+y\u202e\n"), 80) == ["  a.py", "  -x", "  +y⟨U+202E⟩"]
    flagged = {"path": "a.py", "edits": [{"old": "x", "new": "y", "all": True}]}
    assert len(body(ask(flagged, "a.py", preview="-x\n+y\n"), 80)) == 4


def test_what_an_answer_would_remember_is_said():
    question = ask({}, "git commit", scopes=EVERY, remember=("shell(git commit *)",))
    assert list(closing(question, 7)) == [
        "… 7 lines hidden, v shows them",
        "why: it changes things",
        "s, p, a would remember: shell(git commit *)",
    ]
    assert "remember" not in "\n".join(closing(ask({}, "x", remember=("shell(x)",)), 0))


def test_only_what_is_offered_can_be_chosen():
    assert choices_of(ask({}, "x"), has_hidden=False) == "y once · n no · or\xa0what\xa0to\xa0do\xa0instead:"
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
