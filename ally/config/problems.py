"""Turns what is wrong with a configuration into one error that names the file and the line."""

from collections.abc import Callable, Sequence

from ally.config.jsonfile import JsonFile
from ally.config.settings import SHAPE
from ally.config.shapes import Keys, Map, Problem, Record, Shape
from ally.errors import ConfigError


def shape_at(keys: Sequence[str]) -> Shape | None:
    """What may stand at `keys`, or None below an object that is not looked into, and for an unknown key."""
    shape: Shape | None = SHAPE
    for key in keys:
        match shape:
            case Record() if key in shape.entries:
                shape = shape.entries[key].shape
            case Map() if not shape.names or key in shape.names:
                shape = shape.values
            case _:
                return None
    return shape


def known_keys(parent: Sequence[str]) -> tuple[str, ...]:
    """The keys that are accepted below `parent`; empty where any name is."""
    match shape_at(parent):
        case Record() as record:
            return tuple(record.entries)
        case Map() as found:
            return found.names
        case _:
            return ()


def config_error(problems: Sequence[Problem], find_source: Callable[[Keys], JsonFile | str]) -> ConfigError:
    """The error for `problems`, of which there is at least one.

    `find_source` gives the file, or the name of the variable or flag, that a key came from.
    """
    # An unknown key is the likeliest cause of the others, e.g. of a missing one.
    first = min(problems, key=lambda problem: problem.kind != "unknown")
    source = find_source(first.keys)
    place = source.place(first.keys) if isinstance(source, JsonFile) else source
    others = len(problems) - 1
    more = f" ({others} more problem{'s' if others > 1 else ''})" if others else ""
    return ConfigError(
        f"{place}: {first.sentence}{more}.",
        file=source.path if isinstance(source, JsonFile) else None,
        key=".".join(first.keys),
        hint=first.hint,
    )
