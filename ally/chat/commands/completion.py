"""What may be typed after a slash, for the composer and for readline."""

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ally.chat.chat import Chat
from ally.chat.commands.registry import ALIASES, COMMANDS
from ally.chat.fuzzy import folded, score, words_of
from ally.errors import AllyError

if TYPE_CHECKING:
    from ally.app import App

REMEMBERED_S = 10.0
"""So long the values of a command are taken as they were found; servers and files may change them."""
_MOST = 200


def complete(chat: Chat, text: str) -> list[str]:
    """The whole texts that `text`, the beginning of a command, may become, best first; it never waits.

    Values that have to be looked for, such as the models of servers, are there when it is asked again a moment later.
    """
    name, blank, typed = text.partition(" ")
    if not blank:
        return [known for known in COMMANDS if known.startswith(name.lower())]
    command = COMMANDS.get(ALIASES.get(name.lower(), name.lower()))
    values = command.values if command is not None else None
    if command is None or values is None:
        return []
    typed = typed.lstrip()
    found = _KNOWN.get(chat.app, name.lower(), lambda: values(chat))
    if not command.has_path:
        return [f"{name} {value}" for value in _fitting(found, typed)]
    path, rest = _path_and_rest(typed)
    if path and not any(value.startswith(typed) for value in found):
        return [f"{name} {path} {_quoted(value)}" for value in _fitting(found, rest)]
    begun = typed.removeprefix('"')
    folder = begun[: begun.rfind("/") + 1]
    paths = _KNOWN.get(chat.app, f"{name.lower()} {folder}", lambda: _entries(folder))
    return [f"{name} {_quoted(value, typed)}" for value in _fitting([*found, *paths], typed)]


def _path_and_rest(typed: str) -> tuple[str, str]:
    """The path as it stands there, if it is whole, and what follows it."""
    if typed.startswith('"'):
        inner, mark, rest = typed[1:].partition('"')
        return (f'"{inner}"' if mark else ""), rest.lstrip()
    path, blank, rest = typed.partition(" ")
    return path if blank else "", rest.lstrip()


def _entries(folder: str) -> list[str]:
    """What is in a folder, which is named with a slash at its end, or not at all; folders in it end in a slash, too."""
    from ally.chat.mentions import Files  # late: only paths need it

    added = "" if folder.startswith(("~/", "/", "./", "../")) else "./"
    return [one.path.removeprefix(added) for one in Files(Path.cwd(), Path.home()).find(added + folder, _MOST)]


def _quoted(value: str, typed: str = "") -> str:
    """`value` as it is typed; the name of a folder is left open, to go on into it."""
    if " " not in value and not typed.startswith('"'):
        return value
    return f'"{value}' if value.endswith("/") else f'"{value}"'


def _fitting(values: Sequence[str], typed: str) -> list[str]:
    """Those that begin with what is typed; if there are none, those that have its letters."""
    typed = typed.removeprefix('"')
    begun = [value for value in values if value.lower().startswith(typed.lower())]
    if begun:
        return begun[:_MOST]
    words = words_of(typed)
    fits = {value: worth for value in values if (worth := score(words, folded(value))) is not None}
    return sorted(fits, key=lambda value: -fits[value])[:_MOST]


class _Known:
    """Values by command, of one app; they are looked for in a thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._app: weakref.ref[App] | None = None
        self._found: dict[str, tuple[float, list[str]]] = {}
        self._asking: set[str] = set()

    def get(self, app: "App", name: str, find: Callable[[], Sequence[str]]) -> list[str]:
        """What is known by now."""
        with self._lock:
            if self._app is None or self._app() is not app:
                self._app, self._found, self._asking = weakref.ref(app), {}, set()
            at, values = self._found.get(name, (float("-inf"), []))
            if time.monotonic() - at > REMEMBERED_S and name not in self._asking:
                self._asking.add(name)
                threading.Thread(target=self._find, args=(app, name, find), name="complete", daemon=True).start()
        return values

    def _find(self, app: "App", name: str, find: Callable[[], Sequence[str]]) -> None:
        try:
            values = [value for value in find() if value.isprintable()]
        except AllyError:  # whoever runs the command is told why
            values = []
        with self._lock:
            if self._app is not None and self._app() is app:
                self._found[name] = time.monotonic(), values
                self._asking.discard(name)


_KNOWN = _Known()
