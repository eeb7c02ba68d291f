"""Connections by which nobody is let in yet: how many there may be, and for how long."""

import asyncio
from collections.abc import Callable

MAX_STRANGERS = 64
"""So many connections may be open at once that are no chat; a further one closes the oldest."""
PATIENCE_S = 20.0
"""So long a connection may last that does not become a chat, whatever is sent on it."""


class Doors:
    """Makes the protocol of each connection, and shuts it again unless it is let in.

    Who only connects, or sends a request byte by byte, takes nothing away from those who talk.
    """

    def __init__(self, make: Callable[[], asyncio.Protocol]) -> None:
        self._make = make
        self._strangers: dict[asyncio.Protocol, asyncio.TimerHandle] = {}

    def open(self) -> asyncio.Protocol:
        """The protocol of the next connection."""
        while len(self._strangers) >= MAX_STRANGERS:
            self._shut(next(iter(self._strangers)))
        protocol = self._make()
        loop = asyncio.get_running_loop()
        self._strangers[protocol] = loop.call_later(PATIENCE_S, self._shut, protocol)
        return protocol

    def let_in(self, protocol: asyncio.Protocol) -> None:
        """This one became a chat."""
        if (timer := self._strangers.pop(protocol, None)) is not None:
            timer.cancel()

    def _shut(self, protocol: asyncio.Protocol) -> None:
        self.let_in(protocol)
        transport = getattr(protocol, "transport", None)
        if isinstance(transport, asyncio.Transport):
            transport.abort()
