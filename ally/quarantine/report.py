"""What a plug-in was found to define."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ally.messages import JsonObject

D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file, or one class of it (else ""), is left out."""

    class_name: str
    cause: str


@dataclass(frozen=True, slots=True)
class Report(Generic[D]):
    """The classes of a plug-in with their descriptions, and what is wrong with the rest."""

    found: tuple[tuple[str, D], ...] = ()
    problems: tuple[Problem, ...] = ()


def failed(cause: str) -> JsonObject:
    """The report, as JSON, of a plug-in that cannot be used at all."""
    return {"found": [], "problems": [{"class": "", "cause": cause, "line": None}]}


def report_from(data: JsonObject, read: Callable[[JsonObject], D]) -> Report[D]:
    """The report in decoded JSON, from a child process or a file; `read` makes a description.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is none.
    """
    return Report(
        found=tuple((str(one["class"]), read(one)) for one in data["found"]),
        problems=tuple(_problem_from(one) for one in data["problems"]),
    )


def _problem_from(data: JsonObject) -> Problem:
    line = f" (line {data['line']:d})" if data["line"] else ""
    return Problem(str(data["class"]), f"{data['cause']}{line}")
