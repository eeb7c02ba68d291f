"""Providers that others bring: files in the plug-in folders, and installed packages with an entry point."""

import contextlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

from ally.errors import PluginError
from ally.plugins import PluginFolder, defined_classes, failure, load
from ally.providers.base import BaseProvider
from ally.providers.discovery.description import Description
from ally.providers.discovery.entry import Found, Quarantined
from ally.providers.discovery.kind import KIND, NO_PROVIDER
from ally.quarantine.dropped import Dropped, Places, look_at_all
from ally.quarantine.manifest import Manifest
from ally.quarantine.report import Report
from ally.quarantine.sources import addresses_in, claimed_names


def find_dropped(places: Places, manifest: Manifest) -> tuple[list[Found], list[Quarantined]]:
    """What the plug-ins define, the one that wins last, and what had to be left out."""
    found: list[Found] = []
    broken: list[Quarantined] = []
    for plugin, report in look_at_all(KIND, places, manifest):
        found += [_found(plugin, cls, says) for cls, says in report.found]
        broken += _quarantined(plugin, report)
    return found, broken


def _label(plugin: Dropped) -> str:
    return f"custom provider from {plugin.bringer}"


def _found(plugin: Dropped, class_name: str, says: Description) -> Found:
    return Found(
        name=says.name,
        origin=plugin.origin,
        label=_label(plugin),
        make=partial(_make, plugin, class_name, says.name),
        describe=lambda _: says,
        path=plugin.path,
        addresses=lambda: addresses_in(plugin.source),
    )


def _quarantined(plugin: Dropped, report: Report[Description]) -> list[Quarantined]:
    claims = claimed_names(plugin.source, plugin.stem) - {says.name for _, says in report.found}
    several = len(report.found) + len(report.problems) > 1
    return [
        Quarantined(
            name=f"{plugin.stem}.{problem.class_name}" if several and problem.class_name else plugin.stem,
            origin=plugin.origin,
            label=_label(plugin),
            cause=problem.cause,
            path=plugin.path,
            claims=frozenset() if problem.cause == NO_PROVIDER else claims,
        )
        for problem in report.problems
    ]


def _make(plugin: Dropped, class_name: str, name: str) -> BaseProvider:
    path = plugin.path or Path(plugin.entry_point)
    for provider_class in _load(plugin):
        if provider_class.__qualname__ == class_name:
            try:
                with contextlib.redirect_stdout(sys.stderr):
                    return provider_class()
            except (Exception, SystemExit) as exc:  # boundary: a stranger's plug-in runs here
                raise failure(path, exc) from exc
    raise PluginError(path, f"{path.name} does not define {name!r} any more.", hint="start Ally again")


def _load(plugin: Dropped) -> Sequence[type[BaseProvider]]:
    if plugin.folder is not None and plugin.path is not None:
        return _load_file(plugin.folder, plugin.path)
    return _load_entry_point(plugin.entry_point)


def _load_file(folder: PluginFolder, file: Path) -> Sequence[type[BaseProvider]]:
    return cast(Sequence[type[BaseProvider]], defined_classes(load(folder, file), BaseProvider))


def _load_entry_point(reference: str) -> Sequence[type[BaseProvider]]:
    from ally.quarantine.findings import entry_point_classes  # late: rarely needed

    try:
        with contextlib.redirect_stdout(sys.stderr):
            return cast(Sequence[type[BaseProvider]], entry_point_classes(reference, BaseProvider))
    except (Exception, SystemExit) as exc:  # boundary: a stranger's package is imported here
        raise failure(Path(reference), exc) from exc
