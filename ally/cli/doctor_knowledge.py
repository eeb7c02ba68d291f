"""What `ally doctor` finds out about searching the user's files."""

import contextlib
from collections.abc import Iterator

from ally.app import App
from ally.cli.finding import Finding
from ally.config.paths import moved_folder
from ally.errors import AllyError
from ally.rag.embeddings.local import FOLDER_VARIABLE, models_folder

_PLACES = {"local": "on this machine", "lan": "in the local network", "cloud": "in a cloud: your files are sent there"}


def knowledge_findings(app: App) -> Iterator[Finding]:
    """Whether store and embedder that are set can be had, and where texts would go. No text is sent or model loaded."""
    yield from _store(app)
    warnings: list[str] = []
    moved_folder(app.env, FOLDER_VARIABLE, models_folder(app.paths), warnings.append)
    yield from (Finding("embeddings", "warning", text, "give the whole path of a folder") for text in warnings)
    try:
        embedder = app.library.embedder
        yield Finding("embeddings", "ok", f"{embedder.provider}, {embedder.model}, {_PLACES[embedder.location]}")
    except AllyError as error:
        yield Finding("embeddings", "missing", f"{error.message} Searching goes by words alone.", error.hint)
    yield from _others(app)


def _others(app: App) -> Iterator[Finding]:
    """What `embedding_provider` may name here."""
    from ally.rag.embeddings.listing import list_embedders  # heavy

    here: list[str] = []
    elsewhere: list[str] = []
    keyless: list[str] = []
    for entry in list_embedders(app.knowledge.embedders, app.env):
        if entry.error:
            yield Finding("embedders", "broken", f"{entry.name}: {entry.error}", f"mend {entry.path}")
        elif app.keys.missing(entry.name, entry.env_vars):
            keyless.append(entry.name)
        else:
            (here if entry.location == "local" else elsewhere).append(entry.name)
    kinds = {"on this machine": here, "elsewhere": elsewhere, "without a key": keyless}
    told = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)
    yield Finding("embedders", "ok", told)


def _store(app: App) -> Iterator[Finding]:
    """Whether the database server answers, if one is set; it is asked."""
    try:
        server = app.knowledge.server()
        if server is None:
            return
        with contextlib.closing(server):
            server.check()
            where = _PLACES[server.address.location]
            yield Finding("collections", "ok", f"PostgreSQL, {server.address}, {where}, {server.encryption}")
    except AllyError as error:
        yield Finding("collections", "broken", error.message, error.hint)
