"""Measuring how well a collection is found: a sample of it, masked, cut and embedded as one likes to compare."""

import tempfile
import time
from bisect import bisect_left
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ally.errors import KnowledgeError
from ally.rag.chunking import chunk
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.document import Extracted, Passage
from ally.rag.embeddings.base import Embedder
from ally.rag.embeddings.counting import room
from ally.rag.evaluate.evaluation import Evaluation, Options, Row
from ally.rag.evaluate.questions import Questions, Writer, in_a_fixed_disorder, make_questions
from ally.rag.evaluate.ranking import rows
from ally.rag.indexing.pace import Pace
from ally.rag.indexing.vectors import fill
from ally.rag.progress import Watcher
from ally.rag.stores.base import Collection, FileState
from ally.rag.stores.embedded import EmbeddedShelf

_CHARS_PER_TOKEN = 4
_USUAL_TOKENS = 224
_FEW_QUESTIONS = 50

MIN_QUESTIONS = 10
"""With fewer an evaluation is refused."""


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
        KnowledgeError: there is nothing in it, or too little to ask.
        ProviderError: an embedder, or the model that writes questions, failed.
        StorageError: the collection cannot be read, or there is no room for the sample.
    """
    began = time.monotonic()
    sample = _take_sample(collection, options, watcher)
    lengths = options.chunk_tokens or (0,)
    variants = [
        (embedder, limits)
        for embedder in embedders
        for limits in dict.fromkeys(_limits(embedder, length) for length in lengths)
    ]
    found: list[Row] = []
    is_complete = True
    with _Workshop.open(sample, collection) as workshop:
        for embedder, limits in variants:
            measured = workshop.measure(embedder, limits, watcher)
            if watcher.is_stopped():
                is_complete = False
                break
            found += measured
    seconds = time.monotonic() - began
    return Evaluation(
        collection.name, tuple(found), len(sample.documents), _notes(sample), seconds, is_complete=is_complete
    )


def _limits(embedder: Embedder, length: int) -> ChunkLimits:
    most = room(embedder.max_tokens, embedder.counter)
    return ChunkLimits(most, min(length or _USUAL_TOKENS, most), embedder.counter)


def _take_sample(collection: Collection, options: Options, watcher: Watcher) -> _Sample:
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
    if not documents:
        raise KnowledgeError(f"{collection.name} holds no text yet.", hint="ally kb sync NAME reads its files")
    asked = _asked(documents, options, watcher)
    if len(asked.found) < min(MIN_QUESTIONS, options.questions):
        raise KnowledgeError(
            f"Only {len(asked.found)} questions can be made of {collection.name}; with fewer than {MIN_QUESTIONS} the"
            " figures would say nothing.",
            hint="--questions model lets a model write some; or add more files with titles, headings or sentences",
        )
    return _Sample(documents, asked, is_all=left > 0)


def _asked(documents: Mapping[str, Extracted], options: Options, watcher: Watcher) -> Questions:
    """What is asked of the documents; of those that a model must not see it writes no questions."""
    pace = Pace(watcher, "writing", "questions")

    def write(text: str) -> str:
        pace.tell()
        written = options.ask(text) if options.ask is not None else ""
        pace.step()
        return written

    writer = Writer(write, options.may_ask) if options.ask is not None else None
    return make_questions(documents, options.questions, writer)


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


@dataclass(frozen=True, slots=True)
class _Workshop:
    """Where a sample is cut, embedded and asked: collections in a temporary folder. `known` have vectors already."""

    sample: _Sample
    shelf: EmbeddedShelf
    known: list[Collection]
    stack: ExitStack

    @classmethod
    @contextmanager
    def open(cls, sample: _Sample, collection: Collection) -> "Generator[_Workshop]":
        with ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(prefix="ally-eval-", ignore_cleanup_errors=True)
            shelf = EmbeddedShelf(Path(stack.enter_context(folder)))
            stack.enter_context(closing(shelf))
            yield cls(sample, shelf, [collection], stack)

    def measure(self, embedder: Embedder, limits: ChunkLimits, watcher: Watcher) -> list[Row]:
        """The rows of one way to cut and embed the sample."""
        told = _labelled(watcher, f"{embedder.model}, {limits.target_tokens} tokens")
        masked = self._cut(limits)
        with masked.writing():
            masked.set_embedder(embedder.fingerprint)
            fill(masked, embedder, self.known, told, problems=[])
        self.known.append(masked)
        return list(rows(masked, self.sample.questions.found, embedder, limits.target_tokens, told))

    def _cut(self, limits: ChunkLimits) -> Collection:
        """The sample cut as `limits` say."""
        masked = self.stack.enter_context(closing(self.shelf.create(f"sample {len(self.known)}")))
        with masked.writing():
            for path, document in self.sample.documents.items():
                masks = self.sample.questions.masks.get(path, [])
                passages = [one for each in chunk(document, limits) if (one := _masked(each, masks)) is not None]
                masked.put(FileState(path, len(document.text), 0, path), document, passages)
        return masked


def _labelled(watcher: Watcher, label: str) -> Watcher:
    """`watcher`, told what is being measured."""
    return Watcher(lambda progress: watcher.on_progress(replace(progress, path=label)), watcher.is_stopped)


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
    if len(asked) < _FEW_QUESTIONS:
        notes.append(f"Only {len(asked)} questions were asked; the figures say little.")
    if not sample.is_all:
        notes.append("A sample was measured; in the whole collection there is more to be mistaken for the answer.")
    return tuple(notes)
