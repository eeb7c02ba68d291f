"""Calls of tools in the transcript."""

from hypothesis import given, settings

from ally.events import Question
from ally.messages import NO_WAY_ROUND, BadToolCall, ToolCall, ToolResult
from ally.tui.look import Look
from ally.tui.transcript.card import ToolCard
from tests.unit.tui.transcript.hostile import TEXTS, WIDTHS, check

LOOK = Look()
SHELL = ToolCall("c1", "shell", {"command": "make test"})
EDIT = ToolCall("c1", "edit", {"path": "a.py", "edits": [{"old": "x = 1\n", "new": "x = 2\n"}]})


def card(call, result=None):
    made = ToolCard(call)
    if result:
        made.finish(result)
    return made


def shown(made, width=80):
    return [strip.text.rstrip() for strip in made.lines(width, LOOK)]


def opened(made):
    made.toggle()
    return shown(made)


def test_a_call_that_runs_shows_its_latest_output_and_then_one_line():
    made = card(SHELL)
    made.progress("one\ntwo\nthree\n10 %\r50")
    made.progress(" %")
    head, *live = shown(made)
    assert head.endswith("shell make test")
    assert live == ["  │ two", "  │ three", "  │ 50 %"]
    before = made.version
    made.finish(ToolResult("c1", "one\n[exit 2]", "exit 2, 12.3 s, sandbox bubblewrap", is_error=True))
    assert made.version > before
    assert not made.is_running
    assert shown(made) == ["✗ shell make test  exit 2  12 s"]


def test_an_outcome_does_not_say_the_title_again():
    assert shown(card(EDIT, ToolResult("c1", "", "edited a.py, +1 -1 lines"))) == ["✓ edit a.py  +1 -1 lines"]
    grep = ToolCall("c1", "grep", {"pattern": "in", "path": "2"})
    assert shown(card(grep, ToolResult("c1", "", "3 matches in 2 files"))) == ["✓ grep 2  3 matches in 2 files"]


def test_a_question_and_a_refusal_are_told_apart_by_their_marks():
    made = card(SHELL)
    made.asked(Question(SHELL, "make test", "it runs"))
    assert shown(made) == ["? shell make test  waits for your answer"]
    made.denied("deny: shell(make)", "your rule")
    made.finish(ToolResult("c1", f"not allowed. {NO_WAY_ROUND}", is_error=True))
    assert shown(made) == ["⊘ shell make test  not allowed: your rule — deny: shell(make)"]
    assert NO_WAY_ROUND not in made.text()
    allowed = card(EDIT)
    allowed._started -= 60  # the user thought about it for so long
    allowed.asked(Question(EDIT, "a.py", "it writes"))
    allowed.finish(ToolResult("c1", "", "edited a.py, +1 -1 lines"))
    assert shown(allowed) == ["✓ edit a.py  +1 -1 lines"]
    stopped = card(SHELL)
    stopped.stop()
    assert shown(stopped) == ["⊘ shell make test  interrupted"]


def test_an_open_card_shows_arguments_output_and_changes():
    call = ToolCall("c1", "shell", {"command": "ls\nwc", "timeout_s": 5, "more": {"a": [1]}})
    assert opened(card(call, ToolResult("c1", "out", "exit 0")))[1:] == [
        "  command:",
        "  ls",
        "  wc",
        "  timeout_s: 5",
        '  more: {"a": [1]}',
        "  the model got 1 line",
        "  out",
        "  exit 0",
    ]
    edited = opened(card(EDIT, ToolResult("c1", "Edited a.py, line 12: +1 -1 lines.", "edited a.py, +1 -1 lines")))
    assert edited[2:5] == ["  @@ -12,1 +12,1 @@", "  12    - x = 1", "     12 + x = 2"]


def test_the_change_that_was_agreed_to_is_shown():
    made = card(EDIT)
    made.asked(Question(EDIT, "a.py", "", preview="--- a.py\n+++ a.py\n@@ -7,1 +7,1 @@\n-x = 1\n+x = 2"))
    assert opened(made)[2:] == ["  a.py", "  @@ -7,1 +7,1 @@", "  7   - x = 1", "    7 + x = 2"]


def test_an_unusable_call_shows_what_came_and_what_is_wrong():
    made = card(BadToolCall("c1", "shell", '{"command": "l', "it is cut"), ToolResult("c1", "it is cut", is_error=True))
    assert opened(made) == ["✗ shell (unusable call)  it is cut", "  it is cut", '  {"command": "l']


def test_long_output_is_made_when_looked_at_and_grows():
    made = card(SHELL)
    made.toggle()
    made.progress("".join(f"{n}\n" for n in range(5_000)))
    assert len(made.lines(80, LOOK)) == 5_002
    made.progress("last\n")
    assert shown(made)[-2:] == ["  4999", "  last"]


@settings(max_examples=15, deadline=None)
@given(TEXTS, TEXTS, WIDTHS)
def test_no_field_leaves_its_columns_or_reaches_the_terminal(one, two, width):
    args = {one: two, "path": one, "edits": [{"old": one, "new": two}], "content": two}
    for call in (ToolCall("c1", one, args), ToolCall("c1", one, {"command": two}), BadToolCall("c1", one, two, one)):
        made = card(call)
        made.progress(two)
        check(made.lines(width, LOOK), width)
        made.toggle()
        check(made.lines(width, LOOK), width)
        made.finish(ToolResult("c1", one, two, is_error=len(one) % 2 == 0))
        check(made.lines(width, LOOK), width)
        made.toggle()
        check(made.lines(width, LOOK), width)


def test_of_a_long_title_the_subject_is_cut_and_not_the_outcome():
    call = ToolCall("c1", "shell", {"command": "python -m pytest tests/unit/tui/transcript -q --durations=4"})
    assert shown(card(call, ToolResult("c1", "", "exit 0, 3.0 s")), 40) == ["✓ shell python -m pytest…  exit 0  3.0 s"]
