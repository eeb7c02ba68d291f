"""Waiting until nobody types, so that what is meant for one thing is not taken by another."""

import asyncio
import time
from collections.abc import Callable

QUIET_S = 0.5
"""So long something must have been seen before a key counts: who types does not read."""
PAUSE_S = 1.5
"""So long somebody who was typing must have stopped: a pause in a sentence is no answer."""


class Quiet:
    """Knows when a key was pressed last."""

    def __init__(self, quiet_s: float = QUIET_S, pause_s: float = PAUSE_S) -> None:
        self.quiet_s = quiet_s
        self.pause_s = pause_s
        self._heard_at = -pause_s

    @property
    def is_typing(self) -> bool:
        """Whether somebody types."""
        return time.monotonic() < self._heard_at + self.pause_s

    def hear(self) -> None:
        """A key was pressed now."""
        self._heard_at = time.monotonic()

    async def wait(self, is_covered: Callable[[], bool], tell: Callable[[], None]) -> None:
        """Return when it was seen for a while without being covered, and nobody types; `tell` is called meanwhile."""
        seen_at = time.monotonic()
        while True:
            now = time.monotonic()
            if is_covered():
                seen_at = now
            left_s = max(seen_at + self.quiet_s, self._heard_at + self.pause_s) - now
            if left_s <= 0:
                return
            tell()
            await asyncio.sleep(min(left_s, QUIET_S))

    async def rest(self, text: Callable[[], str]) -> None:
        """Return when there is no text, or it has stayed the same for a pause."""
        while before := text():
            await asyncio.sleep(self.pause_s)
            if text() == before:
                return
