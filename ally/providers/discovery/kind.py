"""What the child process that looks at a plug-in does with one that brings providers."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

from ally.messages import JsonObject
from ally.plugins import defined_classes, load
from ally.providers.base import BaseProvider
from ally.providers.discovery import facade
from ally.providers.discovery.description import describe, description_from
from ally.quarantine.dropped import Kind
from ally.quarantine.findings import entry_point_classes, report_on

CONNECTS_IN = "create_llm"
NO_PROVIDER = "no class in it derives from BaseProvider; if it only helps other files, let its name start with _"


def look(job: JsonObject) -> JsonObject:
    """The report on the providers of one plug-in."""
    folders = facade.install(Path(job["checkout"]) if job["checkout"] else None, Path(job["user_dir"]))
    if job["entry_point"]:
        classes = entry_point_classes(job["entry_point"], BaseProvider)
    else:
        folder = next(folder for folder in folders if folder.package == job["package"])
        classes = defined_classes(load(folder, Path(job["file"])), BaseProvider)
    return report_on(cast("Sequence[type]", classes), _described, job["file"], NO_PROVIDER, CONNECTS_IN)


def _described(cls: type) -> JsonObject:
    return asdict(describe(cast("type[BaseProvider]", cls)()))


KIND = Kind(__name__, "ally.providers", description_from)
"""Plug-ins that bring providers."""
