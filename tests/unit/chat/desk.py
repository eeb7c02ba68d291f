"""A front end for tests: it answers what commands ask, and notes what they do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ally.chat.front import Option
from ally.errors import UsageError
from ally.messages import Message


@dataclass
class Desk:
    """Takes the option that `picks` gives for a title; `asked` are the options of each question, by title."""

    picks: Callable[[Sequence[Option]], str | None] | None = None
    writes: str | None = None
    can_ask: bool = True
    has_clipboard: bool = True
    asked: dict[str, Sequence[Option]] = field(default_factory=dict)
    previews: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    shown: list[Sequence[Message]] = field(default_factory=list)
    looked_at: list[tuple[Path, int]] = field(default_factory=list)
    works: list[str] = field(default_factory=list)
    when_working: Callable[[], object] = lambda: None
    theme: str = "dark"
    has_seen_settings: bool = False

    columns: int = 100
    keys = (("Ctrl-C", "stops"), ("Ctrl-D", "leaves"))

    @property
    def themes(self) -> Sequence[Option]:
        return [Option(name, name, is_current=name == self.theme) for name in ("dark", "light")]

    def say(self, text: str) -> None:
        self.said.append(text)

    def show_work(self, text: str) -> bool:
        self.works.append(text)
        self.when_working()
        return True

    async def choose(
        self, title: str, options: Sequence[Option], preview: Callable[[str], str] | None = None
    ) -> str | None:
        self.asked[title] = options
        if preview is not None:
            self.previews = {one.value: preview(one.value) for one in options}
        return self.picks(options) if self.picks else None

    async def write(self, title: str, text: str) -> str | None:
        return self.writes

    async def look_at(self, path: Path, line: int) -> None:
        self.looked_at.append((path, line))

    def send(self, text: str) -> None:
        self.sent.append(text)

    def restore(self, text: str) -> None:
        self.restored.append(text)

    def show(self, messages: Sequence[Message]) -> None:
        self.shown.append(messages)

    def show_change(self, change: str) -> None:
        self.said.append(change)

    def copy(self, text: str) -> bool:
        if self.has_clipboard:
            self.copied.append(text)
        return self.has_clipboard

    def set_theme(self, name: str) -> None:
        if name not in ("dark", "light"):
            raise UsageError(f"There is no theme {name}.")
        self.theme = name

    async def settings(self) -> None:
        self.has_seen_settings = True
