"""Providers that others bring: files in the plug-in folders, and installed packages with an entry point."""

import contextlib
import importlib.util
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from ally.errors import PluginError
from ally.plugins import PluginFolder, defined_classes, failure, load
from ally.providers.base import BaseProvider
from ally.providers.discovery.description import Description
from ally.providers.discovery.entry import Found, Origin, Quarantined
from ally.providers.discovery.installed import EntryPoint, installed_stamp, provider_entry_points
from ally.providers.discovery.manifest import Manifest
from ally.providers.discovery.report import NO_PROVIDER, Report, failed
from ally.providers.discovery.sources import Unreadable, addresses_in, claimed_names, digest_of, helpers_of, read_source

MAX_PACKAGE_FILES = 500


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look; `checkout` and `user_dir` are what a child process needs to find the same files."""

    checkout: Path | None
    user_dir: Path
    folders: Sequence[tuple[PluginFolder, Origin]]


@dataclass(frozen=True, slots=True)
class _Plugin:
    """One plug-in before it is known what it defines. `key` is its name in the manifest."""

    key: str
    origin: Origin
    label: str
    stem: str
    load: Callable[[], Sequence[type[BaseProvider]]]
    path: Path | None = None
    package: str = ""
    entry_point: str = ""
    source: bytes = b""
    digest: str = ""
    unreadable: str = ""


def find_dropped(places: Places, manifest: Manifest) -> tuple[list[Found], list[Quarantined]]:
    """What the plug-ins define, the one that wins last, and what had to be left out.

    Only plug-ins that changed since the last time are imported, in child processes.
    """
    stamp = installed_stamp()
    plugins = _entry_points(manifest, stamp)
    for folder, origin in places.folders:
        plugins += _files(folder, origin, stamp)
    reports = _reports(plugins, places, manifest)
    manifest.save()
    found: list[Found] = []
    broken: list[Quarantined] = []
    for plugin, report in zip(plugins, reports, strict=True):
        found += [_found(plugin, cls, says) for cls, says in report.providers]
        broken += _quarantined(plugin, report)
    return found, broken


def _files(folder: PluginFolder, origin: Origin, stamp: str) -> list[_Plugin]:
    helpers = helpers_of(folder)
    sources: dict[Path, bytes] = {}
    unreadable: dict[Path, str] = {}
    for file in folder.files():
        try:
            sources[file] = read_source(file)
        except Unreadable as exc:
            unreadable[file] = str(exc)
    plugins: list[_Plugin] = []
    for file in folder.files():
        source = sources.get(file, b"")
        siblings = {other.name: sources[other] for other in sources if other != file and _mentions(source, other)}
        plugins.append(
            _Plugin(
                key=str(file),
                origin=origin,
                label=f"custom provider from {file.name}",
                stem=file.stem,
                load=partial(_load_file, folder, file),
                path=file,
                package=folder.package,
                source=source,
                digest=digest_of(source, helpers | siblings, stamp),
                unreadable=unreadable.get(file, ""),
            )
        )
    return plugins


def _mentions(source: bytes, file: Path) -> bool:
    return re.search(rb"\b" + re.escape(file.stem.encode("utf-8", "surrogateescape")) + rb"\b", source) is not None


def _entry_points(manifest: Manifest, stamp: str) -> list[_Plugin]:
    points = manifest.entry_points(stamp)
    if points is None:
        points = provider_entry_points()
        manifest.put_entry_points(stamp, points)
    return [
        _Plugin(
            key=f"{point.package} {point.value}",
            origin="entry-point",
            label=f"custom provider from package {point.package or point.value}",
            stem=point.name,
            load=partial(_load_entry_point, point),
            entry_point=point.value,
            digest=digest_of(point.value.encode(), _package_files(point), stamp),
        )
        for point in points
    ]


def _package_files(point: EntryPoint) -> dict[str, bytes]:
    """Size and time of the package's files, so that a change in an editable install is seen."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        spec = importlib.util.find_spec(point.value.partition(":")[0].partition(".")[0].strip())
        if spec is not None and spec.origin:
            own = Path(spec.origin)
            files = sorted(own.parent.rglob("*.py"))[:MAX_PACKAGE_FILES] if own.name == "__init__.py" else [own]
            return {str(file): f"{file.stat().st_mtime_ns} {file.stat().st_size}".encode() for file in files}
    return {}


def _reports(plugins: Sequence[_Plugin], places: Places, manifest: Manifest) -> list[Report]:
    reports = [failed(one.unreadable) if one.unreadable else manifest.find(one.key, one.digest) for one in plugins]
    unknown = [position for position, report in enumerate(reports) if report is None]
    if unknown:
        from ally.providers.discovery.inspection import Job, Surroundings, inspect_all, timeout_s  # heavy

        jobs = [Job(p.path or Path(p.entry_point), p.package, p.entry_point) for p in map(plugins.__getitem__, unknown)]
        surroundings = Surroundings(places.checkout, places.user_dir, timeout_s())
        for position, report in zip(unknown, inspect_all(jobs, surroundings), strict=True):
            reports[position] = report
            manifest.put(plugins[position].key, plugins[position].digest, report)
    return [report or Report() for report in reports]


def _found(plugin: _Plugin, class_name: str, says: Description) -> Found:
    return Found(
        name=says.name,
        origin=plugin.origin,
        label=plugin.label,
        make=partial(_make, plugin, class_name, says.name),
        describe=lambda _: says,
        path=plugin.path,
        addresses=lambda: addresses_in(plugin.source),
    )


def _quarantined(plugin: _Plugin, report: Report) -> list[Quarantined]:
    claims = claimed_names(plugin.source, plugin.stem) - {says.name for _, says in report.providers}
    several = len(report.providers) + len(report.problems) > 1
    return [
        Quarantined(
            name=f"{plugin.stem}.{problem.class_name}" if several and problem.class_name else plugin.stem,
            origin=plugin.origin,
            label=plugin.label,
            cause=problem.cause,
            path=plugin.path,
            claims=frozenset() if problem.cause == NO_PROVIDER else claims,
        )
        for problem in report.problems
    ]


def _make(plugin: _Plugin, class_name: str, name: str) -> BaseProvider:
    path = plugin.path or Path(plugin.entry_point)
    for provider_class in plugin.load():
        if provider_class.__qualname__ == class_name:
            try:
                with contextlib.redirect_stdout(sys.stderr):
                    return provider_class()
            except (Exception, SystemExit) as exc:  # boundary: a stranger's plug-in runs here
                raise failure(path, exc) from exc
    raise PluginError(path, f"{path.name} does not define {name!r} any more.", hint="start Ally again")


def _load_file(folder: PluginFolder, file: Path) -> Sequence[type[BaseProvider]]:
    return cast(Sequence[type[BaseProvider]], defined_classes(load(folder, file), BaseProvider))


def _load_entry_point(point: EntryPoint) -> Sequence[type[BaseProvider]]:
    from ally.providers.discovery.probe import entry_point_classes  # late: rarely needed

    path = Path(point.value)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return cast(Sequence[type[BaseProvider]], entry_point_classes(point.value))
    except (Exception, SystemExit) as exc:  # boundary: a stranger's package is imported here
        raise failure(path, exc) from exc
