"""/theme /settings /keys: how Ally looks and what it is set to."""

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.listing import explained


async def theme(chat: Chat, name: str) -> str:
    """Draw in another theme: the one of that name, or one that is chosen."""
    if not name:
        if not chat.front.themes:
            return "Plain lines have no theme; NO_COLOR turns colours off."
        name = await chat.front.choose("Theme", chat.front.themes) or ""
        if not name:
            return ""
    chat.front.set_theme(name)
    return f"Theme {name}. (tui.theme in /settings keeps it.)"


async def settings(chat: Chat, rest: str) -> str:
    """Look at the settings and change them."""
    await chat.front.settings()
    return ""


async def keys(chat: Chat, rest: str) -> str:
    """The keys of this front end."""
    return "\n".join(explained(chat.front.keys, chat.front.columns))


def _themes(chat: Chat) -> list[str]:
    return [option.value for option in chat.front.themes]


COMMANDS = {
    "/theme": Command("/theme [NAME]", "choose the colours", theme, values=_themes),
    "/settings": Command("/settings", "look at the settings and change them", settings),
    "/keys": Command("/keys", "what the keys do", keys),
}
