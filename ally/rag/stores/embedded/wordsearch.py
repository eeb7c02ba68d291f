"""Finding passages by words: which of them are looked up, and how, so that common ones do not cost what they weigh."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ally.rag.stores.base import Scored
from ally.rag.stores.text import looked_up

_RANK = "bm25(words, 1.0, 2.0, 1.0)"
"""A word of a heading counts twice."""

_MOST_ROWS = 8000
"""So many passages are scored, at about 2 µs each (2026-11-22); of more than that the promising ones are chosen."""

_MOST_ROWS_OF_ONE = 24000
_MOST_COMMON = 6
_COUNTED = 4000


@dataclass(frozen=True, slots=True)
class _Term:
    """An expression of FTS5 for one word, and about how many passages hold it."""

    match: str
    rows: int


def find(run: sqlite3.Connection, words: Sequence[str], limit: int) -> list[Scored]:
    """The passages that hold any of `words`, best first.

    In large collections common words would cost much and decide little. What more than half of all passages hold weighs
    nothing in BM25, so it is left out if there are other words. Where the rest is in more than 8,000 passages, only
    those are scored, with all words, that hold one of the rarer words, or several of the common ones, or the rarest of
    the common ones in a heading. Of 100,000 passages that found the same 50 as scoring all that hold any word, for
    three telling words as for eight words in a row, in a third of the time (2026-11-22). A single word in more than
    24,000 passages finds those that have it in a heading.
    """
    (total,) = run.execute("SELECT passages FROM state").fetchone()
    terms = [term for word in expressions(words) if (term := _counted(run, word)).rows]
    if not terms or limit < 1:
        return []
    if sum(term.rows for term in terms) > _MOST_ROWS:
        terms = sorted((term for term in terms if term.rows <= total / 2), key=lambda term: term.rows) or terms
    every = _any_of(term.match for term in terms)
    if sum(term.rows for term in terms) <= (_MOST_ROWS if len(terms) > 1 else _MOST_ROWS_OF_ONE):
        return _scored(run, every, "", limit)
    found = _scored(run, every, _promising(terms, total), limit)
    return found if len(found) == limit else _scored(run, every, "", limit)


def _scored(run: sqlite3.Connection, every: str, only: str, limit: int) -> list[Scored]:
    # The + keeps SQLite from asking the index once for each row, which takes a hundred times as long.
    among = "AND +rowid IN (SELECT rowid FROM words WHERE words MATCH ?)" if only else ""
    query = f"SELECT rowid, -{_RANK} AS score FROM words WHERE words MATCH ? {among} ORDER BY score DESC, rowid LIMIT ?"  # noqa: S608 - constants
    values = (every, only, limit) if only else (every, limit)
    return [Scored(*row) for row in run.execute(query, values)]


def _promising(terms: Sequence[_Term], total: int) -> str:
    """What a passage that may be among the best holds."""
    rare: list[str] = []
    rows = 0
    for term in terms:
        rows += term.rows
        if rows > _MOST_ROWS / 2:
            break
        rare.append(term.match)
    common = terms[len(rare) :][:_MOST_COMMON]
    count = 2
    while count < len(common) and _expected(common, count, total) > _MOST_ROWS / 2:
        count += 1
    several = _at_least(count, [term.match for term in common]) if len(common) >= count else ""
    headed = f"headings : ({common[0].match})"
    return _any_of(one for one in (*rare, several, headed) if one)


def _expected(terms: Sequence[_Term], count: int, total: int) -> float:
    """About how many passages hold at least `count` of the terms, if these have nothing to do with one another."""
    chances = [1.0] + [0.0] * count  # of holding 0, 1, … of the terms so far; the last one: `count` or more
    for term in terms:
        share = min(1.0, term.rows / max(1, total))
        for n in range(count, 0, -1):
            stay = 1.0 if n == count else 1 - share
            chances[n] = chances[n] * stay + chances[n - 1] * share
        chances[0] *= 1 - share
    return chances[count] * total


def _at_least(count: int, terms: Sequence[str]) -> str:
    """An expression for at least `count` of `terms`."""
    if count == 1:
        return _any_of(terms)
    ways = [
        f"({first} AND {_at_least(count - 1, terms[n + 1 :])})"
        for n, first in enumerate(terms)
        if len(terms) - n >= count
    ]
    return _any_of(ways)


def _any_of(expressions: Iterable[str]) -> str:
    return f"({' OR '.join(expressions)})"


def _counted(run: sqlite3.Connection, match: str) -> _Term:
    """How many passages match; where they are many, as many as the first ones let us expect."""
    query = "SELECT count(*), max(rowid) FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?)"
    rows, last = run.execute(query, (match, _COUNTED)).fetchone()
    if rows == _COUNTED:
        query = "SELECT (SELECT min(id) FROM passage), (SELECT max(id) FROM passage)"
        first, end = run.execute(query).fetchone()
        rows = max(rows, rows * (end - first + 1) // max(1, last - first + 1))
    return _Term(match, rows)


def expressions(words: Sequence[str]) -> list[str]:
    """Each word as an expression of FTS5, once.

    A word of several parts (`os.path`, `don't`) is looked up as each of its parts and as all of them in a row; what is
    written without blanks as its pairs of signs.
    """
    found: dict[str, None] = {}
    for word in words:
        parts, pairs = looked_up(word)
        found |= dict.fromkeys(_quoted(part) for part in parts)
        if len(parts) > 1:
            found[_quoted(" ".join(parts))] = None
        found |= dict.fromkeys(f"pairs : {_quoted(pair)}" for pair in pairs)
    return list(found)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
