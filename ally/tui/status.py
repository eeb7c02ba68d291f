"""The line that says what runs, where and at what cost."""

from textual.widgets import Static

from ally.terminal.text import one_line


class StatusLine(Static):
    """One line."""

    def __init__(self) -> None:
        super().__init__(markup=False)

    def busy(self, text: str, since: float | None) -> None:
        """What runs now, and since when (monotonic seconds)."""
        self.update(one_line(text))
