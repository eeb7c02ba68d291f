"""What models there are: of the embedded engine, of the servers that run, and of the catalogue."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Literal

from ally.app import App
from ally.egress.location import Location, classify
from ally.errors import AllyError
from ally.messages import JsonObject
from ally.models import store
from ally.models.catalogue import CatalogueEntry, load_catalogue
from ally.models.engine import plan
from ally.models.facts import FactSource, ListedModel, ModelFacts, Server, parse_parameters
from ally.models.measured import Measured, Measurements
from ally.models.pins import Pins, choose
from ally.models.servers import discover, fields, ollama
from ally.models.verdicts import Verdict, Verdicts
from ally.providers.model import ToolCalling

KINDS = {"ollama": "Ollama", "lmstudio": "LM Studio", "llamacpp": "llama.cpp", "vllm": "vLLM", "openai": "server"}

_ASKED_AT_ONCE = 8
_MOST_ASKED = 200


@dataclass(frozen=True, slots=True)
class File:
    """Where a model file is or comes from, and under which terms; empty for a model of a server."""

    path: str = ""
    source: str = ""
    sha256: str = ""
    pulled_at: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One model. `server` is the address it answers at, empty for the embedded engine."""

    name: str
    provider: str
    facts: ModelFacts
    display_name: str = ""
    parameters: str = ""
    server: str = ""
    location: Location = "local"
    is_installed: bool = True
    is_loaded: bool = False
    measured: Measured | None = None
    verdict: Verdict | None = None
    file: File = field(default_factory=File)

    @property
    def is_usable(self) -> bool:
        """Whether it can answer as it is: it is there and it chats."""
        return not self.facts.embeds and (self.is_installed or bool(self.server))

    @property
    def tool_calling(self) -> ToolCalling | None:
        """How it is given tools: as a check found best, else as the server can; None where nobody knows."""
        if self.verdict is not None:
            return self.verdict.strategy
        if self.facts.embeds or (self.facts.tools is None and not self.facts.constrains):
            return None
        if self.facts.tools is not False:
            return "native"
        return "schema" if self.facts.constrains else "text"


@dataclass(frozen=True, slots=True)
class Group:
    """The models of one place. `kind` None: they would have to be fetched first."""

    kind: Literal["engine", "server"] | None
    rows: tuple[Row, ...]
    server: Server | None = None


def groups(app: App) -> list[Group]:
    """The embedded engine, every server that answers at once, and what is left of the catalogue."""
    measured, verdicts = Measurements.of_user(app.paths), Verdicts.of_user(app.paths)

    def known(row: Row) -> Row:
        if not row.is_usable:
            return row
        asked = row.provider, row.name, row.facts.digest
        return replace(row, measured=measured.find(*asked), verdict=verdicts.find(*asked))

    return [replace(group, rows=tuple(map(known, group.rows))) for group in _groups(app)]


def _groups(app: App) -> list[Group]:
    catalogue = load_catalogue()
    here = [_installed(model, catalogue.get(model.name), app) for model in store.installed(app.paths)]
    names = {row.name for row in here}
    rest = tuple(_fetchable(entry) for name, entry in catalogue.items() if name not in names)
    running = [Group("server", server_rows(app, server), server) for server in servers(app)]
    return [Group("engine", tuple(here)), *running, Group(None, rest)]


def servers(app: App) -> list[Server]:
    """The servers that answer, on this machine and where the settings say."""
    settings = app.settings
    return discover(app.env, settings.provider_options, settings.endpoints)


def holders(app: App, name: str, running: Sequence[Server]) -> list[str]:
    """The providers on this machine that have a model of exactly this name; of Ollama's also without "latest"."""
    names = (name, ollama.full_name(name))
    found = [one.provider for one in running if one.provider and any(model.name in names for model in one.models)]
    return [*found, "local"] if store.find(app.paths, name) else found


def server_rows(app: App, server: Server) -> tuple[Row, ...]:
    """The models of `server`, those of Ollama with the window that Ally would ask for."""
    listed = _with_windows(app, server) if server.kind == "ollama" else server.models
    return tuple(_listed(server, model) for model in listed)


