"""What the ways of fetching a model file share, and the simplest of them: a file on this machine."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ally.errors import ModelFileError
from ally.models.progress import OnProgress, Progress, size_text
from ally.models.sources import FileSource

CHUNK_BYTES = 4 * 2**20
_SPARE_BYTES = 64 * 2**20


def disk_free(folder: Path) -> int:
    """Bytes that may still be written below `folder`."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Job:
    """One fetch. `sha256` and `size_bytes` are what the catalogue expects, None where nothing is expected."""

    model: str
    folder: Path
    on_progress: OnProgress
    source: str
    sha256: str | None = None
    size_bytes: int | None = None
    free_bytes: Callable[[Path], int] = disk_free

    def part(self, key: str) -> Path:
        """The file that grows while it is fetched; `key` tells apart versions that must not be mixed."""
        return self.folder / f".{self.model}.{key}.part"

    def tell(self, done_bytes: int, total_bytes: int | None) -> None:
        """Report that `done_bytes` are here."""
        self.on_progress(Progress(self.model, "fetch", done_bytes, total_bytes, self.source))

    def check_space(self, bytes_to_come: int) -> None:
        """Refuse to start what cannot end.

        Raises:
            ModelFileError: the disk has no room for so much.
        """
        free = self.free_bytes(self.folder)
        if bytes_to_come + _SPARE_BYTES > free:
            raise ModelFileError(
                f"{self.model} needs {size_text(bytes_to_come)} more, and {self.folder} has {size_text(free)} free.",
                model=self.model,
                hint="free some disk space, choose a smaller model, or move Ally's data with ALLY_HOME",
            )


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete but unchecked file, and the hash that its origin states, if it does."""

    part: Path
    sha256: str | None


def copy_file(job: Job, source: FileSource) -> Fetched:
    """Take a file of this machine: a hard link where that is possible, else a copy.

    Raises:
        ModelFileError: it cannot be read, or there is no room.
    """
    part = job.part("file")
    part.unlink(missing_ok=True)
    try:
        os.link(source.path, part)
    except OSError:  # another file system, one without links, or a file of another user
        _copy(job, source.path, part)
    size = part.stat().st_size
    job.tell(size, size)
    return Fetched(part, None)


def _copy(job: Job, source: Path, part: Path) -> None:
    total = source.stat().st_size
    job.check_space(total)
    done = 0
    with source.open("rb") as reader, part.open("wb") as writer:
        while block := reader.read(CHUNK_BYTES):
            writer.write(block)
            done += len(block)
            job.tell(done, total)


def write_error(job_model: str, exc: OSError) -> ModelFileError:
    """The error for a file that cannot be written or read."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelFileError(
            f"The disk is full; {job_model} is not complete.",
            model=job_model,
            hint="free some disk space and run the same command again: it goes on where it stopped",
        )
    return ModelFileError(
        f"{job_model} cannot be stored: {exc.strerror or exc}", model=job_model, hint="check the path and its rights"
    )
