"""Noticing that a model no longer says anything: the same few characters for ever."""

SPAN = 800
"""So many characters of nothing but repetition are enough."""

LONGEST_PERIOD = 80
_EVERY = 64


class Repetition:
    """Watches the text of one answer."""

    def __init__(self) -> None:
        self._tail = ""
        self._unseen = 0

    def feed(self, text: str) -> bool:
        """Take more of the text; whether it goes round in circles now.

        Lines, spaces and rules of tables may be as long as they like: only what holds a letter or a digit counts.
        """
        self._tail = (self._tail + text)[-SPAN:]
        self._unseen += len(text)
        if self._unseen < _EVERY or len(self._tail) < SPAN:
            return False
        self._unseen = 0
        return self._is_periodic()

    def _is_periodic(self) -> bool:
        tail = self._tail
        for period in range(1, LONGEST_PERIOD + 1):
            if tail[period:] == tail[:-period]:
                return any(char.isalnum() for char in tail[:period])
        return False
