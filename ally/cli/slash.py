"""Slash commands of the plain chat."""

import argparse
import difflib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from ally.app import App
from ally.cli.providers import key_state
from ally.cli.table import columns, room
from ally.cli.terminal import clean, one_line, say
from ally.engine.conversation import Conversation
from ally.errors import UsageError
from ally.models import store

LOCATIONS = {"local": "this machine", "lan": "your network", "cloud": "cloud"}


@dataclass(slots=True)
class Chat:
    """A running chat."""

    app: App
    talk: Conversation
    args: argparse.Namespace
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command; `run` gets what stands after its name."""

    usage: str
    help: str
    run: Callable[[Chat, str], Awaitable[None]]


def is_command(text: str) -> bool:
    """Whether `text` is meant as a command: `/word …`; a path such as `/etc/hosts` is a message."""
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    return word.startswith("/") and len(word) > 1 and "/" not in word[1:]


async def run_command(chat: Chat, text: str) -> None:
    """Run the command that `text` names.

    Raises:
        UsageError: there is no such command.
        AllyError: it could not do what it should; nothing has changed then.
    """
    word, _, rest = text.strip().partition(" ")
    name = _ALIASES.get(word.lower(), word.lower())
    command = COMMANDS.get(name)
    if command is None:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else "/help lists the commands"
        raise UsageError(f"Unknown command: {word}.", hint=hint)
    await command.run(chat, rest.strip())


async def _help(chat: Chat, rest: str) -> None:
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        print(f"{command.usage:<{width}}  {command.help}")
    print("A backslash at the end of a line continues the message on the next line; a pasted block is one message.")
    print("Ctrl-C stops an answer, Ctrl-D leaves.")


async def _model(chat: Chat, name: str) -> None:
    profile = chat.talk.model.profile
    listed = chat.app.registry.get(profile.provider).get_available_models()
    if name:
        await _switch(chat, profile.provider, name)
        if listed and name not in listed:
            _doubt(profile.provider, name, listed)
        return
    here = {model.name for model in store.installed(chat.app.paths)} if profile.provider == "local" else None
    models = listed if profile.model in listed else [profile.model, *listed]
    rows = [(_mark(model == profile.model, model), _remark(model, here)) for model in models]
    print("\n".join(columns(rows, space=room())))


def _doubt(provider: str, name: str, listed: Sequence[str]) -> None:
    """Services have more models than any list of them, so that a name is tried whatever the list says."""
    near = difflib.get_close_matches(name.lower(), {model.lower(): model for model in listed}, n=1)
    meant = next((model for model in listed if near and model.lower() == near[0]), None)
    say(f"({provider} lists no {name}; " + (f"did you mean {meant}?)" if meant else "/model shows what it lists.)"))


def _remark(model: str, here: Collection[str] | None) -> str:
    if here is None:
        return ""
    return "on this machine" if model in here else f"ally models pull {model}"


async def _provider(chat: Chat, name: str) -> None:
    if name:
        await _switch(chat, name, None)
        return
    current = chat.talk.model.profile.provider
    rows = [
        (
            _mark(entry.name == current, entry.name),
            LOCATIONS[entry.location],
            key_state(entry, chat.app.keys.missing(entry.name, entry.required_env_vars)),
        )
        for entry in chat.app.registry.entries()
        if entry.error is None
    ]
    print("\n".join(columns(rows, space=room())))


def _mark(is_current: bool, name: str) -> str:
    return ("* " if is_current else "  ") + one_line(name)


async def _switch(chat: Chat, provider: str, model: str | None) -> None:
    """Go on with another model; the old one stays if the new one cannot be had."""
    args = chat.args
    talk = chat.app.converse(args.agent or "general", provider=provider, model=model, temperature=args.temperature)
    await chat.talk.change_model(talk.model, talk.system).close()
    print(describe(chat))


def describe(chat: Chat) -> str:
    """The model in use and where it runs."""
    profile = chat.talk.model.profile
    return clean(f"{profile.provider}:{profile.model} ({LOCATIONS[profile.location]})")


async def _clear(chat: Chat, rest: str) -> None:
    chat.talk.clear()
    print("Forgotten: the next message starts anew.")


async def _quit(chat: Chat, rest: str) -> None:
    chat.is_over = True


COMMANDS = {
    "/help": Command("/help", "this list", _help),
    "/model": Command("/model [NAME]", "show or change the model", _model),
    "/provider": Command("/provider [NAME]", "show or change the provider", _provider),
    "/clear": Command("/clear", "forget what was said", _clear),
    "/quit": Command("/quit", "leave (also Ctrl-D)", _quit),
}
_ALIASES = {"/h": "/help", "/exit": "/quit", "/q": "/quit"}
