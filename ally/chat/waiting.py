"""A word to who waits for a silent model: large ones load and read for minutes."""

import asyncio
from collections.abc import Callable

from ally.engine.context import used
from ally.engine.conversation import Conversation
from ally.events import Compacted, Event, ToolFinished, ToolRequested, TurnStarted, UserSaid

SILENT_S = 5.0
"""So long a model may be silent before it is said."""


def silence(talk: Conversation) -> str:
    """What is known of why the model says nothing yet."""
    if talk.model.profile.location == "cloud":
        return "Still waiting for the service. Ctrl-C stops it."
    doing = f"loading, reading about {used(talk):,} tokens, or writing a call"
    return f"Still waiting: the model may be {doing}. Ctrl-C stops it."


class Waiting:
    """Calls `tell` once in each call of the model that stays silent."""

    def __init__(self, tell: Callable[[], None], silent_s: float = SILENT_S) -> None:
        self._tell = tell
        self._silent_s = silent_s
        self._running: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, event: Event) -> None:
        """Take the next event of the turn."""
        self.stop()
        match event:
            case ToolRequested(call):
                self._running.add(call.id)
            case ToolFinished(result):
                self._running.discard(result.call_id)
            case _:
                pass
        is_asked = isinstance(event, TurnStarted | ToolFinished | UserSaid | Compacted) and not self._running
        if is_asked:
            self._timer = asyncio.get_running_loop().call_later(self._silent_s, self._tell)

    def stop(self) -> None:
        """Nobody waits any longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
