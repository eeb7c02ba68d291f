"""One step of `benchmarks.knowledge_peers` with one store, in a process of its own.

`knowledge_peer.py STORE STEP DATA HOME` is run by the Python of that store's environment and needs nothing else. DATA
has `passages.txt`, one a line, `vectors.f32`, `questions.txt` and `questions.f32`; HOME is where the store keeps its
files. What was found is written to HOME/../STEP.json.
"""

import importlib
import json
import statistics
import sys
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

DIM = 384
LIMIT = 10
MODULES = {"ally": "ally.rag.stores.embedded", "chromadb": "chromadb", "lancedb": "lancedb", "llm": "llm"}


class Data:
    """What every store is given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def vectors(self, name: str = "vectors.f32") -> Iterator[bytes]:
        """One after the other, 384 numbers of float32."""
        with (self._folder / name).open("rb") as file:
            while data := file.read(DIM * 4):
                yield data

    def texts(self, name: str = "passages.txt") -> Iterator[str]:
        """One after the other."""
        with (self._folder / name).open(encoding="utf-8") as file:
            yield from (line.rstrip("\n") for line in file)

    def batches(self, size: int) -> Iterator[tuple[int, list[str]]]:
        """Number of the first passage, texts."""
        texts = self.texts()
        first = 0
        while some := list(islice(texts, size)):
            yield first, some
            first += len(some)


def matrix(rows: Iterable[bytes]) -> Any:  # Any: numpy is not there in every environment
    """Vectors for stores that take arrays of numpy."""
    return importlib.import_module("numpy").frombuffer(b"".join(rows), "float32").reshape(-1, DIM)


class Ally:
    """The embedded store. It is filled as `ally kb add` fills it, vectors 64 at once."""

    def __init__(self, home: Path) -> None:
        self._shelf = importlib.import_module(MODULES["ally"]).EmbeddedShelf(home)

    def fill(self, data: Data) -> None:
        base = importlib.import_module("ally.rag.stores.base")
        parts = importlib.import_module("ally.rag.document")
        collection = self._shelf.create("bench")
        vectors = data.vectors()
        with collection.writing():
            collection.set_embedder("given")
            for first, texts in data.batches(20):
                starts = [sum(len(text) + 1 for text in texts[:n]) for n in range(len(texts))]
                passages = [
                    parts.Passage(text, start, start + len(text), parts.Place(n, n))
                    for n, (start, text) in enumerate(zip(starts, texts, strict=True), 1)
                ]
                text = "\n".join(texts)
                state = base.FileState(f"/docs/{first}.txt", len(text), first, f"{first:064x}")
                collection.put(state, parts.Extracted(text, "text"), passages)
            while batch := collection.waiting(64):
                collection.add_vectors("given", [one for one, _ in batch], matrix(islice(vectors, len(batch))))
            collection.tidy()
        collection.close()

    def open(self) -> None:
        self._collection = self._shelf.open("bench")

    def near(self, vector: bytes) -> list[int]:
        found = self._collection.by_vector(matrix([vector])[0], LIMIT)
        return [one.id - 1 for one in self._collection.passages([one.id for one in found])]

    def hybrid(self, text: str, vector: bytes) -> object:
        parts = {name: importlib.import_module(f"ally.rag.search.{name}") for name in ("asking", "legs", "fusing")}
        asked = parts["asking"].understand(importlib.import_module("ally.rag.search.query").Query(text))
        legs, _ = parts["legs"].ask_all([self._collection], asked, Given(vector))
        fusing = parts["fusing"]
        best = fusing.fuse(legs, fusing.word_weight(asked.function_share), fusing.scale_of(legs), LIMIT)
        return self._collection.passages([one.id for one in best])


class Given:
    """An embedder that has the vector already."""

    provider = model = fingerprint = "given"
    max_tokens = 512
    counter = "estimate"

    def __init__(self, vector: bytes) -> None:
        self._vector = vector

    def embed(self, texts: list[str], kind: str) -> Any:  # Any: numpy is not there in every environment
        del kind
        return matrix([self._vector] * len(texts))


class Chroma:
    """Its client on disk; it has no hybrid search there."""

    hybrid = None

    def __init__(self, home: Path) -> None:
        chroma = importlib.import_module("chromadb")
        settings = chroma.Settings(anonymized_telemetry=False)
        self._client = chroma.PersistentClient(path=str(home), settings=settings)

    def fill(self, data: Data) -> None:
        configuration = {"hnsw": {"space": "cosine"}}
        collection = self._client.create_collection("bench", configuration=configuration, embedding_function=None)
        vectors = data.vectors()
        for first, texts in data.batches(1000):
            ids = [str(first + n) for n in range(len(texts))]
            collection.add(ids=ids, documents=texts, embeddings=matrix(islice(vectors, len(texts))))

    def open(self) -> None:
        self._collection = self._client.get_collection("bench", embedding_function=None)

    def near(self, vector: bytes) -> list[int]:
        found = self._collection.query(query_embeddings=matrix([vector]), n_results=LIMIT, include=["documents"])
        return [int(one) for one in found["ids"][0]]


class Lance:
    """A table as it comes: every vector is compared, words have an index."""

    def __init__(self, home: Path) -> None:
        self._database = importlib.import_module("lancedb").connect(str(home))

    def fill(self, data: Data) -> None:
        arrow = importlib.import_module("pyarrow")
        fields = [("id", arrow.int64()), ("text", arrow.string()), ("vector", arrow.list_(arrow.float32(), DIM))]
        table = self._database.create_table("bench", schema=arrow.schema(fields))
        vectors = data.vectors()
        for first, texts in data.batches(10_000):
            some = arrow.array(matrix(islice(vectors, len(texts))).reshape(-1))
            columns = [range(first, first + len(texts)), texts, arrow.FixedSizeListArray.from_arrays(some, DIM)]
            table.add(arrow.table(columns, schema=table.schema))
        table.create_fts_index("text")
        table.optimize()
        self.index(table)

    def index(self, table: Any) -> None:  # Any: lancedb is not there in every environment
        """Nothing more."""

    def open(self) -> None:
        self._table = self._database.open_table("bench")

    def near(self, vector: bytes) -> list[int]:
        found = (
            self._table.search(matrix([vector])[0])
            .distance_type("cosine")
            .select(["id", "text"])
            .limit(LIMIT)
            .to_list()
        )
        return [one["id"] for one in found]

    def hybrid(self, text: str, vector: bytes) -> object:
        asked = self._table.search(query_type="hybrid").vector(matrix([vector])[0]).text(text).distance_type("cosine")
        return asked.select(["id", "text"]).limit(LIMIT).to_list()


class LanceIndexed(Lance):
    """With an index of vectors."""

    def index(self, table: Any) -> None:  # Any: as above
        table.create_index(metric="cosine", index_type="IVF_HNSW_SQ", vector_column_name="vector")


class Llm:
    """What `llm embed-multi` and `llm similar` call; it has no hybrid search."""

    hybrid = None

    def __init__(self, home: Path) -> None:
        home.mkdir(exist_ok=True)
        llm = importlib.import_module("llm")
        database = importlib.import_module("sqlite_utils").Database(home / "embeddings.db")

        class Model(llm.EmbeddingModel):  # its base comes with the package
            model_id = "given"

            def embed_batch(self, items: Any) -> Iterator[list[float]]:  # Any: as its base has it
                return (list(array("f", next(store.vectors))) for _ in items)

        store = self
        self.vectors: Iterator[bytes] = iter(())
        self._open = lambda: llm.Collection("bench", database, model=Model())

    def fill(self, data: Data) -> None:
        self.vectors = data.vectors()
        entries = ((str(n), text) for n, text in enumerate(data.texts()))
        self._open().embed_multi(entries, store=True)

    def open(self) -> None:
        self._collection = self._open()

    def near(self, vector: bytes) -> list[int]:
        return [int(one.id) for one in self._collection.similar_by_vector(list(array("f", vector)), LIMIT)]


STORES: dict[str, Callable[[Path], Any]] = {
    "ally": Ally,
    "chromadb": Chroma,
    "lancedb": Lance,
    "lancedb-indexed": LanceIndexed,
    "llm": Llm,
}


def timed(work: Callable[[int], object], rounds: int) -> dict[str, float]:
    """Milliseconds: medians, slowest twentieth, fastest, and CPU on average."""
    walls: list[float] = []
    cpu = time.process_time()
    for number in range(rounds):
        start = time.perf_counter()
        work(number)
        walls.append((time.perf_counter() - start) * 1e3)
    cpu = (time.process_time() - cpu) * 1e3 / rounds
    p95 = statistics.quantiles(walls, n=20)[-1] if rounds > 1 else walls[0]
    return {"p50": statistics.median(walls), "p95": p95, "least": min(walls), "cpu": cpu}


def search(store: Any, data: Data, rounds: int) -> dict[str, Any]:  # Any: stores have nothing in common
    """What a process that stays open finds, and how fast."""
    vectors = list(islice(data.vectors("questions.f32"), rounds))
    texts = list(islice(data.texts("questions.txt"), rounds))
    store.open()
    store.near(vectors[0])
    figures: dict[str, Any] = {"found": [store.near(vector) for vector in vectors]}
    figures["near"] = timed(lambda n: store.near(vectors[n]), rounds)
    if store.hybrid:
        store.hybrid(texts[0], vectors[0])
        figures["hybrid"] = timed(lambda n: store.hybrid(texts[n], vectors[n]), rounds)
    return figures


def main() -> None:
    """Do the step."""
    name, step, folder, place, *rest = sys.argv[1:]
    data, home = Data(Path(folder)), Path(place)
    figures: dict[str, Any] = {}
    match step:
        case "import":
            importlib.import_module(MODULES[name.partition("-")[0]])
        case "fill":
            STORES[name](home).fill(data)
        case "answer":
            store = STORES[name](home)
            store.open()
            print(store.near(next(data.vectors("questions.f32"))), flush=True)
        case _:
            figures = search(STORES[name](home), data, int(rest[0]))
    (home.parent / f"{step}.json").write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
