"""The terminal that the screen is shown in: its keys, its signals, and giving it back."""

import contextlib
import os
import select
import signal
import termios
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual.drivers.linux_driver import LinuxDriver
from textual.events import Paste

from ally.tui.driver_output import RESTORE, Aside, TerminalFile
from ally.tui.lobby import keys_of, split
from ally.tui.polite import Courtesy
from ally.tui.terminal_keys import TerminalKeys

if TYPE_CHECKING:
    from textual.app import App

    from ally.tui.lobby import Lobby

_PAINTED_WITHIN_S = 5.0
_CAUGHT_UP_WITHIN_S = 0.5
_LOOK_EVERY_S, _LOOK_OFTEN_S = 0.1, 0.01
_FALLBACK = (80, 24)


@dataclass(slots=True)
class Terminal:
    """The terminal as it is handed to the driver. `painted` is set when the screen is there for the first time."""

    screen: TerminalFile
    aside: Aside
    lobby: "Lobby | None" = None
    painted: threading.Event = field(default_factory=threading.Event)
    courtesy: Courtesy = field(default_factory=Courtesy)


class Host(Protocol):
    """An application that is shown in `terminal`; `lost` is called when there is nobody at it any more."""

    terminal: Terminal

    def lost(self) -> None:
        """The terminal went away."""
        ...


class TerminalDriver(LinuxDriver):
    """Textual's driver, with an output of its own, keys that were typed before, and a terminal that may go away."""

    def __init__(
        self, app: "App[Any]", *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)  # pyright: ignore[reportUnknownMemberType] - as in Textual
        self._host = cast("Host", app)
        self._terminal = self._host.terminal
        self._shell_attributes: list[Any] | None = None  # Any: as termios has them
        self._file = self._terminal.screen  # type: ignore[assignment] # as much of a file as the writer needs
        signal.signal(signal.SIGTSTP, self._soon(self._stop))
        signal.signal(signal.SIGCONT, self._soon(self._go_on))

    def start_application_mode(self) -> None:
        """Take the terminal over; from the lobby, if one waited there."""
        lobby = self._terminal.lobby  # before: the thread that reads the keys takes it
        self._terminal.aside.point_away()
        super().start_application_mode()
        if lobby is not None and lobby.before is not None:
            self.attrs_before, lobby.before = lobby.before, None

    def stop_application_mode(self) -> None:
        """Leave the screen; the terminal's attributes follow in `close`, when all of that is written.

        Ctrl-C makes a terminal that obeys it throw away what it was not sent yet.
        """
        self._shell_attributes, self.attrs_before = self.attrs_before, None
        super().stop_application_mode()

    def close(self) -> None:
        """Let go of the terminal."""
        super().close()
        self._terminal.aside.put_back()
        self._restore_attributes(termios.TCSADRAIN)

    def _restore_attributes(self, when: int) -> None:
        attributes = self.attrs_before or self._shell_attributes
        if attributes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.fileno, when, attributes)

    def restore_now(self) -> None:
        """Give the terminal back without waiting for anything, for a process that ends at once."""
        with contextlib.suppress(OSError, termios.error):
            os.set_blocking(self._file.fileno(), False)
            os.write(self._file.fileno(), RESTORE.encode())
        self._restore_attributes(termios.TCSANOW)

    def run_input_thread(self) -> None:
        """Read the keys: first those that were typed in the lobby."""
        parser = TerminalKeys(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode

        def take(data: bytes) -> None:
            if text := decode(data):
                for event in parser.feed(text):
                    self.process_message(event)

        lobby, self._terminal.lobby = self._terminal.lobby, None
        if lobby is not None:
            self._take_over(lobby, take)
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], _LOOK_EVERY_S)[0]:
                data = self._read()
                if not data:
                    self._loop.call_soon_threadsafe(self._host.lost)
                    return
                take(data)
            for event in parser.tick():
                self.process_message(event)

    def _take_over(self, lobby: "Lobby", take: Callable[[bytes], None]) -> None:
        """Hand on what was typed before, and show what is typed now until the screen does."""
        self._terminal.painted.wait(_PAINTED_WITHIN_S)
        text, rest = split(lobby.hand_over())
        if text:
            self.process_message(Paste(text))  # far quicker than key by key
        take(rest)
        caught_up = threading.Event()
        self._loop.call_soon_threadsafe(self._app.call_after_refresh, caught_up.set)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
        typed = text.encode()
        until = time.monotonic() + _CAUGHT_UP_WITHIN_S
        while not keys_of(rest) and not caught_up.is_set() and time.monotonic() < until:
            if select.select([self.fileno], [], [], _LOOK_OFTEN_S)[0]:
                data = self._read()
                rest = split(data)[1] if data else b"end"
                if not keys_of(rest):
                    typed += data
                    lobby.show(typed)
                take(data)

    def _read(self) -> bytes:
        try:
            data = os.read(self.fileno, 4096)
        except OSError:
            return b""
        self._terminal.courtesy.pressed()
        return data

    def _get_terminal_size(self) -> tuple[int, int]:
        """(columns, rows) of the terminal itself; `COLUMNS` and `LINES` only where it does not know."""
        try:
            columns, rows = os.get_terminal_size(self.fileno)
        except OSError:
            columns = rows = 0
        return columns or _from_environment("COLUMNS", 0), rows or _from_environment("LINES", 1)

    # Stopping and going on. A handler runs between any two instructions of the main thread, also where it holds the
    # lock that it would need, so all of this waits for its turn in the event loop.

    def _soon(self, call: Callable[[], None]) -> Callable[..., None]:
        def arrange(*_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(call)

        return arrange

    @property
    def _is_shown(self) -> bool:
        return self._key_thread is not None and self._key_thread.is_alive()

    def _stop(self) -> None:
        if self._auto_restart and self._is_shown:
            self.suspend_application_mode()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _go_on(self) -> None:
        if not self._auto_restart:  # an editor has the terminal
            return
        if self._is_shown:  # stopped by a signal that cannot be caught: the shell has changed the terminal meanwhile
            self.suspend_application_mode()
        self._must_signal_resume = True
        self.resume_application_mode()
        self._app.refresh(layout=True)


def _from_environment(name: str, place: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and int(text) else _FALLBACK[place]
