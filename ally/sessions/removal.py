"""Deleting a session from the log without taking from its forks what they share with it."""

import sqlite3

from ally.sessions.branches import shared
from ally.sessions.search import forget


def remove_session(run: sqlite3.Connection, session: str) -> None:
    """Remove the session and those of its entries that no other session leads to.

    The entries that stay belong to the fork that needs most of them, so that they go with the last fork.
    """
    owner = run.execute(
        """SELECT c.session FROM entry AS p JOIN entry AS c ON c.parent = p.id
        WHERE p.session = :session AND c.session <> :session ORDER BY p.id DESC LIMIT 1""",
        {"session": session},
    ).fetchone()
    if owner is not None:
        needed = [(owner[0], number) for number in shared(run, session)]
        run.executemany("UPDATE entry SET session = ? WHERE id = ?", needed)
    gone = [row[0] for row in run.execute("SELECT id FROM entry WHERE session = ?", (session,))]
    forget(run, gone)
    run.execute("DELETE FROM entry WHERE session = ?", (session,))
    run.execute("DELETE FROM session WHERE id = ?", (session,))
