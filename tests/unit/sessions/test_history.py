"""Whatever was left behind, the history is one that every model accepts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ally.messages import (
    INTERRUPTED,
    AssistantMessage,
    BadToolCall,
    Message,
    Text,
    ToolCall,
    ToolMessage,
    ToolResult,
    UserMessage,
    assistant,
    user,
)
from ally.sessions.history import MISSING_BEGINNING, usable


def calls(*ids: str) -> AssistantMessage:
    return AssistantMessage(tuple(ToolCall(name, "read", {}) for name in ids))


def result(name: str) -> ToolMessage:
    return ToolMessage((ToolResult(name, f"result {name}"),))


def check(history: list[Message]) -> None:
    assert not history or isinstance(history[0], UserMessage)
    assert all(before.role != after.role for before, after in pairwise(history))
    for before, after in pairwise([*history, None]):
        if before is None:
            continue
        asked = (
            [part.id for part in before.parts if isinstance(part, ToolCall | BadToolCall)]
            if isinstance(before, AssistantMessage)
            else []
        )
        answered = [given.call_id for given in after.results] if isinstance(after, ToolMessage) else []
        assert asked == answered


@st.composite
def turns(draw: st.DrawFn) -> list[Message]:
    """A log as the engine writes it: results one by one in any order, the user may speak twice."""
    log: list[Message] = []
    for number in range(draw(st.integers(1, 4))):
        log += [user(f"{number}")] * draw(st.integers(1, 2))
        for step in range(draw(st.integers(0, 3))):
            ids = [f"{number}.{step}.{index}" for index in range(draw(st.integers(1, 3)))]
            log.append(AssistantMessage((Text("let me see"), *calls(*ids).parts)))
            log += [result(name) for name in draw(st.permutations(ids))]
        log.append(assistant("done"))
    return log


@given(turns(), st.data())
def test_any_prefix_of_any_log_is_usable(log: list[Message], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(log)))
    history = usable(log[:cut])
    check(history)
    check(usable([*history, user("next")]))
    assert usable(history) == history


@given(turns(), st.data())
def test_entries_that_are_lost_or_repeated_leave_a_usable_history(log: list[Message], data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(log), max_size=20))
    check(usable(kept))
    check(usable(message for message in log if data.draw(st.booleans())))


def test_results_come_in_the_order_of_the_calls() -> None:
    history = usable([user("a"), calls("1", "2"), result("2"), result("1"), assistant("ok")])
    assert isinstance(given_back := history[2], ToolMessage)
    assert [one.for_model for one in given_back.results] == ["result 1", "result 2"]


def test_a_call_without_a_result_counts_as_interrupted() -> None:
    history = usable([user("a"), calls("1", "2"), result("2"), user("b")])
    assert isinstance(given_back := history[2], ToolMessage)
    assert given_back.results[0] == ToolResult("1", INTERRUPTED, is_error=True, name="read")
    assert given_back.results[1].for_model == "result 2"


def test_two_calls_of_one_id_have_a_result_each() -> None:
    both = ToolMessage((ToolResult("1", "first"), ToolResult("1", "second")))
    assert usable([user("a"), calls("1", "1"), both])[2] == both


def test_a_result_without_a_call_is_dropped() -> None:
    assert usable([user("a"), result("9"), assistant("ok"), result("8")]) == [user("a"), assistant("ok")]


def test_neighbours_of_one_role_are_joined() -> None:
    history = usable([user("a"), user("b"), assistant("c"), assistant("d")])
    assert history == [user("a\n\nb"), AssistantMessage((Text("c"), Text("d")))]


def test_a_missing_beginning_is_said() -> None:
    assert usable([assistant("b"), user("c")]) == [user(MISSING_BEGINNING), assistant("b"), user("c")]


def test_an_answer_without_anything_is_left_out() -> None:
    assert usable([user("a"), AssistantMessage(()), user("b")]) == [user("a\n\nb")]
