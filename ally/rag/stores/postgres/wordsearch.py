"""Finding passages by words: PostgreSQL's index says which hold them, BM25 which come first.

PostgreSQL has no BM25, but what it needs: how many passages hold a word (counted in the index), how long a passage is
(a column) and how often the word is in it. `ts_rank_cd` of a single word, or of words in a row, is the sum of the
weights of the places where it stands: 1 in a heading and 0.5 elsewhere, of which twice is what is wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from ally.rag.stores.base import Scored
from ally.rag.stores.postgres.connection import Connection, array
from ally.rag.stores.postgres.schema import Place, Tables

_K1, _B = 1.2, 0.75
_LEAST_WEIGHT = 1e-6
"""These three as in SQLite's FTS5, so that both stores give the same scores."""

_MOST_ROWS = 4000
"""So many passages are scored, at about 3 µs for each word that they hold (2026-11-23)."""

_COUNTED = 4000


@dataclass(frozen=True, slots=True)
class _Term:
    """A tsquery for one word, and about how many passages hold it."""

    query: str
    rows: int

    def weight(self, total: int) -> float:
        """What it says when a passage holds it."""
        return (
            max(log((total - self.rows + 0.5) / (self.rows + 0.5)), _LEAST_WEIGHT)
            if self.rows < total
            else _LEAST_WEIGHT
        )


def find(run: Connection, place: Place, queries: Sequence[str], limit: int) -> list[Scored]:
    """The passages that hold any of `queries`, best first.

    Common words do not cost what they weigh. Where the words are in more than 4,000 passages, what is in more than half
    of all passages is left out beside other words, and those passages are scored, with all words, that hold one of the
    rarest. Of 19,707 passages that found the same 10 as scoring all that hold any word, for ten questions of one to
    nine words, and 43 to 50 of the same 50 (2026-11-23).
    """
    if not queries or limit < 1:
        return []
    total, words, terms = _counted(run, place, queries)
    terms = [term for term in terms if term.rows]
    if not terms:
        return []
    if sum(term.rows for term in terms) > _MOST_ROWS:
        terms = sorted((term for term in terms if term.rows <= total / 2), key=lambda term: term.rows) or terms
    average = max(1.0, words / max(1, total))
    every = _any_of([term.query for term in terms])
    weights = [(term.query, term.weight(total)) for term in terms]
    if len(terms) > 1 and sum(term.rows for term in terms) > _MOST_ROWS:
        found = _scored(run, place.tables, _any_of([term.query for term in _rarer(terms)]), weights, average, limit)
        if len(found) == limit:
            return found
    return _scored(run, place.tables, every, weights, average, limit)


def _counted(run: Connection, place: Place, queries: Sequence[str]) -> tuple[int, int, list[_Term]]:
    """How many passages there are, how many words they have, and how many hold each of the words.

    Where these are many, as many as the first ones let us expect.
    """
    rows = run.query(
        place.tables(
            "SELECT c.passages, c.words, q.query, f.rows, f.last, s.first, s.last FROM ally.collection AS c,"
            " (SELECT min(id) AS first, max(id) AS last FROM {words}) AS s,"
            " unnest(:queries::text[]) AS q (query), LATERAL (SELECT count(*) AS rows, max(id) AS last FROM"
            " (SELECT w.id FROM {words} AS w WHERE w.words @@ q.query::tsquery LIMIT :most::bigint) AS held) AS f"
            " WHERE c.id = :number::integer"
        ),
        queries=array(queries),
        most=_COUNTED,
        number=place.number,
    )
    total, words, terms = 0, 0, list[_Term]()
    for total, words, query, count, last, first, end in rows:  # noqa: B007 - the first two are the same in all rows
        about = count if count < _COUNTED else max(count, count * (end - first + 1) // max(1, last - first + 1))
        terms.append(_Term(query, min(about, total)))
    return total, words, terms


def _scored(
    run: Connection, sql: Tables, among: str, weights: Sequence[tuple[str, float]], average: float, limit: int
) -> list[Scored]:
    """The passages that match `among`, by BM25 of all words."""
    # A share of f / (f + k) is written as 1 - k / (f + k), so that f is counted once; asking first whether the word is
    # there at all takes a fifth of counting it.
    parts = " + ".join(
        f"CASE WHEN words @@ :q{n}::tsquery THEN"
        f" :w{n}::float8 * (1 - k / (2 * ts_rank_cd('{{{{0.5,0.5,0.5,1}}}}', words, :q{n}::tsquery) + k)) ELSE 0 END"
        for n in range(len(weights))
    )
    values: dict[str, object] = {}
    for n, (query, weight) in enumerate(weights):
        values |= {f"q{n}": query, f"w{n}": weight * (_K1 + 1)}
    rows = run.query(
        sql(
            f"SELECT id, {parts} AS score FROM (SELECT id, words, {_K1} * ({1 - _B} + {_B} * length / :average::float8)"  # noqa: S608 - constants
            " AS k FROM {words} WHERE words @@ :among::tsquery OFFSET 0) AS held ORDER BY score DESC, id"
            " LIMIT :limit::bigint"
        ),
        average=average,
        among=among,
        limit=limit,
        **values,
    )
    return [Scored(*row) for row in rows]


def _rarer(terms: Sequence[_Term]) -> list[_Term]:
    """As many of the rarest as can be scored, one at least; `terms` come rarest first."""
    rows, count = terms[0].rows, 1
    while count < len(terms) and rows + terms[count].rows <= _MOST_ROWS:
        rows += terms[count].rows
        count += 1
    return list(terms[:count])


def _any_of(queries: Sequence[str]) -> str:
    return " | ".join(f"({one})" for one in queries)
