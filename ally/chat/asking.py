"""What is shown before a call runs, and what an answer means: the same on the screen and in plain lines.

Everything shown comes from the arguments that will run, and nothing in it is hidden or interpreted.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from ally.engine.gate import Answer
from ally.events import Question
from ally.permissions.action import Scope
from ally.terminal.table import width
from ally.terminal.text import one_line, visible

KEYS: dict[str, Scope] = {"y": "once", "s": "session", "p": "project", "a": "always"}
"""What is pressed to agree, and for how long it then holds."""
WORDS = {"yes": "y", "session": "s", "project": "p", "always": "a", "no": "n", "view": "v", "edit": "e", "why": "w"}
SHORT: dict[Scope, str] = {
    "once": "once",
    "session": "this session",
    "project": "this folder",
    "always": "everywhere",
}
_LONG: dict[Scope, str] = {
    "once": "yes, once",
    "session": "yes, and for this session",
    "project": "yes, and in this folder from now on",
    "always": "yes, and everywhere from now on",
}
_ALMOST = {"ok", "okay", "sure", "yep", "yeah", "ja", "oui", "si", "sí", "да", "好", "好的", "はい"}
_PLAIN_NAMES = {
    "network": "with network",
    "writable": "may write in",
    "background": "stays running",
    "all": "everywhere in it",
}
_SHORT_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers: `scope` is how long a yes holds, None for what is no yes; `remembers` the rules it adds."""

    key: str
    text: str
    scope: Scope | None = None
    remembers: tuple[str, ...] = ()


def choices(question: Question) -> list[Choice]:
    """What may be answered, in the order in which it is offered."""
    agreeing = [
        Choice(key, _LONG[scope], scope, _shown(question.remember) if scope != "once" else ())
        for key, scope in KEYS.items()
        if scope in question.scopes
    ]
    return [*agreeing, Choice("n", "no"), Choice("e", "change it first"), Choice("w", "why it is asked")]


def understood(text: str, scopes: Sequence[str], has_hidden: bool) -> Answer | str:
    """What a typed answer means, or why it means nothing. Words that are no choice refuse; the model reads them."""
    key = text.strip().lower()
    key = WORDS.get(key, key)
    if key == "n":
        return Answer(False)
    if key in KEYS:
        if KEYS[key] not in scopes:
            return f"({key} is not offered for this call.)"
        if has_hidden:
            return "(Not all of it was shown yet: v shows the rest.)"
        return Answer(True, KEYS[key])
    if len(key) < 2 or key in _ALMOST:
        return "(Answer with one of the letters, or say what to do instead.)"
    return Answer(False, message=text.strip())


def arguments(question: Question) -> list[str]:
    """The lines of what the call is to do, without the preview, with nothing in them that cannot be seen."""
    texts = [question.subject or "(no arguments)"]
    texts += [f"{_PLAIN_NAMES.get(name, name)}: {value}" for name, value in _other_arguments(question)]
    return [line for text in texts for line in _lines(text)]


def preview(question: Question) -> list[str]:
    """The lines of the preview, with nothing in them that cannot be seen."""
    return _lines(question.preview.rstrip("\n")) if question.preview else []


def body(question: Question, room: int) -> list[str]:
    """The whole action as lines of at most `room` columns."""
    return [part for line in [*arguments(question), *preview(question)] for part in wrapped(line, room)]


def wrapped(line: str, room: int) -> Iterator[str]:
    """`line` in pieces of at most `room` columns; nothing of it is left out."""
    if line.isascii():
        yield from (line[at : at + room] for at in range(0, len(line) or 1, room))
        return
    part, used = "", 0
    for char in line:
        taken = width(char)
        if used + taken > room:
            yield part
            part, used = "", 0
        part, used = part + char, used + taken
    yield part


def title(question: Question) -> str:
    """What is asked, in one line."""
    return f"Allow {one_line(visible(question.call.name))}?"


def reason(question: Question) -> str:
    """Why it is asked, in one line."""
    return one_line(visible(question.reason))


def why(question: Question) -> list[str]:
    """Everything that is known about why it is asked: reason, rule, what the call may do, what an answer adds."""
    lines = [f"because {one}" for one in dict.fromkeys(reason(question).split("; ")) if one]
    if question.rule:
        lines.append(f"decided by: {one_line(visible(question.rule))}")
    lines += [one_line(visible(line)) for line in question.touches]
    for choice in choices(question):
        if choice.remembers:
            lines.append(f"{choice.key} adds for {SHORT[choice.scope or 'once']}: {'  '.join(choice.remembers)}")
    return lines


def _shown(rules: Sequence[str]) -> tuple[str, ...]:
    return tuple(one_line(visible(rule)) for rule in rules)


def _lines(text: str) -> list[str]:
    return visible(text).replace("\t", "    ").split("\n")


def _other_arguments(question: Question) -> Iterator[tuple[str, str]]:
    """The arguments that neither the subject nor the preview show."""
    for name, value in question.call.args.items():
        text = _in_words(value)
        is_in_preview = bool(question.preview) and (
            len(text) > _SHORT_CHARACTERS or "\n" in text or _holds(question.preview, value)
        )
        if text != question.subject and not is_in_preview:
            yield name, text


def _in_words(value: object) -> str:
    """A value of an argument: texts as they are, lists of texts one after the other, yes and no."""
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case list():
            parts = cast("list[object]", value)
            return ", ".join(map(_in_words, parts)) if all(isinstance(one, str) for one in parts) else _json(parts)
        case _:
            return _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _holds(preview: str, value: object) -> bool:
    """Whether all that `value` says is seen in the preview."""
    match value:
        case str():
            return all(line in preview for line in value.split("\n"))
        case list():
            return all(_holds(preview, one) for one in cast("list[object]", value))
        case dict():
            return all(_holds(preview, one) for one in cast("dict[str, object]", value).values())
        case _:
            return False
