"""What a plain chat remembers of its terminal: earlier messages, an unsent one, and names to complete."""

import time
from collections.abc import Sequence
from pathlib import Path

from ally.chat.chat import Chat
from ally.chat.commands.completion import complete
from ally.chat.drafts import Draft, Drafts
from ally.chat.history import FILE, History
from ally.chat.mentions import Files, written
from ally.cli.plain_lines import Lines
from ally.cli.terminal import say
from ally.errors import StorageError

_PATIENCE_S = 0.3
_MOST = 50
"""So many names are offered for a word that was begun."""


class Memory:
    """Fills `lines` with what is known, and keeps what is typed; both are shared with the full screen."""

    def __init__(self, chat: Chat, lines: Lines) -> None:
        self._chat, self._lines = chat, lines
        app, self._folder = chat.app, Path.cwd()
        self._history = History(app.paths.state / FILE, lambda text: any(key in text for key in app.keys.values()))
        self._files = Files(self._folder, Path.home())
        self._has_failed = False
        self._drafts = Drafts.claim(app.paths.state, self._folder) if lines.can_edit else None
        if not lines.can_edit:
            return
        lines.recall(self._history.entries())
        lines.complete_with(self.complete)
        if self._drafts is not None and (draft := self._drafts.load()) is not None:
            lines.draft = _whole(draft)

    def add(self, text: str) -> None:
        """`text` was sent."""
        self._lines.remember(text)
        if self._drafts is not None:
            self._drafts.save(Draft(""))
        try:
            self._history.add(text, self._folder)
        except StorageError as error:
            if not self._has_failed:
                say(f"(What you type is not remembered: {error.message})")
            self._has_failed = True

    def keep_draft(self, text: str) -> None:
        """`text` was typed and not sent."""
        if self._drafts is None or not text.strip():
            return
        try:
            self._drafts.save(Draft(text))
        except StorageError as error:
            say(f"(The draft is not kept: {error.message})")

    def complete(self, text: str) -> Sequence[str]:
        """The words that may stand for the last one of `text`."""
        word = text[max(text.rfind(blank) for blank in " \t\n") + 1 :]
        if word.startswith("@"):
            return self._paths(word[1:])
        if not text.startswith("/"):
            return ()
        found, until = complete(self._chat, text), time.monotonic() + _PATIENCE_S
        while not found and " " in text and time.monotonic() < until:  # they are looked for in a thread
            time.sleep(_PATIENCE_S / 10)
            found = complete(self._chat, text)
        same = [one for one in found if one.startswith(text)] or found[:1]
        return [one[len(text) - len(word) :] for one in same]

    def close(self) -> None:
        """Leave a draft to the next chat."""
        if self._drafts is not None:
            self._drafts.close()

    def _paths(self, begun: str) -> list[str]:
        """Paths that begin so; if there are none, the one that fits best."""
        if self._files.is_stale:
            self._files.refresh()
        found = [one.path for one in self._files.find(begun, _MOST)]
        same = [path for path in found if path.startswith(begun)] or found[:1]
        return [mention for path in same if (mention := written(path))]


def _whole(draft: Draft) -> str:
    """The text of a draft, with what its marks stand for."""
    text = draft.text
    for mark, meant in draft.meant.items():
        text = text.replace(mark, meant)
    return text
