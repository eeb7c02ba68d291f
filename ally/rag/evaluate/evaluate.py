"""Measuring how well a collection is found: a sample of it, masked, cut and embedded as one likes to compare."""

import tempfile
import time
from bisect import bisect_left
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ally.rag.chunking import chunk
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.document import Extracted, Passage
from ally.rag.embeddings.base import Embedder
from ally.rag.evaluate.evaluation import Evaluation, Options, Row
from ally.rag.evaluate.questions import Questions, in_a_fixed_disorder, make_questions
from ally.rag.evaluate.ranking import rows
from ally.rag.indexing.vectors import fill
from ally.rag.progress import Watcher
from ally.rag.stores.base import Collection, FileState
from ally.rag.stores.embedded import EmbeddedShelf

_CHARS_PER_TOKEN = 4
_USUAL_TOKENS = 224
_FEW_QUESTIONS = 30


@dataclass(frozen=True, slots=True)
class _Sample:
    """Documents by path, and what is asked of them."""

    documents: dict[str, Extracted]
    questions: Questions
    is_all: bool


def evaluate(
    collection: Collection,
    embedders: Sequence[Embedder],
    options: Options = Options(),  # noqa: B008 - frozen
    watcher: Watcher = Watcher(),  # noqa: B008 - frozen
) -> Evaluation:
    """How often passages of `collection` are found by words, by vectors and by both, for each embedder and length.

    Everything happens in a store of its own, which is removed afterwards; the collection is only read. Stopped, it
    gives the rows that were complete.

    Raises:
        ProviderError: an embedder failed.
        StorageError: the collection cannot be read, or there is no room for the sample.
    """
    began = time.monotonic()
    sample = _take_sample(collection, options)
    found: list[Row] = []
    lengths = options.chunk_tokens or [0]
    is_complete = True
    for embedder in embedders:
        for length in lengths:
            limits = _limits(embedder, length)
            measured = _measure(sample, embedder, limits, watcher) if sample.questions.found else []
            if watcher.is_stopped():
                is_complete = False
                break
            found += measured
    seconds = time.monotonic() - began
    return Evaluation(
        collection.name, tuple(found), len(sample.documents), _notes(sample), seconds, is_complete=is_complete
    )


def _limits(embedder: Embedder, length: int) -> ChunkLimits:
    target = min(length or _USUAL_TOKENS, embedder.max_tokens)
    return ChunkLimits(embedder.max_tokens, target, embedder.counter)


def _take_sample(collection: Collection, options: Options) -> _Sample:
    """Whole documents in a fixed disorder, the last one cut, until there are about as many passages as wanted."""
    paths = [path for path, state in collection.files().items() if not state.problem]
    left = options.passages * _USUAL_TOKENS * _CHARS_PER_TOKEN
    documents: dict[str, Extracted] = {}
    for path in sorted(paths, key=in_a_fixed_disorder):
        document = collection.extracted(path)
        if document is None or not document.text.strip():
            continue
        documents[path] = _cut(document, left)
        left -= len(document.text)
        if left <= 0:
            break
    is_all = left > 0
    return _Sample(documents, make_questions(documents, options.questions, options.ask), is_all)


def _cut(document: Extracted, length: int) -> Extracted:
    if len(document.text) <= length:
        return document
    return replace(
        document,
        text=document.text[:length],
        headings=tuple(heading for heading in document.headings if heading.start < length),
        parts=tuple(part for part in document.parts if part.start < length),
        line_numbers=document.line_numbers and document.line_numbers[: document.text.count("\n", 0, length) + 1],
    )


def _measure(sample: _Sample, embedder: Embedder, limits: ChunkLimits, watcher: Watcher) -> list[Row]:
    with _masked_collection(sample, limits) as masked:
        with masked.writing():
            masked.set_embedder(embedder.fingerprint)
            fill(masked, embedder, (), watcher, problems=[])
        return list(rows(masked, sample.questions.found, embedder, limits.target_tokens, watcher.is_stopped))


@contextmanager
def _masked_collection(sample: _Sample, limits: ChunkLimits) -> Generator[Collection]:
    """The sample cut as `limits` say, in a store in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="ally-eval-", ignore_cleanup_errors=True) as folder:
        shelf = EmbeddedShelf(Path(folder))
        with closing(shelf), closing(shelf.create("sample")) as masked:
            with masked.writing():
                for path, document in sample.documents.items():
                    masks = sample.questions.masks.get(path, [])
                    passages = [one for each in chunk(document, limits) if (one := _masked(each, masks)) is not None]
                    masked.put(FileState(path, len(document.text), 0, path), document, passages)
            yield masked


def _masked(passage: Passage, masks: Sequence[tuple[int, int]]) -> Passage | None:
    """`passage` without its headings and what is masked of it; None if nothing is left."""
    kept: list[str] = []
    at = passage.start
    for start, end in masks[max(0, bisect_left(masks, (passage.start, 0)) - 1) :]:
        if start >= passage.end:
            break
        if end > at:
            kept.append(passage.text[at - passage.start : max(at, start) - passage.start])
            at = min(end, passage.end)
    kept.append(passage.text[at - passage.start :])
    text = "".join(kept).strip()
    return replace(passage, text=text, headings=()) if any(map(str.isalnum, text)) else None


def _notes(sample: _Sample) -> tuple[str, ...]:
    asked = sample.questions.found
    notes: list[str] = []
    if not asked:
        notes.append("No questions can be made of it: it has no titles, headings or sentences that would do.")
    elif len(asked) < _FEW_QUESTIONS:
        notes.append(f"Only {len(asked)} questions could be made of it; the figures say little.")
    if not sample.is_all:
        notes.append("A sample was measured; in the whole collection there is more to be mistaken for the answer.")
    return tuple(notes)
