"""Noticing that a model no longer says anything: the same few characters or sentences for ever."""

SPAN = 800
"""So many characters of nothing but repetition are enough."""

LEAST_REPEATS = 6
"""Longer passages have to come so often."""

LONGEST_PERIOD = 500
_EVERY = 64
_END = 32


class Repetition:
    """Watches the text of one answer."""

    def __init__(self) -> None:
        self._tail = ""
        self._unseen = 0

    def feed(self, text: str) -> bool:
        """Take more of the text; whether it goes round in circles now.

        Lines, spaces and rules of tables may be as long as they like: only what holds a letter or a digit counts.
        """
        self._tail = (self._tail + text)[-LONGEST_PERIOD * LEAST_REPEATS :]
        self._unseen += len(text)
        if self._unseen < _EVERY or len(self._tail) < SPAN:
            return False
        self._unseen = 0
        return self._is_periodic()

    def _is_periodic(self) -> bool:
        last, place = self._tail[-_END:], len(self._tail) - _END
        for period in range(1, min(LONGEST_PERIOD, len(self._tail) // LEAST_REPEATS) + 1):
            if not self._tail.startswith(last, place - period):  # without this it takes a fifth of a busy screen's time
                continue
            tail = self._tail[-max(SPAN, period * LEAST_REPEATS) :]
            if tail[period:] == tail[:-period]:
                return any(char.isalnum() for char in tail[:period])
        return False
