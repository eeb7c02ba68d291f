import pytest

from ally.engine.conversation import Conversation
from ally.engine.loop import send
from ally.engine.repetition import Repetition
from ally.events import Notice, TurnFinished, check_order
from ally.messages import user
from ally.providers.model import Done, TextChunk
from tests.scripted import ScriptedModel

PARAGRAPH = "".join(f"This is sentence number {number} of it. " for number in range(12))
TABLE = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n| 3 | 4 |\n".join(f"row {number}\n" for number in range(200))


def is_stuck(text: str, size: int) -> bool:
    watch = Repetition()
    return any(watch.feed(text[at : at + size]) for at in range(0, len(text), size))


@pytest.mark.parametrize("size", [1, 3, 64, 5_000])
@pytest.mark.parametrize("period", ["2.", "1.1.1.2", "the same sentence again and again, ", "好的。", PARAGRAPH])
def test_a_model_that_only_repeats_itself_is_noticed(period: str, size: int):
    assert is_stuck("Here is the list: " + period * 2_000, size)


@pytest.mark.parametrize(
    "text", ["-" * 5_000, "\n" * 5_000, " " * 5_000, "=-" * 3_000, TABLE, "0, " * 150, PARAGRAPH * 3, ""]
)
def test_rules_blanks_and_tables_are_none(text: str):
    assert not is_stuck(text, 7)


async def test_such_an_answer_is_stopped_and_the_conversation_goes_on():
    endless = [TextChunk("2.") for _ in range(100_000)]
    model = ScriptedModel([[TextChunk("Files: "), *endless], [TextChunk("ok"), Done("end")]])
    talk = Conversation(model)
    events = [event async for event in send(talk, user("list"))]
    check_order(events)
    assert events[-1] == TurnFinished("runaway")
    assert any(isinstance(event, Notice) and "repeats itself" in event.text for event in events)
    assert len(talk.messages[-1].text) < 2_000
    again = [event async for event in send(talk, user("and now?"))]
    assert again[-1] == TurnFinished("end")
