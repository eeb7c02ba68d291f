"""Asking before a call runs."""

from textual.containers import Vertical

from ally.engine.gate import Answer
from ally.events import Question


class QuestionPanel(Vertical):
    """Takes the place of the composer while something is asked."""

    is_open = False

    async def ask(self, question: Question) -> Answer:
        """The user's answer."""
        return Answer(False)
