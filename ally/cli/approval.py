"""Asking before a call runs. What is shown comes from the arguments that will run, and all of it can be seen."""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ally.cli.keyboard import Keyboard
from ally.cli.screen import Screen
from ally.cli.table import width
from ally.cli.terminal import one_line, say, visible
from ally.engine.gate import Answer
from ally.events import Question
from ally.permissions.action import Scope

_KEYS: dict[str, Scope] = {"y": "once", "s": "session", "p": "project", "a": "always"}
_WORDS = {"yes": "y", "session": "s", "project": "p", "always": "a", "no": "n", "view": "v"}
_MEANING: dict[Scope, str] = {
    "once": "once",
    "session": "for this session",
    "project": "always in this folder",
    "always": "always and everywhere",
}
_SHORT = 80
_LEAST_ROWS = 6
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
        finally:
            self.screen.release()

    async def _ask(self, question: Question) -> Answer:
        size = shutil.get_terminal_size()
        shown, hidden = _split(body(question, size.columns), size.lines)
        say(f"Allow {one_line(visible(question.call.name))}?")
        say("\n".join(shown))
        while True:
            for line in closing(question, len(hidden)):
                say(line)
            choices = choices_of(question, bool(hidden))
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
    if len(key) < 2:
        return "(Answer with one of the letters, or say what to do instead.)"
    return Answer(False, message=text.strip())


def body(question: Question, columns: int) -> list[str]:
    """The whole action as lines that fit, with nothing in it that cannot be seen."""
    texts = [question.subject or "(no arguments)"]
    texts += [f"{name}: {value}" for name, value in _other_arguments(question)]
    if question.preview:
        texts.append(question.preview.rstrip("\n"))
    room = max(_SHORT // 4, columns - 3)
    lines = [line for text in texts for line in visible(text).replace("\t", "    ").split("\n")]
    return ["  " + part for line in lines for part in _wrapped(line, room)]


def closing(question: Question, hidden: int) -> Iterator[str]:
    """Why it is asked, and what an answer would keep."""
    if hidden:
        yield f"  … {hidden} line{'s' if hidden > 1 else ''} hidden, v shows them"
    if question.reason:
        yield f"  why: {one_line(visible(question.reason))}"
    longer = [key for key, scope in _KEYS.items() if scope in question.scopes and scope != "once"]
    if question.remember and longer:
        rules = "  ".join(one_line(visible(rule)) for rule in question.remember)
        yield f"  {', '.join(longer)} would remember: {rules}"


def choices_of(question: Question, has_hidden: bool) -> str:
    """What may be answered, in words."""
    offered = [f"{key} {_MEANING[scope]}" for key, scope in _KEYS.items() if scope in question.scopes]
    return ", ".join([*offered, "n no", *(["v view"] if has_hidden else [])]) + ", or what to do instead: "


def _other_arguments(question: Question) -> Iterator[tuple[str, str]]:
    """The arguments that neither the subject nor the preview show."""
    for name, value in question.call.args.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        is_in_preview = bool(question.preview) and (len(text) > _SHORT or "\n" in text)
        if text != question.subject and not is_in_preview:
            yield name, text


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
