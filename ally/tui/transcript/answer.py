"""What the model answers, as it comes."""

from ally.tui.transcript.markdown import Reader
from ally.tui.transcript.parted import Growing


class Answer(Growing):
    """Markdown that streams in, or with `text` a whole one."""

    def __init__(self, text: str = "") -> None:
        super().__init__(Reader(), text)
