"""The contract of a tool."""

from typing import Protocol

from ally.messages import JsonObject, ToolSpec


class Tool(Protocol):
    """Something the model may call.

    `run` gets arguments that fit `spec.parameters`. What it returns goes to the model as text.
    """

    @property
    def spec(self) -> ToolSpec:
        """Name, description and JSON Schema, byte-stable for a whole session."""
        ...

    async def run(self, args: JsonObject) -> str:
        """Do it.

        Raises:
            ToolError: it failed; the model reads the message and the turn goes on.
        """
        ...
