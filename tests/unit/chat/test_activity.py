"""What tools do, in plain lines."""

from ally.chat.activity import LAST_LINES, LINE_COLUMNS, SHOWN_LINES, Activity
from ally.events import CallEdited, PermissionDenied, ToolFinished, ToolProgress, ToolRequested
from ally.messages import BadToolCall, ToolCall, ToolResult

CALL = ToolCall("c1", "shell", {"command": "make\x1b[2J\nmake test", "timeout_s": 5})


def lines(*events):
    activity = Activity()
    return [line for event in events for line in activity.lines(event)]


def test_a_call_and_its_result_are_a_line_each():
    read = ToolCall("c1", "read", {"path": "src/a.py"})
    assert lines(ToolRequested(read), ToolFinished(ToolResult("c1", "the text", "12 lines"))) == [
        "· read src/a.py",
        "  → 12 lines",
    ]


def test_control_characters_do_not_pass():
    events = (
        ToolRequested(CALL),
        ToolProgress("c1", "a\x1b]0;x\x07b\n"),
        ToolFinished(ToolResult("c1", "", "d\x9b1m")),
    )
    assert lines(*events) == ["· shell make[2J (+1 lines)", "  │ ab", "  → d1m"]


def test_output_in_pieces_is_whole_lines():
    told = lines(ToolRequested(CALL), *(ToolProgress("c1", text) for text in ("on", "e\ntw", "o")))
    assert told[1:] == ["  │ one"]


def test_the_rest_of_a_line_comes_with_the_end():
    told = lines(ToolRequested(CALL), ToolProgress("c1", "50 %"), ToolFinished(ToolResult("c1", "")))
    assert told[1:] == ["  │ 50 %"]


def test_of_long_output_the_beginning_and_the_end_are_shown():
    text = "".join(f"{number}\n" for number in range(500))
    told = lines(ToolRequested(CALL), ToolProgress("c1", text), ToolFinished(ToolResult("c1", "", "exit 0")))
    first = [f"  │ {number}" for number in range(SHOWN_LINES)]
    last = [f"  │ {number}" for number in range(500 - LAST_LINES, 500)]
    assert told[1:] == [*first, "  │ …", *last, "  → exit 0"]
    wide = lines(ToolRequested(CALL), ToolProgress("c1", "x" * 100_000 + "\n"))
    assert len(wide[1]) < LINE_COLUMNS + 10


def test_output_with_nothing_left_out_has_no_gap():
    text = "".join(f"{number}\n" for number in range(SHOWN_LINES + LAST_LINES))
    told = lines(ToolRequested(CALL), ToolProgress("c1", text), ToolFinished(ToolResult("c1", "", "exit 0")))
    assert told[1:-1] == [f"  │ {number}" for number in range(SHOWN_LINES + LAST_LINES)]


def test_colours_and_overwritten_progress_are_not_shown_as_rubbish():
    text = "\x1b[01;34msrc\x1b[0m\n 10 %\r100 %\r\n"
    assert lines(ToolRequested(CALL), ToolProgress("c1", text))[1:] == ["  │ src", "  │ 100 %"]


def test_what_a_failed_command_printed_is_shown_once():
    failed = ToolResult("c1", "one\ntwo\n[stopped after 4 s]", is_error=True)
    told = lines(ToolRequested(CALL), ToolProgress("c1", "one\ntwo\n"), ToolFinished(failed))
    assert told[1:] == ["  │ one", "  │ two", "  ✗ [stopped after 4 s]"]


def test_an_error_is_shown_and_a_refusal_only_once():
    error = ToolResult("c1", "There is no file x.", is_error=True)
    assert lines(ToolRequested(CALL), ToolFinished(error))[1:] == ["  ✗ There is no file x."]
    denied = PermissionDenied(CALL, "deny: shell(make)", "your rule")
    assert lines(ToolRequested(CALL), denied, ToolFinished(error))[1:] == [
        "  ✗ not allowed: your rule — deny: shell(make)"
    ]


def test_results_of_calls_that_run_together_are_named():
    other = ToolCall("c2", "read", {"path": "b"})
    ends = (ToolFinished(ToolResult("c2", "", "3 lines")), ToolFinished(ToolResult("c1", "", "exit 0")))
    told = lines(ToolRequested(CALL), ToolRequested(other), *ends)
    assert told[-2:] == ["  → read b: 3 lines", "  → shell make[2J (+1 lines): exit 0"]
    assert lines(ToolRequested(CALL), ends[1], ToolRequested(other), ends[0])[-1] == "  → 3 lines"


def test_a_rule_is_named_where_the_reason_does_not_say_it():
    own = lines(ToolRequested(CALL), PermissionDenied(CALL, "plan mode", "nothing is changed in plan mode"))
    assert own[-1] == "  ✗ not allowed: nothing is changed in plan mode"
    said = lines(ToolRequested(CALL), PermissionDenied(CALL, "ask mode", 'the user said no: "later"'))
    assert said[-1] == '  ✗ not allowed: the user said no: "later"'


def test_an_unusable_call_is_named():
    assert lines(ToolRequested(BadToolCall("c1", "wri\x1bte", "{", "cut"))) == ["· write (unusable call)"]


def test_what_the_user_changed_is_shown_and_names_the_call_from_then_on():
    other = ToolCall("c1", "shell", {"command": "make -n\x1b"})
    told = lines(ToolRequested(CALL), ToolRequested(ToolCall("c2", "read", {})), CallEdited(other))
    assert told[-1] == "  ✎ changed by you: shell make -n"
