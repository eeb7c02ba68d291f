"""The narrowest rule worth remembering for what the user was asked about."""

from collections.abc import Sequence

from ally.permissions.action import Scope
from ally.permissions.paths import Place, Spot
from ally.permissions.patterns import escape_glob
from ally.permissions.shell import Command, narrow

MAX_RULES = 5
MAX_CHARACTERS = 300
HERE: tuple[Scope, ...] = ("once", "session", "project")
"""Scopes for what is written relative to the folder: elsewhere the same words would mean other files."""
EVERYWHERE: tuple[Scope, ...] = ("once", "session", "project", "always")


def path_rule(tool: str, spot: Spot, place: Place) -> str:
    """The folder of a file inside the working folder, and outside of it the one file."""
    path = spot.resolved
    if not path.is_relative_to(place.root):
        return f"{tool}({_written(path, place)})"
    folder = "/".join(path.relative_to(place.root).parts[:-1])
    return f"{tool}({escape_glob(folder)}/**)" if folder else f"{tool}(./*)"


def exact_rule(tool: str, spot: Spot, place: Place) -> str:
    """This one path."""
    return f"{tool}({_written(spot.resolved, place)})"


def folder_rule(tool: str, spot: Spot, place: Place) -> str:
    """Everything in the folder that `spot` is."""
    return f"{tool}({_written(spot.resolved, place).rstrip('/')}/**)"


def command_rules(commands: Sequence[Command], tool: str = "shell") -> tuple[str, ...]:
    """One rule for each of the commands; none at all if one of them cannot be named narrowly."""
    patterns = dict.fromkeys(map(narrow, commands))
    are_useful = len(patterns) <= MAX_RULES and all(0 < len(one) <= MAX_CHARACTERS for one in patterns)
    return tuple(f"{tool}({one})" for one in patterns) if are_useful else ()


def _written(path: object, place: Place) -> str:
    text, home = str(path), str(place.home)
    return "~" + escape_glob(text[len(home) :]) if text == home or text.startswith(home + "/") else escape_glob(text)
