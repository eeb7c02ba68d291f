"""What waits above the composer until it can be said."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from ally.terminal.text import one_line

_SHOWN = 3
_CHARACTERS = 500


class Queue(Widget):
    """One dim line for each of the newest texts."""

    DEFAULT_CSS = """
    Queue { height: auto; display: none; }
    """
    can_focus = False
    _texts: Sequence[str] = ()

    @property
    def texts(self) -> Sequence[str]:
        """What waits, oldest first."""
        return self._texts

    @texts.setter
    def texts(self, texts: Sequence[str]) -> None:
        if (new := tuple(texts)) == self._texts:
            return
        self._texts = new
        self.display = bool(texts)
        self.refresh(layout=True)

    def render(self) -> Text:
        """The newest texts, and how many there are before them."""
        shown = max(1, min(_SHOWN, self.screen.size.height // 8))
        lines = [Text(f"queued: {one_line(text[:_CHARACTERS])}") for text in self._texts[-shown:]]
        if (more := len(self._texts) - shown) > 0:
            lines[0] = Text(f"queued: {more + 1} more; Up takes the last one back")
        for line in lines:
            line.stylize(Style(dim=True))
            line.truncate(max(1, self.size.width), overflow="ellipsis")
        return Text("\n", no_wrap=True, end="").join(lines)
