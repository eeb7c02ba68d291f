"""Messages in a wire's format, kept from one request to the next: a conversation only grows."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from ally.messages import Message
from ally.providers.wire.target import Target

T = TypeVar("T")


class Written(Generic[T]):
    """What was written for the messages of the last request. Nobody changes it afterwards.

    Without it the last of 300 steps writes 600 messages anew: 12 ms where the first takes none (2026-11).
    """

    def __init__(self) -> None:
        self._target: Target | None = None
        self._kept: dict[int, tuple[Message, T]] = {}

    def write(self, target: Target, messages: Sequence[Message], write: Callable[[Message], T]) -> list[T]:
        """One piece for each message; `write` is called for those that are new, or all for another `target`."""
        before = self._kept if target is self._target else {}
        kept: dict[int, tuple[Message, T]] = {}
        for message in messages:
            known = before.get(id(message))
            kept[id(message)] = known if known and known[0] is message else (message, write(message))
        self._target, self._kept = target, kept
        return [kept[id(message)][1] for message in messages]
