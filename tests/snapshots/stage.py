"""A chat's screen without a chat behind it: what it shows is given, so that a picture of it is always the same."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from textual.events import Key, Paste
from textual.filter import NoColor
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from ally.app import App as Ally
from ally.chat.start import Start
from ally.events import Event, Question
from ally.tui.app import AllyApp
from ally.tui.quiet import Quiet
from ally.tui.screen import ChatScreen

_FONT = re.compile(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
"""What Rich links to would be fetched from a stranger's server."""
_CLIP = re.compile(r'<clipPath id="\w+-line-\d+">.*?</clipPath>\s*| clip-path="url\(#\w+-line-\d+\)"', re.DOTALL)
_ID = re.compile(r"terminal-\d+")
_FRAME = re.compile("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]")
_SPACE = "&#160;"
_TEXT = re.compile(
    rf'(<text class="\w+-r\d+") x="([\d.]+)"([^>]*?) textLength="([\d.]+)">((?:{_SPACE})*)(.*?)((?:{_SPACE})*)</text>',
    re.DOTALL,
)
_RECT = re.compile(r'<rect fill="(#\w+)" x="[^>]*width="([\d.]+)"[^>]*crispEdges"/>')
_CELL, _ROW = 12.2, 24.4
"""How wide and how high Rich draws a character."""
_COUNTED = re.compile(r"<text[^>]*>(?:&#160;)*\d+(?:\.\d)?&#160;s</text>")
"""How long a card has been running."""
_TRIES, _SAME = 60, 4


class StillScreen(ChatScreen):
    """The real screen; nothing is opened behind it."""

    def _open(self) -> None:
        pass


def still(ally: Ally) -> AllyApp:
    """The real application around such a screen."""
    app = AllyApp(ally, Start())
    app.chat_screen = StillScreen(ally, Start(), "")
    if app.no_color:
        app._filters[-1] = NoColor()  # greys, which are no colours for a terminal, would be some in a picture
    return app


@dataclass
class Stage:
    """What is drawn on. `busy` is what runs, and for how many seconds; `again_in_s` when it is tried again."""

    app: AllyApp
    pilot: Pilot[int]
    busy: str = ""
    seconds: float = 0.0
    again_in_s: float | None = None
    asked: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def screen(self) -> StillScreen:
        """The chat's screen."""
        assert isinstance(self.app.chat_screen, StillScreen)
        return self.app.chat_screen

    async def open(self, columns: int, rows: int, theme: str) -> None:
        """Begin with an empty screen of that size."""
        if self.app.size != (columns, rows):
            await self.pilot.resize_terminal(columns, rows)
        self.app.theme = theme
        self.busy, self.again_in_s = "", None
        self.app.chat_screen = StillScreen(self.app.chat_screen.ally, Start(), "")
        await self.app.push_screen(self.app.chat_screen)
        self.screen.question.quiet = Quiet(quiet_s=0, pause_s=0)

    async def close(self) -> None:
        """Leave everything that was opened."""
        for asked in self.asked:
            asked.cancel()
        await asyncio.gather(*self.asked, return_exceptions=True)
        self.asked.clear()
        while len(self.app.screen_stack) > 1:
            await self.app.pop_screen()

    def tell(self, *events: Event) -> None:
        """Events of a turn."""
        for event in events:
            self.screen.transcript.add(event)

    async def ask(self, question: Question) -> None:
        """Ask, and wait until the keys answer."""
        panel = self.screen.question
        self.asked.append(asyncio.ensure_future(panel.ask(question)))
        while not panel.has_focus_within:  # noqa: ASYNC110 - the focus has no event of its own
            await asyncio.sleep(0.002)
        await self.pilot.pause()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what is done in threads."""
        for _ in range(_TRIES):
            if is_so():
                break
            await self.pilot.pause(0.01)

    async def type(self, text: str) -> None:
        """Press the keys of `text`."""
        for char in text:
            self.app.post_message(Key({" ": "space"}.get(char, char), char))
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys by their names."""
        for key in keys:
            self.app.post_message(Key(key, None))
            await self.pilot.pause()

    async def paste(self, text: str) -> None:
        """Paste as a terminal does."""
        self.app.post_message(Paste(text))
        await self.pilot.pause()

    async def picture(self, wanted: str | None) -> str:
        """The screen as SVG as soon as it is `wanted`, or once it changes no more."""
        before, same = "", 0
        for _ in range(_TRIES):
            await self.pilot.pause(0.02 if wanted is None else 0.005)
            now = self._picture()
            same = same + 1 if now == before else 0
            if now == wanted or (wanted is None and same >= _SAME):
                return now
            before = now
        return before

    def _picture(self) -> str:
        for entry in self.app.screen.query("Input, TextArea"):
            if isinstance(entry, Input | TextArea):
                entry.cursor_blink = False
        if self.busy:
            now = time.monotonic()
            until = None if self.again_in_s is None else now + self.again_in_s
            self.screen.status.busy(self.busy, now - self.seconds, until)
            self.screen.status.refresh()
        made = tidied(self.app.export_screenshot(title="Ally"))
        return _COUNTED.sub("", made) if self.busy else made


def tidied(svg: str) -> str:
    """`svg` without what differs between two runs, without addresses, and without what is seen in no viewer."""
    svg = _FRAME.sub("⠋", _CLIP.sub("", _ID.sub("s", _FONT.sub("", svg))))
    svg = svg.replace("Fira Code, monospace", "monospace").replace("font-family: arial", "font-family: sans-serif")
    return _on_one_ground(_TEXT.sub(_without_outer_spaces, svg)).strip() + "\n"


def _without_outer_spaces(found: re.Match[str]) -> str:
    """The text of one style in a line; some viewers leave spaces at its ends out, whatever they are."""
    begin, x, middle, wide, before, text, after = found.groups()
    left = len(before) // len(_SPACE)
    gone = left + len(after) // len(_SPACE)
    place = f'x="{float(x) + _CELL * left:g}"{middle} textLength="{float(wide) - _CELL * gone:g}"'
    return f"{begin} {place}>{text}</text>" if text.strip() else ""


def _on_one_ground(svg: str) -> str:
    """The background of most of the screen drawn once, where it is one that does not come from the terminal."""
    area: Counter[str] = Counter()
    for fill, wide in _RECT.findall(svg):
        area[fill] += float(wide) * _ROW
    size = re.search(r'<rect x="0" y="0" width="([\d.]+)" height="([\d.]+)"', svg)
    if not area or size is None or area.most_common(1)[0][1] < float(size[1]) * float(size[2]) / 2:
        return svg
    ground = area.most_common(1)[0][0]
    first, *rest = re.split(rf'<rect fill="{ground}" x="[^>]*crispEdges"/>', svg)
    return f'{first}<rect fill="{ground}" width="100%" height="100%"/>{"".join(rest)}'


Draw = Callable[[Stage], Awaitable[None]]
