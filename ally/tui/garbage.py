"""Collecting garbage when it holds up nobody."""

import gc

FULL_EVERY = 100
"""After so many turns everything is looked through; it takes a third of a second when 2,000 messages are shown."""


class Garbage:
    """Puts what is there after each turn where the collector does not look.

    Otherwise it goes through all that was ever shown each time that has grown by a quarter, in the middle of a word:
    108 ms with sixteen answers of 5,000 lines (2026-11-22).
    """

    def __init__(self) -> None:
        self._turns = 0

    def turn_ended(self) -> None:
        """Nobody waits for a moment."""
        self._turns += 1
        if self._turns % FULL_EVERY:
            gc.collect(1)
        else:
            gc.unfreeze()
            gc.collect()
        gc.freeze()
