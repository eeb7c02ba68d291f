"""The contract of a tool."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ally.messages import Image, JsonObject, Source, ToolSpec
from ally.permissions.action import NO_GRANT, Action, Grant


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool gave back: one text for the model, an optional shorter one for the user.

    `sources` are the passages in it that an answer may cite.
    """

    for_model: str
    for_user: str = ""
    images: tuple[Image, ...] = ()
    is_error: bool = False
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One allowed call: what it may do, and where it tells of its progress (text that a front end shows)."""

    grant: Grant = NO_GRANT
    progress: Callable[[str], None] = lambda text: None


class Tool(Protocol):
    """Something the model may call.

    Every method gets arguments that fit `spec.parameters`. Relative paths are relative to the working folder.
    """

    @property
    def spec(self) -> ToolSpec:
        """Name, description and JSON Schema, byte-stable for a whole session."""
        ...

    def action(self, args: JsonObject) -> Action:
        """What the call would touch; looks, changes nothing.

        Raises:
            ToolError: the arguments make no sense; the model reads the message.
        """
        ...

    def preview(self, args: JsonObject) -> str:
        """What the user is shown besides the action before agreeing: the diff of an edit, else nothing.

        Raises:
            ToolError: it would fail, so that asking is needless.
        """
        ...

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        """Do it. Cancelling the task stops it and leaves nothing running or half-written.

        Raises:
            ToolError: it failed; the model reads the message and the turn goes on.
        """
        ...
