"""A text with its folded blocks, and the page on which it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ally.tui.composer.area import Area
from ally.tui.composer.blocks import Blocks, is_long, plain

_LONG = 4_000
"""A text longer than this that comes back from elsewhere is folded as a whole."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text as it stands in the area; `meant` is what the marks in it stand for."""

    text: str
    meant: Mapping[str, str] = field(default_factory=dict[str, str])


class Page:
    """What is written in an area, with its blocks put back, and replaced as a whole."""

    def __init__(self, area: Area, blocks: Blocks) -> None:
        self._area, self._blocks = area, blocks

    @property
    def text(self) -> str:
        """What would be sent."""
        return self._blocks.unfold(self._area.text)

    @property
    def written(self) -> Written:
        """The text with its marks."""
        text = self._area.text
        return Written(text, self._blocks.within(text))

    @written.setter
    def written(self, value: Written) -> None:
        self._blocks.replace(value.meant)
        self._area.text = value.text
        self._area.move_cursor(self._area.document.end)

    def show(self, text: str, *, at_end: bool) -> None:
        """Put `text` there, folded if it is very long, with the cursor in its last line or its first."""
        text = plain(text)
        self._blocks.replace({})
        if len(text) > _LONG and is_long(text):
            text = self._blocks.fold(text, "")
        self._area.text = text
        end = self._area.document.end
        self._area.move_cursor(end if at_end else (0, len(self._area.document[0])))

    def insert(self, text: str) -> None:
        """Put `text` at the cursor, folded if it is long."""
        self._area.type_in(self._blocks.fold(text, self._area.text) if is_long(text) else text)
