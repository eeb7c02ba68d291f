"""The child process that imports one plug-in and reports what it defines, so that a broken one cannot take Ally down.

Run as a script: one JSON object on standard input, one on standard output, where nobody else can write: what the
plug-in prints, also from C code, goes to standard error. A watchdog that does not need the interpreter's lock ends the
process when the time is over. Then, and after a crash, the output is where the plug-in was. Nothing beyond this machine
can be contacted: a listing asks nobody.
"""

import faulthandler
import importlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

JsonObject = dict[str, Any]  # Any: JSON values have no better type


def main() -> None:
    """Read the job, report, and leave without waiting for what the plug-in may have started."""
    report_fd = os.dup(1)
    os.dup2(2, 1)
    job = cast(JsonObject, json.loads(sys.stdin.buffer.readline()))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path[:] = job["sys_path"]
    faulthandler.enable(report_fd)
    from ally.egress import offline  # late: sys.path is set only now

    offline.enable()
    faulthandler.dump_traceback_later(job["timeout_s"], exit=True, file=report_fd)
    try:
        found = _inspect(job)
    except BaseException as exc:  # noqa: BLE001  # boundary: a stranger's plug-in runs here
        found = _problem("", job["file"], exc)
    faulthandler.cancel_dump_traceback_later()
    with os.fdopen(report_fd, "w", encoding="ascii") as report:
        json.dump(found, report)
    os._exit(0)


def _inspect(job: JsonObject) -> JsonObject:
    from ally import plugins  # late: as in main
    from ally.providers.base import BaseProvider
    from ally.providers.discovery import facade

    checkout = Path(job["checkout"]) if job["checkout"] else None
    folders = facade.install(checkout, Path(job["user_dir"]))
    if job["entry_point"]:
        classes = entry_point_classes(job["entry_point"])
    else:
        folder = next(folder for folder in folders if folder.package == job["package"])
        classes = plugins.defined_classes(plugins.load(folder, Path(job["file"])), BaseProvider)
    return _report(cast("Sequence[type[BaseProvider]]", classes), job["file"])


def entry_point_classes(reference: str) -> list[type]:
    """The provider classes that `package.module:Class` or `package.module` names."""
    from ally import plugins  # late: as in main
    from ally.providers.base import BaseProvider

    module_name, _, attributes = reference.partition(":")
    module = importlib.import_module(module_name.strip())
    if not attributes:
        return plugins.defined_classes(module, BaseProvider)
    found: object = module
    for attribute in attributes.partition("[")[0].strip().split("."):
        found = getattr(found, attribute)
    if not (isinstance(found, type) and issubclass(found, BaseProvider)):
        raise TypeError(f"{reference} is not a class derived from BaseProvider")
    return [found]


def _report(classes: "Sequence[type]", file: str) -> JsonObject:
    from ally.providers.discovery.description import describe  # late: as in main

    providers: list[JsonObject] = []
    problems: list[JsonObject] = []
    for cls in classes:
        if _missing_methods(cls):
            continue
        try:
            providers.append({"class": cls.__qualname__, **asdict(describe(cls()))})
        except Exception as exc:  # noqa: BLE001  # boundary: a stranger's plug-in runs here
            if not any(other is not cls and issubclass(other, cls) for other in classes):  # else it is a common base
                problems.append(_problem(cls.__qualname__, file, exc))
    if not providers and not problems:
        problems.append({"class": "", "cause": _why_none(classes), "line": None})
    return {"providers": providers, "problems": problems}


def _missing_methods(cls: type) -> list[str]:
    return sorted(getattr(cls, "__abstractmethods__", ()))


def _why_none(classes: "Sequence[type]") -> str:
    from ally.providers.discovery.report import NO_PROVIDER  # late: as in main

    if not classes:
        return NO_PROVIDER
    return "; ".join(f"{cls.__name__} does not implement {', '.join(_missing_methods(cls))}" for cls in classes)


def _problem(cls: str, file: str, exc: BaseException) -> JsonObject:
    from ally.egress.offline import find_blocked  # late: as in main
    from ally.errors import PluginError
    from ally.plugins import cause_of, line_of
    from ally.providers.discovery.description import BadDescription

    origin = exc.__cause__ if isinstance(exc, PluginError) and exc.__cause__ else exc
    if blocked := find_blocked(origin):
        cause = f"it contacts {blocked.destination} while it is imported; do that in create_llm"
    else:
        cause = str(exc) if isinstance(exc, BadDescription | PluginError) else cause_of(exc)
    return {"class": cls, "cause": cause, "line": line_of(Path(file), origin)}


if __name__ == "__main__":
    main()
