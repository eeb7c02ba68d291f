"""Asking before a call runs. What is shown comes from the arguments that will run, and all of it can be seen."""

import asyncio
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from ally.cli.keyboard import Keyboard
from ally.cli.screen import Screen
from ally.cli.terminal import say
from ally.engine.gate import Answer
from ally.events import Question
from ally.permissions.action import Scope
from ally.terminal.table import hang, width
from ally.terminal.text import one_line, visible

_KEYS: dict[str, Scope] = {"y": "once", "s": "session", "p": "project", "a": "always"}
_WORDS = {"yes": "y", "session": "s", "project": "p", "always": "a", "no": "n", "view": "v"}
_MEANING: dict[Scope, str] = {
    "once": "once",
    "session": "this session",
    "project": "this folder",
    "always": "everywhere",
}
_ALMOST = {"ok", "okay", "sure", "yep", "yeah", "ja", "oui", "si", "sí", "да", "好", "好的", "はい"}
_PLAIN_NAMES = {
    "network": "with network",
    "writable": "may write in",
    "background": "stays running",
    "all": "everywhere in it",
}
_SHORT = 80
_LEAST_ROWS = 6
_LEAST_COLUMNS = 10
_OTHER_ROWS = 10  # reason, choices and the answer


@dataclass(slots=True)
class Approver:
    """Asks in plain lines on the terminal that `keyboard` reads."""

    keyboard: Keyboard
    screen: Screen

    async def ask(self, question: Question) -> Answer:
        """The user's answer; no answer is a refusal."""
        self.screen.hold()
        try:
            return await self._ask(question)
        except asyncio.CancelledError:  # Ctrl-C left the cursor behind the question
            say("")
            raise
        finally:
            self.screen.release()

    async def _ask(self, question: Question) -> Answer:
        size = shutil.get_terminal_size()
        shown, hidden = _split(body(question, size.columns), size.lines)
        say(f"Allow {one_line(visible(question.call.name))}?")
        say("\n".join(shown))
        while True:
            for line in closing(question, len(hidden)):
                say(hang("  ", line, size.columns))
            choices = hang("", choices_of(question, bool(hidden)), size.columns - 1).replace("\xa0", " ") + " "
            text = await self.keyboard.fresh_line(lambda choices=choices: _prompt(choices))
            if text is None:
                say("(No answer: refused.)")
                return Answer(False)
            key = text.strip().lower()
            if hidden and _WORDS.get(key, key) == "v":
                say("\n".join(hidden))
                hidden = []
                continue
            answer = understood(text, question.scopes, bool(hidden))
            if isinstance(answer, Answer):
                return answer
            say(answer)


def understood(text: str, scopes: Sequence[str], has_hidden: bool) -> Answer | str:
    """What an answer means, or why it means nothing. Words that are no choice refuse, and are told to the model."""
    key = text.strip().lower()
    key = _WORDS.get(key, key)
    if key == "n":
        return Answer(False)
    if key in _KEYS:
        if _KEYS[key] not in scopes:
            return f"({key} is not offered for this call.)"
        if has_hidden:
            return "(Not all of it was shown yet: v shows the rest.)"
        return Answer(True, _KEYS[key])
    if len(key) < 2 or key in _ALMOST:
        return "(Answer with one of the letters, or say what to do instead.)"
    return Answer(False, message=text.strip())


def body(question: Question, columns: int) -> list[str]:
    """The whole action as lines that fit, with nothing in it that cannot be seen."""
    texts = [question.subject or "(no arguments)"]
    texts += [f"{_PLAIN_NAMES.get(name, name)}: {value}" for name, value in _other_arguments(question)]
    if question.preview:
        texts.append(question.preview.rstrip("\n"))
    room = max(_LEAST_COLUMNS, columns - 3)
    lines = [line for text in texts for line in visible(text).replace("\t", "    ").split("\n")]
    return ["  " + part for line in lines for part in _wrapped(line, room)]


def closing(question: Question, hidden: int) -> Iterator[str]:
    """Why it is asked, and what an answer would keep."""
    if hidden:
        yield f"… {hidden} line{'s' if hidden > 1 else ''} hidden, v shows them"
    if question.reason:
        yield f"why: {one_line(visible(question.reason))}"
    longer = [key for key, scope in _KEYS.items() if scope in question.scopes and scope != "once"]
    if question.remember and longer:
        rules = "  ".join(one_line(visible(rule)) for rule in question.remember)
        yield f"{', '.join(longer)} would remember: {rules}"


def choices_of(question: Question, has_hidden: bool) -> str:
    """What may be answered, in words; the last of them are not parted where the line is broken."""
    offered = [f"{key} {_MEANING[scope]}" for key, scope in _KEYS.items() if scope in question.scopes]
    return " · ".join([*offered, "n no", *(["v view"] if has_hidden else [])]) + " · or\xa0what\xa0to\xa0do\xa0instead:"


def _other_arguments(question: Question) -> Iterator[tuple[str, str]]:
    """The arguments that neither the subject nor the preview show."""
    for name, value in question.call.args.items():
        text = _in_words(value)
        is_in_preview = bool(question.preview) and (
            len(text) > _SHORT or "\n" in text or _holds(question.preview, value)
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


def _split(lines: list[str], rows: int) -> tuple[list[str], list[str]]:
    most = max(_LEAST_ROWS, rows - _OTHER_ROWS)
    return (lines, []) if len(lines) <= most else (lines[:most], lines[most:])


def _wrapped(line: str, room: int) -> Iterator[str]:
    part, used = "", 0
    for char in line:
        taken = width(char)
        if used + taken > room:
            yield part
            part, used = "", 0
        part, used = part + char, used + taken
    yield part


def _prompt(text: str) -> None:
    print(text, end="", flush=True, file=sys.stderr)
