"""What tools do, in plain lines."""

from ally.cli.activity import LINE_COLUMNS, SHOWN_LINES, Activity
from ally.events import PermissionDenied, ToolFinished, ToolProgress, ToolRequested
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
    assert lines(*events) == ["· shell make[2J (+1 lines)", "  │ a]0;xb", "  → d1m"]


def test_output_in_pieces_is_whole_lines():
    told = lines(ToolRequested(CALL), *(ToolProgress("c1", text) for text in ("on", "e\ntw", "o")))
    assert told[1:] == ["  │ one"]


def test_the_rest_of_a_line_comes_with_the_end():
    told = lines(ToolRequested(CALL), ToolProgress("c1", "50 %"), ToolFinished(ToolResult("c1", "")))
    assert told[1:] == ["  │ 50 %"]


def test_long_output_is_counted():
    text = "".join(f"{number}\n" for number in range(500)) + "x" * 100_000 + "\n"
    told = lines(ToolRequested(CALL), ToolProgress("c1", text), ToolFinished(ToolResult("c1", "", "exit 0")))
    assert len(told) == SHOWN_LINES + 3
    assert told[-2:] == [f"  │ … {501 - SHOWN_LINES} more lines", "  → exit 0"]
    wide = lines(ToolRequested(CALL), ToolProgress("c1", "x" * 100_000 + "\n"))
    assert len(wide[1]) < LINE_COLUMNS + 10


def test_an_error_is_shown_and_a_refusal_only_once():
    error = ToolResult("c1", "There is no file x.", is_error=True)
    assert lines(ToolRequested(CALL), ToolFinished(error))[1:] == ["  ✗ There is no file x."]
    denied = PermissionDenied(CALL, "deny: shell(make)", "your rule")
    assert lines(ToolRequested(CALL), denied, ToolFinished(error))[1:] == [
        "  ✗ not allowed: your rule — deny: shell(make)"
    ]


def test_results_of_calls_that_run_together_are_named():
    other = ToolCall("c2", "read", {"path": "b"})
    told = lines(ToolRequested(CALL), ToolRequested(other), ToolFinished(ToolResult("c2", "", "3 lines")))
    assert told[-1] == "  → read b: 3 lines"


def test_an_unusable_call_is_named():
    assert lines(ToolRequested(BadToolCall("c1", "wri\x1bte", "{", "cut"))) == ["· write (unusable call)"]
