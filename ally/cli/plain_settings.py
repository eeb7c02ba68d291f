"""The settings in plain lines: a numbered list, and a new value for one of them."""

from collections.abc import Callable
from dataclasses import dataclass

from ally.app import App
from ally.chat.front import Option
from ally.chat.listing import in_home
from ally.chat.setting_rows import Setting, change, reset, setting_rows
from ally.cli.numbered import NumberedList
from ally.cli.plain_choice import choose
from ally.cli.terminal import say
from ally.config.change import Change

_UNSET = "null"


@dataclass(frozen=True, slots=True)
class PlainSettings:
    """Changes settings on a terminal of so many rows and columns; `ask` gives a typed line, None if there is none.

    It gets a prompt and the text that the line begins with where lines can be edited.
    """

    app: App
    rows: int
    columns: int
    ask: Callable[[str, str], str | None]

    async def change(self) -> None:
        """Let the user choose a setting and give it a value."""
        found = {setting.key: setting for setting in setting_rows(self.app)}
        options = [_option(setting) for setting in found.values()]
        key = await self._choose("Settings: the key, its value, and where it was set", options)
        if key is not None:
            await self._change(found[key])

    async def _change(self, setting: Setting) -> None:
        say(setting.about)
        if setting.refusal:
            say(f"({setting.refusal})")
            return
        text = await self._value(setting)
        if text is None or not text.strip() or text == setting.text:
            say("(As it was.)")
        elif text.strip() == _UNSET:
            _tell("unset", reset(self.app, setting), setting)
        else:
            _tell("set", change(self.app, setting, text), setting)

    async def _value(self, setting: Setting) -> str | None:
        """What the user wishes for it, as the setting takes it; None to leave it."""
        if setting.kind == "choice":
            options = [_choice(choice, setting) for choice in setting.choices]
            return await self._choose(setting.key, [*options, Option(_UNSET, "unset", (f"then {setting.default}",))])
        say(f"({setting.accepts}; null unsets it, an empty line leaves it as it is.)")
        return self.ask(f"{setting.key}: ", setting.text)

    async def _choose(self, title: str, options: list[Option]) -> str | None:
        numbered = NumberedList(options, self.columns, self.rows)
        return await choose(title, numbered, None, lambda prompt: self.ask(prompt, ""))


def _option(setting: Setting) -> Option:
    return Option(setting.key, setting.key, (setting.shown, setting.origin), setting.group)


def _choice(value: str, setting: Setting) -> Option:
    """One of the values of a setting, which stand as JSON."""
    label = value.strip('"')
    return Option(value, label, is_current=label == setting.text.strip('"'))


def _tell(done: str, changed: Change | None, setting: Setting) -> None:
    if changed is None:
        say(f"({setting.key} was set nowhere.)")
    else:
        say(f"{setting.key} is {done} in {in_home(str(changed.file))}. {setting.effect}")
