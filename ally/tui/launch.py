"""Running the full-screen chat in a terminal."""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.console import COLOR_SYSTEMS
from textual import constants
from textual.css.query import QueryError

from ally.tui.app import AllyApp
from ally.tui.driver_output import Aside, TerminalFile
from ally.tui.lobby import Lobby
from ally.tui.manners import Manners, describe_crash
from ally.tui.polite import Courtesy
from ally.tui.scrollback import as_text, last_lines
from ally.tui.transcript.view import Transcript

if TYPE_CHECKING:
    from textual.driver import Driver

    from ally.app import App
    from ally.chat.start import Start
    from ally.errors import AllyError

LOADING_SWITCH_S = 0.001
"""While modules are loaded in a thread, the screen gets its turn this often, so that keys do not lag."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the screen was left. `failure` and `crash` say why it could not go on, `signal` what ended it.

    `said` are the lines of the transcript for the terminal's scrollback, `session` goes on with it and is empty where
    nothing was said to a model or could be saved. `is_open`: there was a chat at all.
    """

    code: int = 0
    signal: int | None = None
    failure: "AllyError | None" = None
    crash: str = ""
    session: str = ""
    is_open: bool = False
    said: Iterator[str] = field(default_factory=lambda: iter(()))


class _Program(Manners, AllyApp):
    """The chat, with the manners of a program in a terminal. `transcript` is what is left of it."""

    transcript: Transcript | None = None

    @property
    def logs(self) -> Path:
        """Where what does not belong on the screen is written meanwhile."""
        return self.chat_screen.ally.paths.state / "logs"

    async def on_load(self) -> None:
        """Obey signals before there is anything that could be left half-done."""
        if sys.platform != "win32":
            self.wait_for_signals()

    def leave(self) -> None:
        """Stop what runs, then leave."""
        talking = self.chat_screen.talking
        if talking is not None and talking.is_open:
            talking.leave()
        else:
            self.exit(0)

    async def _close_all(self) -> None:
        with contextlib.suppress(QueryError):  # it was never composed
            self.transcript = self.chat_screen.transcript
        await super()._close_all()


def run(ally: "App", start: "Start", first: str, lobby: Lobby | None = None) -> Ended:
    """Show the screen until the user leaves; the terminal is the shell's again then.

    `lobby` has taken the keys until now.
    """
    program = _Program(ally, start, first)
    if constants.DRIVER is None and sys.platform != "win32":
        _give_terminal(program, lobby)
    gc.collect(0)
    gc.freeze()  # what is loaded by now stays: looking through it again and again would only hold up keys
    sys.setswitchinterval(LOADING_SWITCH_S)
    courtesy = program.terminal.courtesy if program.terminal is not None else Courtesy()
    try:
        with courtesy.kept():
            code = program.run()
    finally:
        if lobby is not None:
            lobby.close()
    talking = program.chat_screen.talking
    chat = talking.chat if talking is not None and talking.is_open else None
    return Ended(
        code=program.return_code or code or 0,
        signal=program.ended_by,
        failure=program.failure,
        crash=describe_crash(program.crash) if program.crash else "",
        session=chat.session.id if chat is not None and chat.talk.messages and chat.session.is_saved else "",
        is_open=chat is not None,
        said=_printed(program),
    )


def _give_terminal(program: _Program, lobby: Lobby | None) -> None:
    from ally.tui.driver import Terminal, TerminalDriver  # late: there is no such driver on Windows

    screen = TerminalFile(os.dup(1))
    if lobby is not None:
        lobby.write = screen.write_now
    program.terminal = Terminal(screen, Aside(program.logs / "screen.log"), lobby)
    program.driver_class = cast("type[Driver]", TerminalDriver)


def _printed(program: _Program) -> Iterator[str]:
    """The transcript as lines of text with colours, all or the last of it; nothing if Ally's greeting is all."""
    if program.transcript is None:
        return
    blocks = list(program.transcript.blocks())
    talking = program.chat_screen.talking
    if talking is not None and talking.is_open and not talking.chat.talk.messages and len(blocks) <= talking.greeted:
        return
    system = None if program.no_color else COLOR_SYSTEMS.get(program.console.color_system or "")
    lines = last_lines(blocks, program.size.width, program.look)
    yield from as_text(lines, system)
