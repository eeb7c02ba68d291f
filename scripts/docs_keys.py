"""Writes docs/reference/keys.md from the tables of keys of the screen.

`--check` changes nothing and fails when the page is not up to date.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from textual.binding import Binding, BindingType

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ally.chat.asking import KEYS, choices  # noqa: E402 - after sys.path
from ally.events import Question  # noqa: E402
from ally.messages import ToolCall  # noqa: E402
from ally.tui.composer import area, composer  # noqa: E402
from ally.tui.manners import Manners  # noqa: E402
from ally.tui.picker import Picker  # noqa: E402
from ally.tui.screen import ChatScreen  # noqa: E402
from ally.tui.settings_screen import SettingsScreen  # noqa: E402
from scripts.pages import keep  # noqa: E402

PAGE = ROOT / "docs/reference/keys.md"

Row = tuple[str, str]

INTRODUCTION = """\
# Keys

<!-- Made by scripts/docs_keys.py from the tables in ally/tui/ and ally/chat/asking.py. -->

Nothing needs a mouse. F1 lists the commands, `/keys` these keys. [Plain lines](plain.md) say what stands there for each
of them; the [tutorial](../tutorial-screen.md) uses them.
"""
COMPLETED = """
After `/` a list completes commands, and behind a command what goes with it: names of collections, models, agents,
sessions and themes, the path of `/embed`. Tab takes the selected one, Esc closes the list.
"""
NOTES = """\

Ctrl-O opens the block that is selected, else the newest; Esc closes a list first. Ctrl-J begins a line in every
terminal, Shift-Enter and Ctrl-Enter only where the terminal tells them from Enter.
"""
WRITING: Mapping[str, str] = {
    "cursor_left": "one character back",
    "cursor_right": "one character on",
    "cursor_up": "one line up",
    "cursor_down": "one line down",
    "cursor_word_left": "one word back",
    "cursor_word_right": "one word on",
    "cursor_line_start": "beginning of the line",
    "cursor_line_end": "end of the line",
    "delete_left": "delete the character before",
    "delete_right": "delete the character after",
    "delete_word_left": "delete the word before",
    "delete_word_right": "delete the word after",
    "delete_to_start_of_line": "delete to the beginning of the line",
    "delete_to_end_of_line_or_delete_line": "delete to the end of the line",
    "cut": "cut",
    "undo": "undo",
    "redo": "redo",
    "select_all": "select everything",
}
ASKED: tuple[Row, ...] = (
    ("up, down", "one answer up or down"),
    ("enter", "take the marked answer"),
    ("tab", "say what to do instead; Enter sends it"),
    ("v, pageup, pagedown, home, end", "look at the rest of the action"),
    ("escape", "no; while something is written: back to the answers"),
    ("ctrl+s", "run what was changed; Enter where it is one line"),
)
CHOSEN: tuple[Row, ...] = (("1 to 9", "take the option with that number"), ("enter", "take the selected one"))
QUESTION = Question(ToolCall("1", "shell", {}), "", "", scopes=tuple(KEYS.values()))


def page() -> str:
    """The reference page."""
    if missing := sorted(set(area.KEYS.values()) - set(WRITING)):
        raise SystemExit(f"scripts/docs_keys.py: WRITING says nothing about {', '.join(missing)}")
    writing = [(", ".join(_keys_of(action)), text) for action, text in WRITING.items()]
    answers = [(one.key, one.text) for one in choices(QUESTION)]
    return "".join(
        [
            INTRODUCTION,
            _section("Everywhere", [*_bound(ChatScreen.BINDINGS), *_bound(Manners.BINDINGS)]),
            NOTES,
            _section("Writing a message", composer.KEYS),
            COMPLETED,
            _section("Moving and deleting", writing),
            "\nWith Shift the arrows, Home and End select. The mouse selects, too, and its wheel scrolls.\n",
            _section("When Ally asks", [*answers, *ASKED]),
            "\nKeys that were pressed before the question could be seen answer nothing.\n",
            _section("Lists: models, sessions, themes and others", [*CHOSEN, *_bound(Picker.BINDINGS)]),
            "\nEverything else that is typed filters the list.\n",
            _section("Settings", [("enter", "change the selected one"), *_bound(SettingsScreen.BINDINGS)]),
        ]
    )


def main() -> int:
    """0 if the page is up to date now."""
    return keep({PAGE: page()}, __doc__)


def _keys_of(action: str) -> list[str]:
    return [key for key, done in area.KEYS.items() if done == action and not key.startswith("super")]


def _bound(bindings: Iterable[BindingType]) -> list[Row]:
    return [(one.key.replace(",", ", "), one.description) for one in bindings if isinstance(one, Binding)]


def _section(title: str, rows: Iterable[Row]) -> str:
    table = "".join(f"| {_named(keys)} | {text.replace('|', chr(92) + '|')} |\n" for keys, text in rows)
    return f"\n## {title}\n\n| key | what it does |\n|---|---|\n{table}"


NAMES = {"pageup": "PageUp", "pagedown": "PageDown", "escape": "Esc", "underscore": "_", "minus": "-"}


def _named(keys: str) -> str:
    """Keys as they stand on keyboards: Ctrl-O, Shift-Tab. Letters that answer stay small."""
    shown = [_one(key) for key in keys.split(", ")]
    return ", ".join(dict.fromkeys(shown))


def _one(key: str) -> str:
    if re.fullmatch(r"[a-z@]", key):
        return f"`{key}`"
    parts = [NAMES.get(part, part if part == "to" else part.capitalize()) for part in key.split("+")]
    return "-".join(parts).replace("\\ ", "a backslash, then ")


if __name__ == "__main__":
    sys.exit(main())
