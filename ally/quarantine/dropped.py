"""Plug-ins that others bring: files in plug-in folders, and installed packages with an entry point."""

import contextlib
import importlib.util
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from ally.messages import JsonObject
from ally.plugins import PluginFolder
from ally.quarantine.installed import EntryPoint, entry_points_of, installed_stamp
from ally.quarantine.manifest import Manifest
from ally.quarantine.report import Report, failed, report_from
from ally.quarantine.sources import Unreadable, digest_of, helpers_of, read_source

D = TypeVar("D")
PlugInOrigin = Literal["custom", "user", "entry-point"]

MAX_PACKAGE_FILES = 500


@dataclass(frozen=True, slots=True)
class Kind(Generic[D]):
    """One kind of plug-in: the module that looks at it (see probe.py), the group of its entry points, and what reads a
    description of it from JSON."""

    module: str
    group: str
    read: Callable[[JsonObject], D]


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look; `checkout` and `user_dir` are what a child process needs to find the same files."""

    checkout: Path | None
    user_dir: Path
    folders: Sequence[tuple[PluginFolder, PlugInOrigin]]


@dataclass(frozen=True, slots=True)
class Dropped:
    """One plug-in before it is known what it defines. `key` is its name in the manifest; an entry point has no file."""

    key: str
    origin: PlugInOrigin
    stem: str
    bringer: str
    folder: PluginFolder | None = None
    path: Path | None = None
    entry_point: str = ""
    source: bytes = b""
    digest: str = ""
    unreadable: str = ""


def look_at_all(kind: Kind[D], places: Places, manifest: Manifest) -> list[tuple[Dropped, Report[D]]]:
    """Every plug-in with what it defines, the one that wins last.

    Only plug-ins that changed since the last time are imported, in child processes.
    """
    stamp = installed_stamp()
    plugins = _entry_points(kind.group, manifest, stamp)
    for folder, origin in places.folders:
        plugins += _files(folder, origin, stamp)
    reports = _reports(plugins, kind, places, manifest)
    manifest.save()
    return list(zip(plugins, reports, strict=True))


def _files(folder: PluginFolder, origin: PlugInOrigin, stamp: str) -> list[Dropped]:
    helpers = helpers_of(folder)
    sources: dict[Path, bytes] = {}
    unreadable: dict[Path, str] = {}
    for file in folder.files():
        try:
            sources[file] = read_source(file)
        except Unreadable as exc:
            unreadable[file] = str(exc)
    plugins: list[Dropped] = []
    for file in folder.files():
        source = sources.get(file, b"")
        siblings = {other.name: sources[other] for other in sources if other != file and _mentions(source, other)}
        plugins.append(
            Dropped(
                key=str(file),
                origin=origin,
                stem=file.stem,
                bringer=file.name,
                folder=folder,
                path=file,
                source=source,
                digest=digest_of(source, helpers | siblings, stamp),
                unreadable=unreadable.get(file, ""),
            )
        )
    return plugins


def _mentions(source: bytes, file: Path) -> bool:
    return re.search(rb"\b" + re.escape(file.stem.encode("utf-8", "surrogateescape")) + rb"\b", source) is not None


def _entry_points(group: str, manifest: Manifest, stamp: str) -> list[Dropped]:
    points = manifest.entry_points(stamp)
    if points is None:
        points = entry_points_of(group)
        manifest.put_entry_points(stamp, points)
    return [
        Dropped(
            key=f"{point.package} {point.value}",
            origin="entry-point",
            stem=point.name,
            bringer=f"package {point.package or point.value}",
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


def _reports(plugins: Sequence[Dropped], kind: Kind[D], places: Places, manifest: Manifest) -> list[Report[D]]:
    known = [failed(one.unreadable) if one.unreadable else manifest.find(one.key, one.digest) for one in plugins]
    reports = [None if one is None else _readable(one, kind) for one in known]
    unknown = [position for position, report in enumerate(reports) if report is None]
    if unknown:
        from ally.quarantine.inspection import Job, Surroundings, inspect_all, timeout_s  # heavy

        jobs = [
            Job(p.path or Path(p.entry_point), p.folder.package if p.folder else "", p.entry_point)
            for p in map(plugins.__getitem__, unknown)
        ]
        surroundings = Surroundings(kind.module, places.checkout, places.user_dir, timeout_s())
        for position, data in zip(unknown, inspect_all(jobs, surroundings), strict=True):
            report = _readable(data, kind)
            kept = data if report else failed("its description cannot be read")
            reports[position] = report or report_from(kept, kind.read)
            manifest.put(plugins[position].key, plugins[position].digest, kept)
    return [report or Report() for report in reports]


def _readable(data: JsonObject, kind: Kind[D]) -> Report[D] | None:
    try:
        return report_from(data, kind.read)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
