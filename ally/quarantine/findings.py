"""What there is to say of the classes of a plug-in; used in the child process that imports it."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

from ally.egress.offline import find_blocked
from ally.errors import PluginError
from ally.messages import JsonObject
from ally.plugins import cause_of, defined_classes, line_of


class BadDescription(ValueError):
    """The plug-in cannot be registered; the text says why."""


def report_on(
    classes: Sequence[type], describe: Callable[[type], JsonObject], file: str, why_none: str, connects_in: str
) -> JsonObject:
    """The report on `classes` of `file`; `describe` makes one and asks it. `why_none` is for a file without any."""
    found: list[JsonObject] = []
    problems: list[JsonObject] = []
    for cls in classes:
        if _missing_methods(cls):
            continue
        try:
            found.append({"class": cls.__qualname__, **describe(cls)})
        except Exception as exc:  # noqa: BLE001  # boundary: a stranger's plug-in runs here
            if not any(other is not cls and issubclass(other, cls) for other in classes):  # else it is a common base
                problems.append(problem(cls.__qualname__, file, exc, connects_in))
    if not found and not problems:
        problems.append({"class": "", "cause": _why_none(classes, why_none), "line": None})
    return {"found": found, "problems": problems}


def problem(cls: str, file: str, exc: BaseException, connects_in: str) -> JsonObject:
    """Why `cls` of `file` (empty: all of it) cannot be used."""
    origin = exc.__cause__ if isinstance(exc, PluginError) and exc.__cause__ else exc
    if blocked := find_blocked(origin):
        cause = f"it contacts {blocked.destination} while it is imported; do that in {connects_in}"
    else:
        cause = str(exc) if isinstance(exc, BadDescription | PluginError) else cause_of(exc)
    return {"class": cls, "cause": cause, "line": line_of(Path(file), origin)}


def entry_point_classes(reference: str, base: type) -> list[type]:
    """The classes derived from `base` that `package.module:Class` or `package.module` names."""
    module_name, _, attributes = reference.partition(":")
    module = importlib.import_module(module_name.strip())
    if not attributes:
        return defined_classes(module, base)
    found: object = module
    for attribute in attributes.partition("[")[0].strip().split("."):
        found = getattr(found, attribute)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise TypeError(f"{reference} is not a class derived from {base.__name__}")
    return [found]


def _missing_methods(cls: type) -> list[str]:
    return sorted(getattr(cls, "__abstractmethods__", ()))


def _why_none(classes: Sequence[type], why_none: str) -> str:
    if not classes:
        return why_none
    return "; ".join(f"{cls.__name__} does not implement {', '.join(_missing_methods(cls))}" for cls in classes)
