"""A model that plays a script, and a tool that remembers its calls."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from ally.messages import JsonObject, ToolSpec
from ally.permissions.action import Action, Kind
from ally.providers.model import Chunk, Profile, Request
from ally.tools.base import Run, ToolOutput

HANG = object()
"""In a script: stay silent until cancelled."""

Step = Chunk | Exception | object


@dataclass
class ScriptedModel:
    """Plays one list of steps for each call; an exception in it is raised, `HANG` waits for ever."""

    script: list[Sequence[Step]]
    tools: bool = True
    requests: list[Request] = field(default_factory=list)
    closed_streams: int = 0

    @property
    def profile(self) -> Profile:
        return Profile("scripted", "script-1", location="local", tools=self.tools)

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        self.requests.append(request)
        try:
            for step in self.script[len(self.requests) - 1]:
                if isinstance(step, Exception):
                    raise step
                if step is HANG:
                    await asyncio.Event().wait()
                yield step
        finally:
            self.closed_streams += 1

    async def close(self) -> None:
        pass


@dataclass
class NoteTool:
    """A tool that takes a text and remembers it."""

    calls: list[JsonObject] = field(default_factory=list)
    error: Exception | None = None
    hangs: bool = False
    kind: Kind = "none"

    @property
    def spec(self) -> ToolSpec:
        schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
        return ToolSpec("note", "Remember a text.", schema)

    def action(self, args: JsonObject) -> Action:
        return Action("note", self.kind, subject=str(args["text"]))

    def preview(self, args: JsonObject) -> str:
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        self.calls.append(args)
        return ToolOutput(f"noted {args['text']}")
