"""The models on this machine: files that Ally fetched, files put there by hand, and the packaged starter."""

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from ally.config.paths import Paths
from ally.errors import ModelFileError, UnknownModel
from ally.models.catalogue import CatalogueEntry, PackageSource, load_catalogue
from ally.models.gguf import check_magic, read_header
from ally.storage.atomic import write_atomic

SUFFIX = ".gguf"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RESERVED = frozenset({"con", "prn", "aux", "nul"})


@dataclass(frozen=True, slots=True)
class Record:
    """What is written beside a model file when it is fetched. `embeds`: it makes vectors and answers nothing."""

    source: str
    sha256: str
    size_bytes: int
    pulled_at: str
    tools: bool
    context_window: int
    embeds: bool = False


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model that can be started. `record` is None for a file that was put there by hand or came in a package.

    `package` names the Python package that carries the file, empty for a file of the store.
    """

    name: str
    path: Path
    size_bytes: int
    source: str
    changed_at: float
    record: Record | None = None
    package: str = ""

    @property
    def embeds(self) -> bool:
        """Whether it makes vectors, and answers nothing."""
        if self.record or self.package:
            return bool(self.record and self.record.embeds)
        try:
            return read_header(self.path, self.name).embeds
        except ModelFileError:  # whoever starts it is told
            return False


def models_dir(paths: Paths) -> Path:
    """The folder of fetched models; it need not exist."""
    return paths.data / "models"


def check_name(name: str) -> str:
    """`name`, if a model may be called so: it becomes a file name on every system.

    Raises:
        ModelFileError: it may not.
    """
    plain = name.removesuffix(SUFFIX)
    if not _NAME.fullmatch(plain) or plain.lower() in _RESERVED or plain.endswith("."):
        raise ModelFileError(
            f"{name!r} cannot be the name of a model.",
            model=name,
            hint="use letters, digits, dots, dashes and underscores, at most 100; a file is named by --from",
        )
    return plain


def installed(paths: Paths) -> list[InstalledModel]:
    """All models on this machine, the one fetched last first; packaged models come last."""
    own = sorted(_own(models_dir(paths)), key=lambda model: (-model.changed_at, model.name))
    names = {model.name for model in own}
    return own + [model for model in _packaged() if model.name not in names]


def answering(paths: Paths) -> list[InstalledModel]:
    """Those of `installed` that can answer."""
    return [model for model in installed(paths) if not model.embeds]


def find(paths: Paths, name: str) -> InstalledModel | None:
    """The installed model of that name; an absolute path of a .gguf file is a name too."""
    path = Path(name).expanduser()
    if path.is_absolute() and path.suffix.lower() == SUFFIX:
        return InstalledModel(name, path, path.stat().st_size, "file", path.stat().st_mtime) if path.is_file() else None
    plain = name.removesuffix(SUFFIX)
    return next((model for model in installed(paths) if model.name == plain), None)


def resolve(paths: Paths, name: str) -> InstalledModel:
    """The installed model of that name, checked to be a model file.

    Raises:
        UnknownModel: it is not on this machine; the hint says how to get it.
        ModelFileError: it is no model file.
    """
    model = find(paths, name)
    if model is None:
        raise missing(paths, name)
    check_magic(model.path, name)
    return model


def missing(paths: Paths, name: str) -> UnknownModel:
    """The error for a model that is not on this machine."""
    if Path(name).expanduser().is_absolute():
        return UnknownModel(f"There is no model file {name}.", provider="local", model=name, hint="check the path")
    if name in load_catalogue():
        return UnknownModel(
            f"The model {name} is not on this machine.",
            provider="local",
            model=name,
            hint=f"fetch it: ally models pull {name}",
        )
    known = [*(model.name for model in installed(paths)), *load_catalogue()]
    near = get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return UnknownModel(
        f"There is no model {name} on this machine or in the catalogue.",
        provider="local",
        model=name,
        hint=f"{hint}`ally models list` shows all; `ally models pull NAME --from SOURCE` adds one, "
        f"`ally models pull ollama:{name}` lets Ollama fetch it",
    )


def digest_of(model: InstalledModel) -> str:
    """A name for the very content of a model file: its SHA-256 where that was taken, else its size and its date."""
    entry = load_catalogue().get(model.name) if model.package else None
    known = model.record.sha256 if model.record else entry.sha256 if entry else None
    return known or f"{model.size_bytes}-{round(model.changed_at * 1000)}"


def remove(paths: Paths, name: str) -> InstalledModel:
    """Delete a model of the store with its record, and what an interrupted pull of it left.

    Raises:
        UnknownModel: there is no such model.
        ModelFileError: it belongs to a package or lies outside the store, or it cannot go.
    """
    plain = check_name(name) if not Path(name).is_absolute() else name
    model = find(paths, plain)
    leftovers = [] if Path(plain).is_absolute() else partial_files(paths, plain)
    if model is None and not leftovers:
        raise missing(paths, name)
    if model is not None and model.package:
        raise ModelFileError(
            f"{model.name} is part of the Python package {model.package}; Ally deletes nothing there.",
            model=model.name,
            hint=f"uninstall the package: {sys.executable} -m pip uninstall {model.package}",
        )
    if model is not None and model.path.parent != models_dir(paths):
        raise ModelFileError(
            f"{model.path} is not in Ally's own folder; Ally does not delete it.",
            model=name,
            hint="delete the file yourself",
        )
    try:
        for file in leftovers:
            file.unlink(missing_ok=True)
        if model is not None:
            model.path.unlink()
            _record_file(model.path).unlink(missing_ok=True)
    except OSError as exc:
        raise ModelFileError(f"{name} cannot be removed: {exc.strerror or exc}", model=name) from exc
    return model or InstalledModel(plain, leftovers[0], 0, "interrupted pull", 0.0)


def partial_files(paths: Paths, name: str) -> list[Path]:
    """What interrupted pulls of a model left; the next pull goes on with it."""
    return sorted(models_dir(paths).glob(f".{name}.*.part"))


def write_record(model: Path, record: Record) -> None:
    """Write the record beside the model file.

    Raises:
        StorageError: it cannot be written.
    """
    write_atomic(_record_file(model), (json.dumps(asdict(record), indent=1) + "\n").encode())


def now() -> str:
    """The time as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def packaged_file(entry: CatalogueEntry) -> Path | None:
    """The file of a catalogue model inside an installed Python package, found without importing that package."""
    for source in entry.sources:
        if isinstance(source, PackageSource):
            # For a top-level name this only looks; nothing of the package runs.
            spec = importlib.util.find_spec(source.module)
            for folder in (spec.submodule_search_locations or []) if spec else []:
                file = Path(folder) / Path(source.member).name
                if file.is_file() and file.stat().st_size == entry.size_bytes:
                    return file
    return None


def _packaged() -> Iterator[InstalledModel]:
    for entry in load_catalogue().values():
        file = packaged_file(entry)
        if file is not None:
            package = next(source.package for source in entry.sources if isinstance(source, PackageSource))
            stat = file.stat()
            yield InstalledModel(entry.name, file, stat.st_size, f"package:{package}", stat.st_mtime, package=package)


def _own(folder: Path) -> Iterator[InstalledModel]:
    try:
        files = [file for file in folder.iterdir() if file.suffix == SUFFIX and not file.name.startswith(".")]
    except OSError:
        return
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            continue
        record = _read_record(file)
        source = record.source if record else "added by hand"
        changed = _timestamp(record.pulled_at) if record else None
        yield InstalledModel(file.stem, file, stat.st_size, source, changed or stat.st_mtime, record)


def _record_file(model: Path) -> Path:
    return model.with_suffix(".json")


def _read_record(model: Path) -> Record | None:
    """The record, or None when there is none that can be read or it is of another file."""
    try:
        record = Record(**json.loads(_record_file(model).read_text("utf-8")))
        return record if record.size_bytes == model.stat().st_size else None
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _timestamp(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, TypeError):
        return None
