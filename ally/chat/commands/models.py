"""/model: which model answers."""

import asyncio
import difflib
from typing import TYPE_CHECKING

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.commands.window import doubt_window
from ally.chat.standing import PLACES
from ally.errors import UsageError
from ally.models.servers.choice import chat_models, find_model
from ally.providers.model import Profile
from ally.terminal.table import table
from ally.terminal.text import clean, one_line

if TYPE_CHECKING:
    from ally.chat.model_rows import Row

SERVERS = ("ollama", "lmstudio", "llamacpp", "localai", "vllm")
"""Providers that are there only while their server runs."""


async def model(chat: Chat, name: str) -> str:
    """Go on with another model: the one of that name, or one that is chosen; show them where nobody can choose."""
    if name:
        return await _change(chat, name)
    if chat.front.can_ask:
        return await _choose(chat)
    from ally.chat.model_rows import groups  # late: only this command needs it

    profile = chat.talk.model.profile
    listed = chat.app.registry.get(profile.provider).get_available_models()
    known = {
        _spelling(row, profile.provider): row
        for group in await asyncio.to_thread(groups, chat.app)
        for row in group.rows
    }
    names = list(dict.fromkeys([profile.model, *listed, *(name for name, row in known.items() if row.is_usable)]))
    rows = [_current(profile), *(_described(name, known.get(name)) for name in names if name != profile.model)]
    return "\n".join(table(("  MODEL", "WINDOW", "TOOLS", "NOTE"), rows, space=chat.front.columns))


async def _choose(chat: Chat) -> str:
    from ally.chat.model_offers import offers  # late: only this command needs it

    found = await asyncio.to_thread(offers, chat.app, chat.talk.model.profile)
    title = "Model · /model NAME takes any other"
    chosen = await chat.front.choose(title, [one.option for one in found.values()], lambda value: found[value].about)
    if chosen is None:
        return ""
    return await switch(chat, found[chosen].provider, found[chosen].model)


def describe(chat: Chat) -> str:
    """The agent, the model in use and where it runs."""
    profile = chat.talk.model.profile
    by = "" if chat.agent == "general" else f"{chat.agent} · "
    return clean(f"{by}{profile.provider}:{profile.model} ({PLACES[profile.location]})")


async def _change(chat: Chat, wanted: str) -> str:
    """Go on with the model `wanted` of the provider in use, or of the server that `server:model` names."""
    current = chat.talk.model.profile.provider
    prefix, _, rest = wanted.partition(":")
    places = {entry.name: entry.location for entry in chat.app.registry.entries() if entry.error is None}
    listed = chat.app.registry.get(current).get_available_models()
    place = places.get(prefix.lower()) if rest and wanted not in listed else None
    # A name such as mistral:7b must not carry the conversation into a cloud.
    if place in ("local", "lan") or (rest and prefix.lower() == current):
        said = await switch(chat, prefix.lower(), rest)
        return said + await _doubt(chat, prefix.lower(), rest)
    there = f"/provider {one_line(prefix)}, then /model {one_line(rest)}"
    if place == "cloud" and current == "local":  # no model of the embedded engine has such a name
        raise UsageError(f"{one_line(prefix)} is a service in the cloud.", hint=f"to go on with it: {there}")
    said = await switch(chat, current, wanted)
    if place == "cloud" and current != "ollama":
        return f"{said}\n(To go on with {one_line(prefix)}: {there}.)"
    return said + await _doubt(chat, current, wanted)


async def switch(chat: Chat, provider: str, model: str | None) -> str:
    """Go on with another model; the old one stays if the new one cannot be had."""
    other = chat.app.converse(chat.agent, provider=provider, model=model, temperature=chat.start.temperature)
    await chat.talk.change_model(other.model, other.system).close()
    doubt = doubt_window(other.model.profile)
    return "\n".join([describe(chat), *([f"({doubt})"] if doubt else [])])


async def _doubt(chat: Chat, provider: str, name: str) -> str:
    """A line on why it may not have that model; a name is tried all the same, as services have more than they list."""
    from ally.chat.model_rows import holders, servers  # late: only these commands need it

    if provider == "local":  # it has what it has, and says so
        return ""
    running = {server.provider: server for server in await asyncio.to_thread(servers, chat.app)}
    if (server := running.get(provider)) is not None:
        listed = [] if find_model(server, name) else [model.name for model in chat_models(server)]
    elif provider in SERVERS and provider not in chat.app.settings.endpoints:
        return f"\n({provider} does not answer now: start it, or see /provider.)"
    else:
        listed = chat.app.registry.get(provider).get_available_models()
    if not listed or name in listed:
        return ""
    near = difflib.get_close_matches(name.lower(), {model.lower(): model for model in listed}, n=1)
    meant = next((model for model in listed if near and model.lower() == near[0]), None)
    said = f"did you mean {meant}?" if meant else "/model shows what it lists."
    if others := holders(chat.app, name, list(running.values())):
        said = f"{others[0]} does: /model {others[0]}:{name}."
    fetch = f" !ally models pull ollama:{name} fetches it." if provider == "ollama" else ""
    return "\n" + one_line(f"({provider} lists no {name}; {said}{fetch})")


def _current(profile: Profile) -> tuple[str, ...]:
    """The model in use, as it is known by now."""
    window = f"{profile.context_window:,} ({profile.context_window_source})" if profile.context_window else "?"
    tools = profile.tool_calling if profile.tools else "no tools"
    return marked(True, profile.model), window, tools, PLACES[profile.location]


def _described(name: str, row: "Row | None") -> tuple[str, ...]:
    if row is None:
        return marked(False, name), "", "", ""
    from ally.chat.model_cells import note, source_text, tools_text, window_text  # late: only /model needs it

    if not row.is_usable:
        return marked(False, name), window_text(row), tools_text(row), f"!ally models pull {row.name}"
    window, source = window_text(row), source_text(row)
    place = "" if row.facts.is_remote else PLACES[row.location]
    remark = ", ".join(filter(None, (place, note(row))))
    return marked(False, name), f"{window} ({source})" if source else window, tools_text(row), remark


def _spelling(row: "Row", current: str) -> str:
    """What /model takes for it: the models of the provider in use need no prefix."""
    return row.name if row.provider == current else f"{row.provider}:{row.name}"


def marked(is_current: bool, name: str) -> str:
    """A name in a list, with a mark before the one in use."""
    return ("* " if is_current else "  ") + one_line(name)


def _names(chat: Chat) -> list[str]:
    """What /model takes without a warning: the models of servers that run, and of the engine."""
    from ally.chat.model_rows import servers  # late: only completion needs it
    from ally.models import store  # late: the same

    running = [
        f"{one.provider}:{model.name}" for one in servers(chat.app) if one.provider for model in chat_models(one)
    ]
    return [*running, *(f"local:{model.name}" for model in store.answering(chat.app.paths))]


COMMANDS = {
    "/model": Command(
        "/model [NAME]",
        "choose the model that answers",
        model,
        "NAME is any model of the provider in use, SERVER:NAME one of another server on this machine or in your\n"
        "network. A service in the cloud is only taken by choosing it, or with /provider.",
        _names,
    )
}