def as_json(row: Row) -> JsonObject:
    """What scripts may rely on; null is what is not known."""
    facts, file = row.facts, row.file
    return {
        "name": row.name,
        "display_name": row.display_name or row.name,
        "parameters": parameters(row) or None,
        "quantisation": facts.quantisation or None,
        "licence": file.licence or None,
        "size_bytes": facts.size_bytes,
        "sha256": file.sha256 or None,
        "context_window": facts.context_window,
        "tools": facts.tools,
        "installed": row.is_installed,
        "path": file.path or None,
        "source": file.source or row.server or None,
        "pulled_at": file.pulled_at or None,
        "provider": row.provider,
        "server": row.server or None,
        "location": row.location,
        "window_source": facts.context_window_source if facts.context_window else None,
        "trained_window": facts.trained_window,
        "tool_calling": row.tool_calling,
        "weights": facts.parameters,
        "is_loaded": row.is_loaded,
        "embeds": facts.embeds,
        "images": facts.images,
        "thinking": facts.thinking,
        "digest": facts.digest or None,
        "checked_at": row.verdict.checked_at if row.verdict else None,
        "probes": dict(row.verdict.passed) if row.verdict else None,
        "prefill_per_s": row.measured.prefill_per_s if row.measured else None,
        "generation_per_s": row.measured.generation_per_s if row.measured else None,
        "measured_at": row.measured.measured_at if row.measured else None,
    }


def parameters(row: Row) -> str:
    """The number of weights for people, empty where it is not known."""
    if row.parameters or row.facts.parameters is None:
        return row.parameters
    millions = row.facts.parameters / 10**6
    return f"{millions / 1000:.1f}".removesuffix(".0") + "B" if millions >= 1000 else f"{millions:.0f}M"


def _installed(model: store.InstalledModel, entry: CatalogueEntry | None, app: App) -> Row:
    record = model.record
    trained = entry.context_window if entry else record.context_window if record else None
    window, source = _engine_window(model, app)
    facts = ModelFacts(
        context_window=window,
        context_window_source=source,
        trained_window=trained,
        tools=entry.tools if entry else record.tools if record else None,
        thinking=entry.thinking if entry else None,
        parameters=parse_parameters(entry.parameters if entry else model.name),
        quantisation=entry.quantisation if entry else fields.quantisation_in(model.name),
        size_bytes=model.size_bytes,
        digest=store.digest_of(model),
        embeds=model.embeds,
        constrains=not model.embeds,
    )
    sha256 = (record.sha256 if record else entry.sha256 if entry else None) or ""
    pulled_at, licence = record.pulled_at if record else "", entry.licence if entry else ""
    file = File(str(model.path), model.source, sha256, pulled_at, licence)
    shown, size = (entry.display_name, entry.parameters) if entry else ("", "")
    return Row(model.name, "local", facts, shown, parameters=size, file=file)


def _engine_window(model: store.InstalledModel, app: App) -> tuple[int | None, FactSource]:
    """The context that the engine would give the model now; memory decides again when it starts."""
    options = app.settings.provider_options.get("local", {})
    try:
        window = plan(model.path, model.name, options).n_ctx
    except AllyError:  # the file cannot be started; whoever tries is told why
        return None, "guess"
    return window, "user" if "num_ctx" in options or "context_window" in options else "guess"


def _fetchable(entry: CatalogueEntry) -> Row:
    facts = ModelFacts(
        context_window=entry.context_window,
        context_window_source="catalogue",
        trained_window=entry.context_window,
        tools=entry.tools,
        thinking=entry.thinking,
        parameters=parse_parameters(entry.parameters),
        quantisation=entry.quantisation,
        size_bytes=entry.size_bytes,
        embeds=entry.embeds,
        constrains=not entry.embeds,
    )
    file = File(source=str(entry.sources[0]), sha256=entry.sha256 or "", licence=entry.licence)
    return Row(
        entry.name, "local", facts, entry.display_name, parameters=entry.parameters, is_installed=False, file=file
    )


def _listed(server: Server, model: ListedModel) -> Row:
    location = "cloud" if model.facts.is_remote else classify(server.url)
    return Row(
        model.name,
        server.provider,
        model.facts,
        server=server.url,
        location=location,
        is_installed=location == "local",
        is_loaded=model.is_loaded,
    )


def _with_windows(app: App, server: Server) -> Sequence[ListedModel]:
    """The list of an Ollama server says little of each model; each is asked for."""
    wanted = app.settings.provider_options.get("ollama", {}).get("num_ctx")
    pins = _Looking.of_user(app.paths)

    def complete(model: ListedModel) -> ListedModel:
        described = ollama.describe(server.url, model.name)
        if described is None:
            return model
        pin = choose(server.url, model.name, described, wanted if isinstance(wanted, int) else None, pins)
        facts = described.facts
        if pin is not None and not facts.embeds:
            facts = replace(facts, context_window=pin.num_ctx, context_window_source=pin.source)
        return ListedModel(model.name, facts, model.is_loaded)

    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        return [*pool.map(complete, server.models[:_MOST_ASKED]), *server.models[_MOST_ASKED:]]


class _Looking(Pins):
    """Pins that are looked at and not changed."""

    def keep(self, root: str, model: str, num_ctx: int, *, over: bool = False) -> int:
        return num_ctx if over else self.find(root, model) or num_ctx
