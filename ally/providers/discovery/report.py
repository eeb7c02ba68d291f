"""What a plug-in was found to define."""

from dataclasses import asdict, dataclass

from ally.messages import JsonObject
from ally.providers.discovery.description import Description, description_from

NO_PROVIDER = "no class in it derives from BaseProvider; if it only helps other files, let its name start with _"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file, or one class of it (else ""), is left out."""

    class_name: str
    cause: str


@dataclass(frozen=True, slots=True)
class Report:
    """The provider classes of a plug-in with their descriptions, and what is wrong with the rest."""

    providers: tuple[tuple[str, Description], ...] = ()
    problems: tuple[Problem, ...] = ()


def failed(cause: str) -> Report:
    """The report of a plug-in that cannot be used at all."""
    return Report(problems=(Problem("", cause),))


def report_to(report: Report) -> JsonObject:
    """`report` as JSON."""
    return {
        "providers": [{"class": name, **asdict(description)} for name, description in report.providers],
        "problems": [{"class": one.class_name, "cause": one.cause, "line": None} for one in report.problems],
    }


def report_from(data: JsonObject) -> Report:
    """The report in decoded JSON, from a child process or a file.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is none.
    """
    if "providers" not in data:
        return Report(problems=(_problem_from(data),))
    return Report(
        providers=tuple((str(one["class"]), description_from(one)) for one in data["providers"]),
        problems=tuple(_problem_from(one) for one in data["problems"]),
    )


def _problem_from(data: JsonObject) -> Problem:
    line = f" (line {data['line']:d})" if data["line"] else ""
    return Problem(str(data["class"]), f"{data['cause']}{line}")
