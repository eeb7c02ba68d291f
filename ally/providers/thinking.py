"""Thinking that a model writes as tags into its answer."""

from ally.providers.model import TextChunk, ThinkingChunk

TAGS = {"<think>": "</think>", "<thinking>": "</thinking>"}


class ThinkSplitter:
    """Turns the tagged thinking at the start of an answer into `ThinkingChunk`s, however the text was cut up.

    Only blocks before the first word of the answer count: a tag inside the answer is something the model talks about.
    """

    def __init__(self) -> None:
        self._held = ""
        self._end_tag = ""
        self._after_block = False
        self._answering = False

    def feed(self, text: str) -> list[TextChunk | ThinkingChunk]:
        """The chunks that are certain after `text`; what may be the start of a tag is held back."""
        if self._answering:
            return [TextChunk(text)] if text else []
        self._held += text
        found: list[TextChunk | ThinkingChunk] = []
        while self._held and self._step(found):
            pass
        return found

    def finish(self) -> list[TextChunk | ThinkingChunk]:
        """What was held back; an unclosed block is thinking."""
        rest, self._held = self._held, ""
        if not rest or (self._after_block and rest.isspace() and not self._end_tag):
            return []
        return [ThinkingChunk(rest) if self._end_tag else TextChunk(rest)]

    def _step(self, found: list[TextChunk | ThinkingChunk]) -> bool:
        """Takes one piece off what is held; False when more text is needed."""
        return self._inside(found) if self._end_tag else self._before(found)

    def _inside(self, found: list[TextChunk | ThinkingChunk]) -> bool:
        thought, tag, rest = self._held.partition(self._end_tag)
        if tag:
            if thought:
                found.append(ThinkingChunk(thought))
            self._end_tag, self._held, self._after_block = "", rest, True
            return True
        safe = len(self._held) - overlap(self._held, self._end_tag)
        if safe:
            found.append(ThinkingChunk(self._held[:safe]))
        self._held = self._held[safe:]
        return False

    def _before(self, found: list[TextChunk | ThinkingChunk]) -> bool:
        start = self._held.lstrip()
        for tag, end_tag in TAGS.items():
            if start.startswith(tag):
                self._end_tag, self._held = end_tag, start[len(tag) :]
                return True
            if tag.startswith(start):
                return False
        found.append(TextChunk(start if self._after_block else self._held))
        self._held, self._answering = "", True
        return False


def overlap(text: str, tag: str) -> int:
    """Length of the longest end of `text` that begins `tag`."""
    return next((size for size in range(min(len(tag) - 1, len(text)), 0, -1) if tag.startswith(text[-size:])), 0)
