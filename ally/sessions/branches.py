"""The ways a session has taken: where it may go back to, and which of its entries are still part of something.

Going back is an entry whose parent is an earlier one, so that the chain of the session leaves out what came between.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ally.messages import UserMessage
from ally.sessions.entries import ROLES, Draft, chain_rows, read_entry


@dataclass(frozen=True, slots=True)
class Spot:
    """A message of the user that the session can go back to; `at` is in seconds since 1970.

    `after` is the entry before it; `waiting` is its place among what is not written yet, None if it is written.
    """

    message: UserMessage
    at: int
    after: int | None = None
    waiting: int | None = None


def find_spots(run: sqlite3.Connection, session: str, head: int) -> list[Spot | None]:
    """The messages on the way to `head`, also those that were summarised; None for all but those of the user."""
    spots: list[Spot | None] = []
    for _, parent, kind, at, body in chain_rows(run, session, head, whole=True):
        if kind == "user":
            message = read_entry(kind, at, body).message
            spots.append(Spot(message, at, parent) if isinstance(message, UserMessage) else None)
        else:
            _follow(spots, kind)
    return spots


def add_waiting(spots: list[Spot | None], drafts: Iterable[Draft]) -> list[Spot]:
    """The messages of the user among `spots` and what is to be written after them."""
    for place, draft in enumerate(drafts):
        message = read_entry(draft.kind, draft.at, draft.body).message
        if isinstance(message, UserMessage):
            spots.append(Spot(message, draft.at, waiting=place))
        else:
            _follow(spots, draft.kind)
    return [spot for spot in spots if spot is not None]


def _follow(spots: list[Spot | None], kind: str) -> None:
    if kind in ROLES:
        spots.append(None)
    elif kind == "retract" and spots:
        spots.pop()


def shared(run: sqlite3.Connection, session: str) -> Sequence[int]:
    """The entries of a session that lead to those of other sessions."""
    rows = run.execute(
        """WITH RECURSIVE needed (id, parent) AS (
            SELECT p.id, p.parent FROM entry AS p JOIN entry AS c ON c.parent = p.id
            WHERE p.session = :session AND c.session <> :session
            UNION
            SELECT e.id, e.parent FROM needed JOIN entry AS e ON e.id = needed.parent
            WHERE e.session = :session AND e.id < needed.id
        ) SELECT id FROM needed""",
        {"session": session},
    )
    return [row[0] for row in rows]


class Living:
    """Tells which entries are part of a session, and not of a way that it went back from."""

    def __init__(self, run: sqlite3.Connection) -> None:
        self._run = run
        self._known: dict[str, set[int] | None] = {}

    def has(self, session: str, entry: int) -> bool:
        """Whether `entry` of `session` belongs to what was said in it, or in a fork of it."""
        if session not in self._known:
            self._known[session] = self._find(session)
        found = self._known[session]
        return found is None or entry in found

    def _find(self, session: str) -> set[int] | None:
        """The numbers; None if it never went back."""
        values = {"session": session}
        went = "SELECT 1 FROM entry WHERE session = :session AND kind = 'rewind' LIMIT 1"
        if self._run.execute(went, values).fetchone() is None:
            return None
        head = self._run.execute("SELECT max(id) FROM entry WHERE session = :session", values).fetchone()[0]
        return {row[0] for row in chain_rows(self._run, session, head, whole=True)} | {*shared(self._run, session)}
