"""What a question is made of: the action with a memory of how much of it was shown, and the list of answers."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ally.chat.asking import SHORT, Choice, wrapped
from ally.terminal.table import cut, width
from ally.tui.look import Look


def line(text: str, style: Style) -> Strip:
    """One line of text as it is; it must be safe for the terminal already."""
    return Strip([Segment(text, style)], width(text))


def in_rows(text: str, columns: int, most: int) -> list[str]:
    """`text` in at most so many lines; what does not fit into the last is left out."""
    lines = list(wrapped(text, columns))
    last = cut("".join(lines[most - 1 :]), columns)
    return [one for one in (*lines[: most - 1], last) if one]


class WholeAction(ScrollView, can_focus=False):
    """Lines that must be seen before anything is agreed to, and others after them that need not."""

    DEFAULT_CSS = """
    WholeAction { overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._parts: Sequence[Sequence[Strip]] = ()
        self._count = self.needed = self._seen = 0

    @property
    def hidden(self) -> int:
        """How many of the lines that must be seen were not on the screen yet."""
        self._look()
        return max(0, self.needed - self._seen)

    @property
    def is_longer(self) -> bool:
        """Whether it takes scrolling to see all of it."""
        return self._count > self.size.height

    def show(self, needed: Sequence[Sequence[Strip]], further: Sequence[Strip] = (), *, is_new: bool = False) -> None:
        """Show the lines of these parts; `is_new` says that they are another action, not the same for another width."""
        was_seen = not is_new and self.needed > 0 and self.hidden == 0
        self._parts = [*needed, further]
        self.needed = sum(map(len, needed))
        self._count = self.needed + len(further)
        self._seen = self.needed if was_seen else 0
        self.virtual_size = Size(self.size.width, self._count)
        if is_new:
            self.scroll_to(y=0, animate=False, immediate=True)
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Remember what was shown."""
        super().watch_scroll_y(old_value, new_value)
        self._look()

    def render_line(self, y: int) -> Strip:
        """One line."""
        found = self._line(self.scroll_offset.y + y)
        return found.adjust_cell_length(self.size.width, self.rich_style).apply_style(self.rich_style)

    def _line(self, place: int) -> Strip:
        for part in self._parts:
            if place < len(part):
                return part[place]
            place -= len(part)
        return Strip.blank(0)

    def _look(self) -> None:
        top = self.scroll_offset.y
        if top <= self._seen:  # what was jumped over counts: who goes to the end has chosen to
            self._seen = max(self._seen, top + self._rows())
        elif top + self._rows() >= self._count:
            self._seen = self._count

    def _rows(self) -> int:
        """Lines of it that are on the screen."""
        return max(0, min(self.size.height, self.screen.size.height - self.region.y))


class AnswerList(Widget, can_focus=False):
    """The answers below each other, or on one line where there is no room. `hidden` lines are not seen yet."""

    def __init__(self) -> None:
        super().__init__()
        self.look = Look()
        self.is_flat = False
        self.hidden = 0
        self._choices: Sequence[Choice] = ()
        self._place = 0

    @property
    def rows(self) -> int:
        """How many lines it takes."""
        return 1 if self.is_flat else max(1, len(self._choices))

    @property
    def marked(self) -> Choice:
        """Where the mark is."""
        return self._choices[self._place]

    def offer(self, choices: Sequence[Choice]) -> None:
        """Show these, the first one marked."""
        self._choices, self._place = choices, 0
        self.refresh()

    def step(self, by: int) -> None:
        """Move the mark."""
        self.mark((self._place + by) % len(self._choices))

    def mark(self, place: int) -> None:
        """Put the mark there."""
        self._place = max(0, min(place, len(self._choices) - 1))
        self.refresh()

    def render(self) -> Text:
        """All of them."""
        space = max(1, self.size.width)
        text = Text(no_wrap=True, overflow="crop", end="")
        if self.is_flat:
            return text.append(flat(self._choices, self.hidden, space), self.look.accent)
        wide = max((width(choice.text) for choice in self._choices), default=0)
        for place, choice in enumerate(self._choices):
            is_marked = place == self._place
            head = f"{'▸' if is_marked else ' '} {choice.key}  {choice.text}{' ' * (wide - width(choice.text))}"
            rest = f"   adds {'  '.join(choice.remembers)}" if choice.remembers else ""
            text.append("\n" if place else "")
            text.append(cut(head.rstrip(), space), self.look.selected if is_marked else self.look.text)
            if rest and space > width(head):
                gap = " " * (width(head) - width(head.rstrip()))
                text.append(gap + cut(rest, space - width(head)), self.look.dim)
        return text


def flat(choices: Sequence[Choice], hidden: int, space: int) -> str:
    """The answers on one line, in as many words as fit."""
    if hidden:
        more = [f"v {hidden} more lines first · n no · Tab say", f"v {hidden} more · n no", "v more n no"]
        return next((row for row in more if width(row) <= space), "v n")
    words = [f"{one.key} {SHORT[one.scope] if one.scope else _WORD[one.key]}" for one in choices]
    short = [f"{one.key} {_WORD[one.key]}" if one.key in "yn" else one.key for one in choices]
    rows = [" · ".join([*words, "Tab say"]), " · ".join(words), " ".join(short)]
    return next((row for row in rows if width(row) <= space), cut(" ".join(one.key for one in choices), space))


_WORD = {"y": "yes", "n": "no", "e": "edit", "w": "why"}
