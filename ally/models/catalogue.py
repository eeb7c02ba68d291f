"""The models that Ally knows by name, with their facts and where their files come from."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ally.errors import ModelFileError

STARTER = "smollm2-135m"
"""The model that answers when the user has fetched none."""


@dataclass(frozen=True, slots=True)
class HubSource:
    """One file of a Hugging Face repository. `revision` is a commit where one is known, else `main`."""

    repo: str
    file: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"hf:{self.repo}/{self.file}"


@dataclass(frozen=True, slots=True)
class PackageSource:
    """A file that a Python package carries as data; the package's code is never imported."""

    package: str
    version: str
    module: str
    member: str
    wheel_sha256: str
    wheel_size_bytes: int

    def __str__(self) -> str:
        return f"package:{self.package}=={self.version}"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model of the catalogue.

    `sha256` and `size_bytes` are None where they are not known; then the hub's own values count. `tools` says that
    the model's chat template takes tools, `embeds` that it makes vectors and answers nothing. `max_output_tokens` ends
    an answer that a very small model would not end itself. `evidence` is "hashed" for a file that was read for this
    list, "reported" for published figures.
    """

    name: str
    display_name: str
    family: str
    parameters: str
    quantisation: str
    licence: str
    size_bytes: int | None
    sha256: str | None
    context_window: int
    tools: bool
    thinking: bool
    max_output_tokens: int | None
    evidence: Literal["hashed", "reported"]
    sources: tuple[HubSource | PackageSource, ...]
    embeds: bool = False


@functools.cache
def load_catalogue() -> Mapping[str, CatalogueEntry]:
    """The shipped catalogue by name, smallest model of each family first."""
    return read_catalogue(Path(__file__).with_name("catalogue.json"))


def read_catalogue(file: Path) -> Mapping[str, CatalogueEntry]:
    """A catalogue file by name.

    Raises:
        ModelFileError: it is not a catalogue.
    """
    try:
        entries = [_entry(item) for item in json.loads(file.read_text("utf-8"))["models"]]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelFileError(f"{file} is not a catalogue of models: {type(exc).__name__}: {exc}") from exc
    return {entry.name: entry for entry in entries}


def _entry(item: dict[str, Any]) -> CatalogueEntry:  # Any: parsed JSON
    fields = dict(item)
    fields["sources"] = tuple(_source(source) for source in item["sources"])
    return CatalogueEntry(**fields)


def _source(item: dict[str, Any]) -> HubSource | PackageSource:  # Any: parsed JSON
    fields = {name: value for name, value in item.items() if name != "kind"}
    return PackageSource(**fields) if item["kind"] == "package" else HubSource(**fields)
