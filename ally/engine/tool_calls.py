"""The calls of one answer: decided, asked, run. A failure is a result the model reads, never the end of the turn."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace

from ally.engine.conversation import Conversation
from ally.engine.edited import asks_for_no_more, changes
from ally.engine.gate import Gate, digest
from ally.engine.questions import question
from ally.engine.running import Ready, failed, run_ready
from ally.engine.schema import check_arguments
from ally.errors import AllyError
from ally.events import CallEdited, Event, PermissionAsked, PermissionDenied, ToolFinished, ToolRequested
from ally.messages import INTERRUPTED, NO_WAY_ROUND, BadToolCall, JsonObject, ToolCall, ToolResult
from ally.permissions.action import Action, Allow, Ask, Decision, Deny
from ally.tools.base import Tool

MAX_PARALLEL = 8
"""How many calls that only look run side by side."""

MAX_ASKED = 20
"""How often the user is asked about one call, each time with other arguments of his own."""

Call = ToolCall | BadToolCall


async def run_calls(talk: Conversation, calls: Sequence[Call]) -> AsyncGenerator[Event]:
    """Run `calls` and yield what happens; however it ends, the history then holds a result for each.

    Raises:
        Interrupted, TimeUp: the turn has to end; what was running is stopped.
    """
    this = Round(talk, calls)
    work = asyncio.ensure_future(this.run())
    try:
        while (event := await talk.interrupt.wait_for(this.events.get())) is not None:
            yield event
            this.events.task_done()
        await work
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({work})
        this.settle()


class Round:
    """The calls of one answer on their way: neighbours that only look run side by side, the others one by one."""

    def __init__(self, talk: Conversation, calls: Sequence[Call]) -> None:
        self.events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._talk = talk
        self._calls = calls
        self._results: dict[int, ToolResult] = {}
        self._told: dict[int, str] = {}

    async def run(self) -> None:
        """Everything, ending the queue of events with None."""
        try:
            batch: dict[int, Ready] = {}
            for place, call in enumerate(self._calls):
                if self._talk.interrupt.is_over:
                    break
                self.events.put_nowait(ToolRequested(call))
                ready = await self._prepare(call)
                if isinstance(ready, Ready) and ready.may_run_beside_others and len(batch) < MAX_PARALLEL:
                    batch[place] = ready
                    continue
                await self._run(batch)
                batch = {}
                if isinstance(ready, Asked):
                    ready = await self._ask(place, ready)
                if isinstance(ready, ToolResult):
                    self._finish(place, ready)
                else:
                    await self._run({place: ready})
            await self._run(batch)
        finally:
            self.events.put_nowait(None)

    def settle(self) -> None:
        """Put a result for each call into the history."""
        for place, call in enumerate(self._calls):
            if place not in self._results:
                self._keep(place, interrupted(call))
        self._talk.settle([self._results[place] for place in range(len(self._calls))])

    async def _prepare(self, call: Call) -> "Ready | Asked | ToolResult":
        if isinstance(call, BadToolCall):
            return failed(call, call.problem)
        tool = next((tool for tool in self._talk.offered if tool.spec.name == call.name), None)
        if tool is None:
            names = ", ".join(tool.spec.name for tool in self._talk.offered) or "none"
            return failed(call, f"There is no tool {json.dumps(call.name)}. Available: {names}.")
        try:
            check_arguments(tool, call.args)
            return await self._decide(call, tool)
        except AllyError as error:
            return failed(call, f"{error.message} {error.hint}".strip())

    async def _decide(self, call: ToolCall, tool: Tool) -> "Ready | Asked | ToolResult":
        action = tool.action(call.args)
        gate = self._talk.gate
        decision = gate.policy.decide(action) if gate is not None else _without_gate(action)
        if self._talk.grounding is not None:
            decision = self._talk.grounding.judge(action, decision)
        match decision:
            case Allow():
                return Ready(call, tool, action, decision.grant)
            case Deny():
                return self._refuse(call, decision.rule, decision.reason)
            case Ask() if gate is not None and gate.asker is not None:
                preview = await asyncio.to_thread(tool.preview, call.args)
                return Asked(Ready(call, tool, action, decision.grant), decision, gate, preview)
            case Ask():
                return self._refuse(call, decision.rule, f"{decision.reason}, and nobody is there to ask")

    async def _ask(self, place: int, asked: "Asked") -> Ready | ToolResult:
        """Ask the user once everything before is shown; what runs is what was shown, or what the user wrote instead."""
        call, problem = asked.ready.call, ""
        for _ in range(MAX_ASKED):
            ready, decision, gate = asked.ready, asked.decision, asked.gate
            asking = question(ready, decision, gate, asked.preview, problem)
            self.events.put_nowait(PermissionAsked(asking))
            await self.events.join()
            answer = await gate.ask(asking)
            if not answer.allowed:
                said = f'the user said no: "{answer.message}"' if answer.message else "the user said no"
                return self._refuse(ready.call, decision.rule, said)
            if digest(ready.call) != asking.arguments_sha256:
                return self._refuse(ready.call, decision.rule, "the arguments are not those the user saw")
            if answer.edited is None:
                if answer.scope != "once" and answer.scope in decision.scopes:
                    gate.answers.remember(decision.remember, answer.scope)
                    if self._talk.grounding is not None:
                        self._talk.grounding.allowed.add(ready.action.tool)
                return self._changed(place, call, ready)
            match await self._edited(asked, answer.edited):
                case Ready() as own:
                    return self._changed(place, call, own)
                case Asked() as again:
                    asked, problem = again, ""
                case str() as problem:
                    pass
        return self._refuse(call, asked.decision.rule, f"it was changed {MAX_ASKED} times and asked about each time")

    async def _edited(self, asked: "Asked", args: JsonObject) -> "Ready | Asked | str":
        """The call with other arguments, decided on anew; a text says why it cannot run."""
        shown, tool = asked.ready, asked.ready.tool
        call = replace(shown.call, args=deepcopy(args))
        try:
            check_arguments(tool, call.args)
            action = tool.action(call.args)
            match asked.gate.policy.decide(action):
                case Allow(_, _, grant):
                    return Ready(call, tool, action, grant)
                case Deny(_, reason):
                    return f"Not allowed: {reason}."
                case Ask() as ask if asks_for_no_more((shown.action, asked.decision), (action, ask)):
                    return Ready(call, tool, action, ask.grant)
                case Ask() as ask:
                    preview = await asyncio.to_thread(tool.preview, call.args)
                    return Asked(Ready(call, tool, action, ask.grant), ask, asked.gate, preview)
        except AllyError as error:
            return f"{error.message} {error.hint}".strip()

    def _changed(self, place: int, asked: ToolCall, ready: Ready) -> Ready:
        """Tell of a call that is not the one that was asked for: the front end now, the model with the result."""
        if ready.call.args != asked.args:
            self._told[place] = changes(asked.args, ready.call.args)
            self.events.put_nowait(CallEdited(ready.call))
        return ready

    def _refuse(self, call: ToolCall, rule: str, reason: str) -> ToolResult:
        self.events.put_nowait(PermissionDenied(call, rule, reason))
        return failed(call, f"Not allowed: {reason}. {NO_WAY_ROUND}")

    async def _run(self, batch: dict[int, Ready]) -> None:
        """Run them side by side, unless the turn has to end: an answer may come together with the key that stops it."""
        if self._talk.interrupt.is_over:
            return

        async def one(place: int, ready: Ready) -> None:
            self._finish(place, await run_ready(self._talk, ready, self.events.put_nowait))

        async with asyncio.TaskGroup() as group:
            for place, ready in batch.items():
                group.create_task(one(place, ready))

    def _finish(self, place: int, result: ToolResult) -> None:
        self.events.put_nowait(ToolFinished(self._keep(place, result)))

    def _keep(self, place: int, result: ToolResult) -> ToolResult:
        if told := self._told.get(place):
            result = replace(result, for_model=f"{told}\n{result.for_model}")
        self._results[place] = result
        self._talk.add_result(result)
        return result


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that the user decides on."""

    ready: Ready
    decision: Ask
    gate: Gate
    preview: str


def _without_gate(action: Action) -> Decision:
    if action.kind == "none":
        return Allow("no gate", "it touches nothing")
    return Deny("no gate", "this conversation has no permissions to decide with")


def interrupted(call: Call) -> ToolResult:
    """The result of a call that the user stopped."""
    return failed(call, INTERRUPTED)
