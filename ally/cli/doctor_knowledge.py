"""What `ally doctor` finds out about searching the user's files."""

from collections.abc import Iterator

from ally.app import App
from ally.cli.finding import Finding
from ally.config.paths import moved_folder
from ally.errors import AllyError
from ally.rag.embeddings.local import FOLDER_VARIABLE, models_folder

_PLACES = {"local": "on this machine", "lan": "in the local network", "cloud": "in a cloud: your files are sent there"}


def knowledge_findings(app: App) -> Iterator[Finding]:
    """Whether the embedder that is set can be had, and where texts would go. Nothing is sent or loaded."""
    warnings: list[str] = []
    moved_folder(app.env, FOLDER_VARIABLE, models_folder(app.paths), warnings.append)
    yield from (Finding("embeddings", "warning", text, "give the whole path of a folder") for text in warnings)
    try:
        embedder = app.library.embedder
    except AllyError as error:
        yield Finding("embeddings", "missing", f"{error.message} Searching goes by words alone.", error.hint)
        return
    yield Finding("embeddings", "ok", f"{embedder.provider}, {embedder.model}, {_PLACES[embedder.location]}")
