"""A line to type in that takes nothing a terminal would obey."""

from textual.widgets import Input

from ally.terminal.text import clean


class CleanInput(Input):
    """Control characters are left out, whether they are typed or pasted."""

    def replace(self, text: str, start: int, end: int) -> None:
        """Put `text` there, without what a terminal would obey."""
        super().replace(clean(text).replace("\t", " "), start, end)
