"""What a search gives: passages with the reasons why they came."""

from dataclasses import dataclass, field

from ally.rag.document import Place


@dataclass(frozen=True, slots=True)
class Why:
    """How a passage got its rank, for `--explain`. Ranks begin at 1; None: that leg did not find it.

    `words` are those of the query that it holds, `notes` what happened afterwards: `joined with the passage before`.
    """

    word_rank: int | None = None
    word_score: float | None = None
    vector_rank: int | None = None
    vector_score: float | None = None
    fused_score: float = 0.0
    rerank_score: float | None = None
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, joined with its neighbours where these were found as well.

    `text` is characters `start` up to `end` of the document's text; `tokens` is about what it costs in a prompt.
    """

    collection: str
    path: str
    place: Place
    headings: tuple[str, ...]
    text: str
    start: int
    end: int
    tokens: int
    why: Why = Why()


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to one search, best first. `query` is what was searched for; `notes` say what it had to do without
    (`the vectors of docs are not complete yet: 40 %`)."""

    query: str
    hits: tuple[Hit, ...]
    notes: tuple[str, ...] = ()
    dropped: tuple[Hit, ...] = field(default=())
    """Found as well, but left out: near-duplicates, too many of one file, no room, too far from the question;
    `why.notes` says which."""
    is_doubtful: bool = False
    """Maybe none of the hits answers the question; a note says so."""
    left_out: int = 0
    """How many of the best are of files that may not be shown."""
