"""The search over the embedded store: what only its index of words can show."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from ally.rag.chunking import chunk
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.document import Extracted
from ally.rag.search.query import Query
from ally.rag.search.search import search
from ally.rag.stores.base import Collection, FileState
from ally.rag.stores.embedded import EmbeddedShelf
from tests.embedders import WordEmbedder

TEXTS = {
    "/paths.md": "Use os.path.join to put paths together; a plain + forgets the separator.",
    "/join.md": "The threads join when they are done, and the path of the operating system is free.",
    "/snake.md": "The function read_all_files reads every file of a folder, however large it may be.",
    "/camel.md": "A thread pool has an executor that hands out work to those who wait for it.",
    "/router.zh.md": "要重置路由器,请按住红色按钮十秒钟。",
    "/tea.zh.md": "茶是用热水泡的,大约需要五分钟。",
    "/naïve.md": "Un café crème coûte trois euros à la terrasse du musée.",
    "/error.md": "Error XK-4711 means that paper is stuck between the rollers.",
    **{
        f"/filler{n}.md": f"Chapter {n} tells of the sea, its ships and their captains in the year {1700 + n}."
        for n in range(40)
    },
}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    with closing(EmbeddedShelf(tmp_path_factory.mktemp("kb"))) as shelf, closing(shelf.create("docs")) as made:
        embedder = WordEmbedder(dim=128)
        with made.writing():
            made.set_embedder(embedder.fingerprint)
            for path, text in TEXTS.items():
                document = Extracted(text, "markdown")
                made.put(FileState(path, len(text), 0, path), document, chunk(document, ChunkLimits()))
            waiting = made.waiting(1000)
            vectors = embedder.embed([text for _, text in waiting], "passage")
            made.add_vectors(embedder.fingerprint, [id_ for id_, _ in waiting], vectors)
        yield made


@pytest.mark.parametrize("embedder", [None, WordEmbedder(dim=128)], ids=["words", "both"])
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("os.path.join", "/paths.md"),
        ("how does os.path.join work?", "/paths.md"),
        ("read_all_files", "/snake.md"),
        ("ThreadPoolExecutor", "/camel.md"),
        ("路由器怎么重置", "/router.zh.md"),
        ("cafe creme", "/naïve.md"),
        ("XK-4711", "/error.md"),
        ('"stuck between the rollers"', "/error.md"),
        ("reading FILES", "/snake.md"),
    ],
)
def test_identifiers_scripts_and_accents_are_found(
    collection: Collection, text: str, path: str, embedder: WordEmbedder | None
):
    assert search([collection], Query(text), embedder).hits[0].path == path


@pytest.mark.parametrize(
    "text", ['"', "'", '" OR "', "NEAR(a b)", "text:x", "*", "a AND", "-", "(((", "\\", "%", "\x00"]
)
def test_signs_of_a_query_language_mean_nothing(collection: Collection, text: str):
    search([collection], Query(text), None)


def test_a_huge_question_is_answered(collection: Collection):
    text = "\n".join(f"{n} error of the machine {n * 31} XK-4711 rollers" for n in range(3000))

    assert search([collection], Query(text), WordEmbedder(dim=128)).hits[0].path == "/error.md"
