"""Choosing one of several things in plain lines: by number, or by a part of its name."""

import asyncio
from collections.abc import Callable

from ally.chat.front import Option
from ally.cli.numbered import NumberedList
from ally.cli.terminal import report_in_chat, say
from ally.errors import AllyError
from ally.terminal.text import one_line

_EXPLAINED = "(A number or part of a name; ?N tells more, ? lists all, an empty line leaves.)"
_PROMPT = "Which one? "
_GIVEN_UP = ("", "q", "quit")
_MORE = ("more", "m")


async def choose(
    title: str, numbered: NumberedList, preview: Callable[[str], str] | None, ask: Callable[[str], str | None]
) -> str | None:
    """The `value` of what the user picks; None if nothing. `ask` gives a typed line, None if there is none."""
    if title:
        say(one_line(title))
    if not numbered.options:
        say("(There is nothing to choose from.)")
        return None
    _show(numbered)
    say(_EXPLAINED)
    while True:
        text = ask(_PROMPT)
        if text is None or (text := text.strip()).lower() in _GIVEN_UP:
            return None
        if text.startswith("?"):
            await _tell(numbered, text[1:].strip(), preview)
        elif text.lower() in _MORE and numbered.has_more:
            _show(numbered)
        elif (option := _named(numbered, text)) is not None:
            if not option.why_not:
                return option.value
            say(f"({one_line(option.label)} cannot be chosen now: {one_line(option.why_not)})")
        elif text.isdecimal():
            say(f"(There is no number {text[:9]}: they go from 1 to {len(numbered.options)}.)")
        else:
            _narrow(numbered, text)


def _named(numbered: NumberedList, text: str) -> Option | None:
    option = numbered.at(int(text)) if text.isdecimal() and len(text) < 7 else None
    return option or numbered.called(text)


def _narrow(numbered: NumberedList, text: str) -> None:
    if count := numbered.narrow(text):
        say(f"({count} of {len(numbered.options)}:)")
        _show(numbered)
    else:
        say(f"(Nothing here is called {one_line(text)[:60]}.)")


def _show(numbered: NumberedList) -> None:
    for line in numbered.page():
        say(line)


async def _tell(numbered: NumberedList, number: str, preview: Callable[[str], str] | None) -> None:
    """More about one option, or the whole list again."""
    if not number:
        numbered.widen()
        _show(numbered)
        return
    option = numbered.at(int(number)) if number.isdecimal() and len(number) < 7 else None
    if option is None:
        say("(There is no such number.)")
        return
    say(numbered.described(int(number)))
    if preview is None:
        return
    try:
        text = await asyncio.to_thread(preview, option.value)
    except AllyError as error:
        report_in_chat(error)
        return
    for line in text.rstrip("\n").split("\n") if text.strip() else ():
        say(f"    {line}".rstrip())
