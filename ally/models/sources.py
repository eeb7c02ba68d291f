"""Where a model file can come from, as written after `--from`."""

import re
from dataclasses import dataclass
from pathlib import Path

from ally.errors import UsageError
from ally.models.catalogue import HubSource, PackageSource

_HUB = re.compile(r"(?:hf|huggingface):(?://)?(.+)", re.IGNORECASE)
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SPLIT = re.compile(r"-\d{5}-of-(?!00001)\d{5}\.gguf$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileSource:
    """A .gguf file on this machine."""

    path: Path

    def __str__(self) -> str:
        return f"file:{self.path}"


Source = FileSource | HubSource | PackageSource


def parse_source(text: str) -> FileSource | HubSource:
    """The source that `text` names: a path, or `hf:OWNER/REPO/[FOLDER/]FILE.gguf[@REVISION]`.

    Raises:
        UsageError: it is neither.
    """
    hub = _HUB.fullmatch(text.strip())
    if hub is None:
        return _file(text)
    where, _, revision = hub[1].partition("@")
    owner, _, rest = where.partition("/")
    repo, _, file = rest.partition("/")
    parts = [owner, repo, *file.split("/")]
    if not all(_PART.fullmatch(part) for part in parts) or not file.lower().endswith(".gguf"):
        raise _unusable(text)
    if _SPLIT.search(file):
        raise UsageError(
            f"{file} is one part of a model in several files, which Ally cannot fetch.",
            hint="choose a file that holds the whole model",
        )
    return HubSource(f"{owner}/{repo}", file, revision or "main")


def _file(text: str) -> FileSource:
    if re.match(r"[a-z][a-z0-9+.-]+:", text, re.IGNORECASE):
        raise _unusable(text)
    path = Path(text).expanduser()
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise UsageError(f"{text} {problem}.", hint="give a .gguf file, or hf:OWNER/REPO/FILE.gguf")
    return FileSource(path.resolve())


def _unusable(text: str) -> UsageError:
    return UsageError(
        f"{text!r} is not a source of a model.", hint="give a .gguf file, or hf:OWNER/REPO/FILE.gguf (then @REVISION)"
    )
