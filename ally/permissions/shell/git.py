"""git: which sub-command a call is, and which of them only look."""

from collections.abc import Sequence

from ally.permissions.shell.flags import Program, programs
from ally.permissions.shell.words import Word

_HARMLESS = frozenset({"--no-pager", "-P", "--no-optional-locks", "--literal-pathspecs", "--no-replace-objects"})
_WITH_VALUE = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"})


def subcommand(words: Sequence[Word]) -> tuple[int, str]:
    """The position of the sub-command in `words` (0: there is none) and why the options before it are refused."""
    i, refusal = 1, ""
    while i < len(words):
        text = words[i].text
        if text is None:
            return 0, "its sub-command is not known"
        if not text.startswith("-"):
            return i, refusal
        if text not in _HARMLESS:
            refusal = f"git {text} is not known to be harmless"
        i += 2 if text in _WITH_VALUE else 1
    return 0, refusal


def reading_form(words: Sequence[Word]) -> tuple[Program | None, int, str]:
    """The row for a call of git, where its own words begin, and why there is none."""
    if [word.text for word in words[1:]] in (["--version"], ["-v"]):
        return programs()["git version"], len(words), ""
    i, refusal = subcommand(words)
    if refusal or i == 0:
        return None, 0, refusal or "git without a sub-command"
    names = [word.text or "" for word in words[i : i + 2]]
    for count in (2, 1):
        row = programs().get("git " + " ".join(names[:count])) if len(names) >= count else None
        if row is not None:
            return row, i + count, ""
    return None, 0, f"git {names[0]} may change something"
