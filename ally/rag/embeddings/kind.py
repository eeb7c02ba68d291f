"""What the child process that looks at a plug-in does with one that brings embedders."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from ally.messages import JsonObject
from ally.plugins import PluginFolder, defined_classes, load
from ally.quarantine import facade
from ally.quarantine.dropped import Kind
from ally.quarantine.facade import Names
from ally.quarantine.findings import BadDescription, entry_point_classes, report_on
from ally.rag.embeddings.base_embedder import BaseEmbedder

CONNECTS_IN = "embed"
NO_EMBEDDER = "no class in it derives from BaseEmbedder; if it only helps other files, let its name start with _"
ROOT = "app.src.embeddings"
NAMES = Names(
    ROOT,
    "ally_user_embeddings",
    {
        "app": {},
        "app.src": {},
        ROOT: {"BaseEmbedder": "ally.rag.embeddings.base_embedder"},
        f"{ROOT}.base_embedder": {"BaseEmbedder": "ally.rag.embeddings.base_embedder"},
    },
)
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Description:
    """What an embedder says of itself."""

    name: str
    default_model: str | None = None
    env_vars: tuple[str, ...] = ()
    base_url: str | None = None


def look(job: JsonObject) -> JsonObject:
    """The report on the embedders of one plug-in."""
    folders = install(Path(job["checkout"]) if job["checkout"] else None, Path(job["user_dir"]))
    if job["entry_point"]:
        classes = entry_point_classes(job["entry_point"], BaseEmbedder)
    else:
        folder = next(folder for folder in folders if folder.package == job["package"])
        classes = defined_classes(load(folder, Path(job["file"])), BaseEmbedder)
    return report_on(classes, _described, job["file"], NO_EMBEDDER, CONNECTS_IN)


def install(checkout: Path | None, user_dir: Path) -> list[PluginFolder]:
    """Make the names of `app.src.embeddings` importable; the folders of plug-ins, the one that wins last.

    Raises:
        PluginError: an `__init__.py` of the checkout or of `user_dir` cannot be imported.
    """
    return facade.install(NAMES, checkout, user_dir)


def read(data: Mapping[str, object]) -> Description:
    """The description in decoded JSON.

    Raises:
        TypeError, KeyError, BadDescription: it is not one.
    """
    return Description(
        name=_checked_name(data["name"]),
        default_model=_text_or_none(data["default_model"]),
        env_vars=_texts(data["env_vars"]),
        base_url=_text_or_none(data["base_url"]),
    )


def _described(cls: type) -> JsonObject:
    embedder = cast("type[BaseEmbedder]", cls)()
    can_embed = cls.embed is not BaseEmbedder.embed or cls.create_embedder is not BaseEmbedder.create_embedder  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - of a subclass
    if not can_embed:
        raise BadDescription("it implements neither embed nor create_embedder")
    said = {
        "name": embedder.name,
        "default_model": embedder.default_model,
        "env_vars": embedder.required_env_vars,
        "base_url": embedder.base_url,
    }
    return asdict(read(said))


def _checked_name(name: object) -> str:
    text = _text_or_none(name) or ""
    if not text or not text.isprintable() or any(char.isspace() for char in text):
        raise BadDescription("its name is empty, or holds blanks or control characters")
    return text.lower()


def _text_or_none(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise BadDescription(f"it says {type(value).__name__} where short text is wanted")
    return str(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise BadDescription("its required_env_vars is not a list")
    return tuple(_text_or_none(one) or "" for one in cast("Sequence[object]", value))


KIND = Kind(__name__, "ally.embeddings", read)
"""Plug-ins that bring embedders."""
