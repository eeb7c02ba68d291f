"""Rules: `tool` or `tool(pattern)`, with what they do and who set them.

Paths are globs: `src/**` and `./a.py` from the working folder on, `~/x/**`, `/abs/**`, and a name without a slash at
any depth. `read` also covers list, find and grep, and what a command reads. `edit` and `write` are one right, whose
denial also covers deleting. Commands are words: `git commit *` with anything after it, `git status` exactly so;
`shell-network(...)` allows a command that wants the network, too. For every other tool the pattern is compared with the
text it acts on.
"""

import fnmatch
import re
from dataclasses import dataclass
from typing import Literal

from ally.errors import AllyError, ConfigError, UsageError
from ally.permissions.action import Action
from ally.permissions.paths import Place, Spot
from ally.permissions.patterns import (
    check_path_pattern,
    permits_path,
    restricts_path,
    split_words,
)

Effect = Literal["allow", "ask", "deny"]
Right = Literal["read", "write", "delete"]

READING = ("read", "list", "find", "grep")
WRITING = ("write", "edit")
SHELL = ("shell", "shell-network")
MAX_CHARACTERS = 4_000

_RULE = re.compile(r"([A-Za-z_*][\w.:-]*)(?:\((.*)\))?", re.DOTALL)
_OTHER_NAMES = {
    **dict.fromkeys(("bash", "sh", "run", "exec", "terminal", "command"), "shell"),
    **dict.fromkeys(("cat", "view", "open"), "read"),
    **dict.fromkeys(("rm", "remove", "unlink"), "delete"),
    **dict.fromkeys(("multiedit", "patch", "replace"), "edit"),
    **dict.fromkeys(("ls", "dir"), "list"),
    **dict.fromkeys(("glob",), "find"),
    **dict.fromkeys(("rg", "search"), "grep"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule says; `origin` is the file, flag or answer it came from."""

    effect: Effect
    tool: str
    pattern: str | None
    origin: str

    @property
    def text(self) -> str:
        """The rule as it is written."""
        return self.tool if self.pattern is None else f"{self.tool}({self.pattern})"

    def __str__(self) -> str:
        return f"{self.effect} {self.text} ({self.origin})"


def parse_rule(text: str, effect: Effect, origin: str) -> Rule:
    """The rule that `text` writes.

    Raises:
        UsageError: it is none, and `origin` is a flag.
        ConfigError: it is none, and came from elsewhere.
    """
    found = _RULE.fullmatch(text.strip())
    if not found or len(text) > MAX_CHARACTERS or "\0" in text:
        raise _error(text, origin, "it is no rule", "write tool or tool(pattern), e.g. shell(git status *)")
    tool, pattern = found.group(1).lower() if found.group(1).isalpha() else found.group(1), found.group(2)
    if tool in _OTHER_NAMES:
        raise _error(text, origin, f"there is no tool {tool}", f"did you mean {_OTHER_NAMES[tool]}?")
    if tool == "*" and (effect == "allow" or pattern is not None):
        raise _error(text, origin, "* may only deny or ask, for all tools", "allow one tool at a time")
    if pattern is not None and not pattern.strip():
        raise _error(text, origin, "its pattern is empty", f"write {tool} for every call of it")
    rule = Rule(effect, tool, pattern.strip() if pattern else None, origin)
    _check_pattern(rule, text)
    return rule


def split_call(text: str) -> tuple[str, str | None]:
    """A call as rules write it: the tool and what stands in the brackets, None without any.

    Raises:
        UsageError: it is no call.
    """
    found = _RULE.fullmatch(text.strip())
    if not found or found.group(1) == "*" or "\0" in text:
        hint = "write it as in rules, e.g. 'shell(git status)' or 'edit(src/a.py)'"
        raise UsageError(f"{text!r} is no call.", hint=hint)
    tool = found.group(1).lower() if found.group(1).isalpha() else found.group(1)
    if tool in _OTHER_NAMES:
        raise UsageError(f"There is no tool {tool}.", hint=f"did you mean {_OTHER_NAMES[tool]}?")
    return tool, found.group(2)


def covers_path(rule: Rule, tool: str, right: Right, spot: Spot, place: Place) -> bool:
    """Whether `rule` is about `tool` reading, writing or deleting at `spot`; for a command `tool` is `shell`."""
    if not _is_about(rule, tool, right):
        return False
    if rule.pattern is None:
        return True
    matches = permits_path if rule.effect == "allow" else restricts_path
    return matches(rule.pattern, spot, place.root, place.home)


def covers_subject(rule: Rule, action: Action) -> bool:
    """Whether `rule` names the tool of `action` and, if it has a pattern, the text that it acts on."""
    if rule.tool == "*":
        return True
    if rule.effect != "allow":
        is_named = rule.tool.lower() == action.tool.lower()
        return is_named and (rule.pattern is None or fnmatch.fnmatchcase(action.subject.lower(), rule.pattern.lower()))
    return rule.tool == action.tool and (rule.pattern is None or fnmatch.fnmatchcase(action.subject, rule.pattern))


def _is_about(rule: Rule, tool: str, right: Right) -> bool:
    if rule.tool == "*":
        return True
    if rule.tool in READING and right == "read":
        # An allowance of `read` is good for the search tools; what restricts `read` is good for everybody.
        return rule.tool == tool or (rule.tool == "read" and (rule.effect != "allow" or tool in (*READING, "shell")))
    if rule.tool in WRITING and right in ("write", "delete"):
        return rule.effect != "allow" or (right == "write" and tool in (*WRITING, "shell"))
    if rule.tool == "delete" and right == "delete":
        return rule.effect != "allow" or tool == "delete"
    return rule.tool == tool and tool not in SHELL


def _check_pattern(rule: Rule, text: str) -> None:
    if rule.pattern is None:
        return
    try:
        if rule.tool in SHELL:
            split_words(rule.pattern)
        elif rule.tool in (*READING, *WRITING, "delete"):
            check_path_pattern(rule.pattern)
    except ValueError as exc:
        raise _error(text, rule.origin, str(exc), "quote it as in a shell") from exc


def _error(text: str, origin: str, why: str, hint: str) -> AllyError:
    shown = text if len(text) <= 60 else text[:60] + "…"
    message = f"{origin}: the rule {shown!r} cannot be used: {why}."
    return UsageError(message, hint=hint) if origin.startswith("--") else ConfigError(message, hint=hint)
