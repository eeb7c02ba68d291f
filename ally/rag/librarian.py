"""Who finds passages for one conversation: from the collections it may use, of files that may be read, in its window.

Importing it imports next to nothing, and without collections nothing more is ever imported.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ally.errors import AllyError, KnowledgeError, UnknownCollection
from ally.messages import Source
from ally.permissions.action import Action, Allow
from ally.rag.citing.naming import Naming
from ally.rag.citing.sources import Sources
from ally.rag.search.query import Query

if TYPE_CHECKING:
    from ally.permissions.policy import Policy
    from ally.rag.citing.checking import Texts
    from ally.rag.library import Library

MIN_TOKENS, MAX_TOKENS = 500, 4_000
SHARE = 1 / 6
"""The part of a model's window that the passages for one question may take, within those bounds."""
_LEAST_A_PASSAGE = 120
_INSTRUCTIONS = 100
_DOUBTFUL = "[None of these passages comes very near the question. If they do not answer it, say so.]"


def room(window: int | None) -> int:
    """About how many tokens the passages for one question may have; for an unknown window the most."""
    return MAX_TOKENS if window is None else max(MIN_TOKENS, min(MAX_TOKENS, round(window * SHARE)))


@dataclass(frozen=True, slots=True)
class Given:
    """Passages for a model: their text, empty if nothing was found, and what an answer may cite of it.

    `notes` say what the search had to do without; `left_out` counts passages of files that the model may not read.
    """

    text: str
    sources: tuple[Source, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    left_out: int = 0

    def in_words(self) -> str:
        """How much it is, for the user."""
        if not self.sources:
            return f"nothing in {', '.join(self.names)}"
        files = len({source.path for source in self.sources})
        return f"{_many(len(self.sources), 'passage')} from {_many(files, 'file')}"


@dataclass
class Librarian:
    """Threads may share it.

    `is_any` says quickly whether there may be collections. `hidden` is why the model must not see a file, "" if it may;
    `may_use` whether it may look into a collection that nobody named.
    """

    open_library: Callable[[], "Library"]
    is_any: Callable[[], bool]
    naming: Naming
    hidden: Callable[[Path], str] = lambda path: ""
    may_use: Callable[[str], bool] = lambda name: True
    _texts: "Texts | None" = field(default=None, init=False)

    @classmethod
    def under(cls, policy: "Policy", open_library: Callable[[], "Library"], is_any: Callable[[], bool]) -> "Librarian":
        """One who keeps to the rules of `policy`."""

        def may_use(name: str) -> bool:
            return isinstance(policy.decide(Action("knowledge", "none", subject=name)), Allow)

        naming = Naming(policy.place.root, policy.place.home)
        return cls(open_library, is_any, naming, policy.hidden, may_use)

    @property
    def texts(self) -> "Texts":
        """What citations are held against."""
        if self._texts is None:
            from ally.rag.citing.texts import CurrentTexts, read_anew  # heavy

            self._texts = CurrentTexts(self.open_library().extracted, read_anew)
        return self._texts

    def names(self) -> list[str]:
        """The collections that answers may use.

        Raises:
            StorageError: the store cannot be read.
        """
        if not self.is_any():
            return []
        return [name for name in self.open_library().indexed() if self.may_use(name)]

    def is_ready(self) -> bool:
        """Whether there is a collection to look into; a store that cannot be read has none."""
        try:
            return bool(self.names())
        except AllyError:  # whoever searches is told
            return False

    def find(self, query: Query, sources: Sources, name: str = "") -> Given:
        """Passages for a question, from one collection or from all that may be used, numbered by `sources`.

        `query.max_tokens` is what their whole text may take.

        Raises:
            KnowledgeError: no collection may be used, or not this one.
            StorageError: one cannot be read.
        """
        names = self.names()
        if name and name not in self.open_library().indexed():  # whether it may be used was decided with its name
            raise UnknownCollection(name, names, hint="name one of these, or none for all of them")
        searched = [name] if name else names
        if not searched:
            hint = "ally kb add PATH NAME makes one; ally kb index NAME takes one in"
            raise KnowledgeError("No collection is indexed.", hint=hint)
        found = self.open_library().search(_fitting(query), searched, self._may_show)
        if not found.hits:
            return Given("", (), tuple(searched), found.notes, found.left_out)
        from ally.rag.citing.presenting import present  # late: importing this imports little

        text, taken = present(found.hits, sources, self.naming)
        text = f"{_DOUBTFUL}\n\n{text}" if found.is_doubtful else text
        return Given(text, taken, tuple(searched), found.notes, found.left_out)

    def _may_show(self, path: str) -> bool:
        """Whether the file may be read by the name it was found by, and by its real one."""
        return not any(self.hidden(Path(name)) for name in (path, os.path.realpath(path)))


def _fitting(query: Query) -> Query:
    """`query` with room for what stands around the passages, and no more of them than can say something."""
    from ally.rag.citing.presenting import FRAME_TOKENS  # late: as above

    limit = max(1, min(query.limit, query.max_tokens // _LEAST_A_PASSAGE))
    left = query.max_tokens - _INSTRUCTIONS - limit * FRAME_TOKENS
    return replace(query, limit=limit, max_tokens=max(_LEAST_A_PASSAGE, left))


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
