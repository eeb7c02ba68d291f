"""Loading in a thread that lets a key go first."""

import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

_KEY_S = 0.04
_LOOK_EVERY_S = 0.002
_AT_MOST_S, _AT_LEAST_S = 0.015, 0.008


class Courtesy:
    """Holds imports of other threads up while a key is on its way to the screen; they go on in between all the same.

    Two threads share Python's lock half and half; so a key would take twice as long while something is loaded.
    """

    def __init__(self) -> None:
        self._busy_until = self._held_until = 0.0
        self._main = threading.get_ident()

    def pressed(self) -> None:
        """A key was read."""
        self._busy_until = time.monotonic() + _KEY_S

    def painted(self) -> None:
        """It is on the screen."""
        self._busy_until = 0.0

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Nothing: as a finder it only sees when an import begins."""
        begun = time.monotonic()
        if threading.get_ident() != self._main and begun > self._held_until + _AT_LEAST_S:
            # Never for long: the screen itself may be waiting for what is imported here.
            while time.monotonic() < min(self._busy_until, begun + _AT_MOST_S):
                time.sleep(_LOOK_EVERY_S)
            self._held_until = time.monotonic()
        return None

    @contextmanager
    def kept(self) -> Generator[None]:
        """While inside, imports are held up."""
        sys.meta_path.insert(0, self)
        try:
            yield
        finally:
            sys.meta_path.remove(self)
