"""What there is to make vectors with, for listings and pickers. Nothing is run or sent for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ally.egress.location import Location, classify
from ally.models.servers.ollama import host_url
from ally.rag.embeddings.choice import LOCAL, Known, Service, makes_embeddings
from ally.rag.embeddings.known import load_table
from ally.rag.embeddings.plug_ins import PlugIns

Origin = Literal["builtin", "endpoint", "custom", "user", "entry-point"]


@dataclass(frozen=True, slots=True)
class EmbedderEntry:
    """One row. `env_vars` are the variables it needs, `error` is why it cannot be used at all, `path` its file."""

    name: str
    origin: Origin
    default_model: str | None = None
    env_vars: tuple[str, ...] = ()
    location: Location = "local"
    path: str = ""
    error: str = ""


def list_embedders(known: Known, env: Mapping[str, str]) -> list[EmbedderEntry]:
    """Every embedder by name, `local` first; of those that share a name the one that is used."""
    rows: dict[str, EmbedderEntry] = {}
    for row in (*_presets(known.presets), *_builtin(env), *_brought(known.plug_ins), *_endpoints(known.endpoints)):
        rows[row.name] = row
    broken = [
        EmbedderEntry(one.name, one.origin, location="cloud", path=str(one.path), error=one.cause)
        for one in (known.plug_ins.broken if known.plug_ins else ())
    ]
    return sorted([*rows.values(), *broken], key=lambda row: (row.name != LOCAL, row.name, bool(row.error)))


def _builtin(env: Mapping[str, str]) -> Iterator[EmbedderEntry]:
    yield EmbedderEntry(LOCAL, "builtin")
    for row in load_table().services.values():
        address = host_url(env) if row.api == "ollama" else row.base_url or "http://localhost"
        needed = row.env_vars if row.base_url else ()
        yield EmbedderEntry(row.name, "builtin", row.default_model, needed, classify(address))


def _presets(presets: Sequence[Service]) -> Iterator[EmbedderEntry]:
    for one in presets:
        name = one.name.lower()
        if makes_embeddings(one):
            model = load_table().defaults.get(name)
            yield EmbedderEntry(name, "builtin", model, tuple(one.env_vars), classify(one.base_url))


def _endpoints(endpoints: Sequence[Service]) -> Iterator[EmbedderEntry]:
    for one in endpoints:
        if one.compatible == "openai":
            yield EmbedderEntry(one.name.lower(), "endpoint", None, tuple(one.env_vars), classify(one.base_url))


def _brought(plug_ins: PlugIns | None) -> Iterator[EmbedderEntry]:
    for one in plug_ins.by_name.values() if plug_ins else ():
        says = one.says
        where = classify(says.base_url or "")
        yield EmbedderEntry(one.name, one.dropped.origin, says.default_model, says.env_vars, where, str(one.path))
