"""Python packages that are installed: whether anything about them changed, and which bring plug-ins."""

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

_METADATA = (".dist-info", ".egg-info")


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One entry of a group: `value` is `package.module:Class`, `package` the distribution it came with."""

    name: str
    value: str
    package: str


def installed_stamp() -> str:
    """A text that changes whenever a package is installed, updated or removed. Costs about a millisecond."""
    digest = hashlib.sha256()
    for line in sorted(_metadata_folders()):
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()


def entry_points_of(group: str) -> list[EntryPoint]:
    """The entry points of all installed packages in `group`, by name."""
    from importlib.metadata import entry_points  # heavy

    found = [EntryPoint(one.name, one.value, one.dist.name if one.dist else "") for one in entry_points(group=group)]
    return sorted(found, key=lambda one: (one.name, one.value))


def _metadata_folders() -> Iterator[str]:
    for folder in dict.fromkeys(sys.path):
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith(_METADATA):
                        yield f"{entry.path} {entry.stat().st_mtime_ns}"
        except OSError:  # not a folder, or gone
            continue
