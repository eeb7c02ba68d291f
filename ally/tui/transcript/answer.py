"""What the model answers, as it comes."""

from ally.tui.transcript.markdown import Reader
from ally.tui.transcript.parted import Growing


class Answer(Growing):
    """Markdown that streams in, or with `text` a whole one.

    It stands further in than the marks of what the user said and of tools, so that no answer can look like these.
    """

    indent = 2

    def __init__(self, text: str = "") -> None:
        super().__init__(Reader(), text)
