"""All four agents with a tool, on every provider and both roads: what the guide promises of MiniMax, and of all."""

import pytest

from ally.agents.spec import load_agent
from ally.config.settings import AGENTS
from ally.engine.conversation import Conversation
from ally.engine.loop import send
from ally.events import ToolFinished, TurnFinished, check_order
from ally.messages import user
from tests.contract.roads import Subject, every_subject
from tests.fakes import Fake, Reply
from tests.scripted import NoteTool


@pytest.mark.parametrize("agent", AGENTS)
@every_subject()
async def test_an_agent_calls_a_tool_and_answers(subject: Subject, fake: Fake, agent: str):
    fake.script(Reply(tool_calls=[("note", {"text": "milk"})]), Reply(text="Noted."))
    tool = NoteTool()
    model = subject.connect(fake, temperature=load_agent(agent).temperature)
    talk = Conversation(model, system=load_agent(agent).prompt, tools=[tool])
    events = [event async for event in send(talk, user("Remember milk."))]
    await model.close()
    check_order(events)
    assert tool.calls == [{"text": "milk"}]
    assert any(isinstance(event, ToolFinished) and not event.result.is_error for event in events)
    assert events[-1] == TurnFinished("end")
    assert talk.messages[-1].text == "Noted."
