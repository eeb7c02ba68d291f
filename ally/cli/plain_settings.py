"""The settings in plain lines: a numbered list, and a new value for one of them."""

from collections.abc import Callable

from ally.app import App
from ally.chat.front import Option
from ally.chat.listing import in_home, listed, shown
from ally.cli.config import change_setting
from ally.cli.numbered import NumberedList
from ally.cli.plain_choice import choose
from ally.cli.terminal import report_in_chat, say
from ally.config.schema import accepted, describe
from ally.config.view import as_json, split_key
from ally.errors import AllyError

Ask = Callable[[str], str | None]
"""Gives a typed line; None if there is none."""


async def change_settings(app: App, rows: int, columns: int | None, ask: Ask) -> None:
    """Let the user choose settings and give them values, until an empty line."""
    title = "Settings: the key, its value, and where it was set."
    while True:
        key = await choose(title, NumberedList(_options(app), columns, rows), None, ask)
        if key is None:
            return
        try:
            _change(app, key, ask)
        except AllyError as error:
            report_in_chat(error)
        title = "Another setting?"


def _options(app: App) -> list[Option]:
    loaded = app.load({})  # as the files are now
    options: list[Option] = []
    for keys, value, origin in listed(loaded.settings, loaded.origins):
        group = keys[0] if len(keys) > 1 else "general"
        options.append(Option(".".join(keys), ".".join(keys), (shown(value), in_home(origin)), group))
    return options


def _change(app: App, key: str, ask: Ask) -> None:
    schema = describe(split_key(key, as_json(app.settings))) or {}
    if text := schema.get("description", ""):
        say(text)
    text = ask(f"{key}, {accepted(schema)}, or null to unset it; an empty line leaves it as it is: ")
    if text is None or not text.strip():
        say("(As it was.)")
        return
    change_setting(app, key, text.strip())
