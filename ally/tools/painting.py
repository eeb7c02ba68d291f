"""What a command printed, without the pictures that a full-screen program drew."""

import re
from collections.abc import Callable

_SWITCH = re.compile(rb"\x1b\[\?(?:[0-9;]*;)?(?:1049|1047|47)(?:;[0-9;]*)?([hl])")
"""To the second screen of a terminal and back."""
_BEGUN = re.compile(rb"\x1b(?:\[(?:\?[0-9;]{0,24})?)?\Z")


class FirstScreen:
    """Hands on what is written on a terminal's first screen, piece by piece as it comes."""

    def __init__(self, feed: Callable[[bytes], None]) -> None:
        self._feed = feed
        self._begun = b""
        self._is_away = False
        self.was_left = False
        """Whether anything was drawn on the second one."""

    def take(self, data: bytes) -> None:
        """More of it; a sequence may be cut anywhere."""
        data = self._begun + data
        at = 0
        for switch in _SWITCH.finditer(data):
            self._hand_on(data[at : switch.start()])
            self._is_away = switch[1] == b"h"
            self.was_left = self.was_left or self._is_away
            at = switch.end()
        begun = _BEGUN.search(data, at)
        end = begun.start() if begun else len(data)
        self._begun = data[end:]
        self._hand_on(data[at:end])

    def close(self) -> None:
        """Nothing more comes."""
        self._hand_on(self._begun)
        self._begun = b""

    def _hand_on(self, data: bytes) -> None:
        if data and not self._is_away:
            self._feed(data)
