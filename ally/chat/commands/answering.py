"""/provider /agent: whose models answer, and in which way."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ally.agents.spec import load_agent
from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.commands.models import SERVERS, describe, marked, switch
from ally.chat.front import Option
from ally.chat.standing import PLACES
from ally.config.settings import AGENTS
from ally.providers.discovery.entry import ProviderEntry, key_state
from ally.terminal.table import columns, table

if TYPE_CHECKING:
    from ally.models.facts import Server


async def provider(chat: Chat, name: str) -> str:
    """Go on with another provider: the one of that name, or one that is chosen; show them where nobody can choose."""
    if name:
        return await switch(chat, name, None)
    from ally.chat.model_rows import servers  # late: only these commands need it

    running = {server.provider: server for server in await asyncio.to_thread(servers, chat.app)}
    entries = [entry for entry in chat.app.registry.entries() if entry.error is None]
    if chat.front.can_ask:
        order = list(PLACES)
        options = [
            _option(chat, entry, running) for entry in sorted(entries, key=lambda one: order.index(one.location))
        ]
        chosen = await chat.front.choose("Provider", options)
        return "" if chosen is None else await switch(chat, chosen, None)
    current = chat.talk.model.profile.provider
    rows = [
        (marked(one.name == current, one.name), PLACES[one.location], _state(chat, one, running)) for one in entries
    ]
    return "\n".join(table(("  PROVIDER", "PLACE", "STATE"), rows, space=chat.front.columns))


async def agent(chat: Chat, name: str) -> str:
    """Go on as another agent: its prompt and its tools, with the same history."""
    if not name and chat.front.can_ask:
        options = [Option(one, one, (load_agent(one).description,), is_current=one == chat.agent) for one in AGENTS]
        name = await chat.front.choose("Agent", options, _about_agent) or ""
        if not name:
            return ""
    if name:
        await chat.change_agent(name)
        return describe(chat)
    rows = [(marked(one == chat.agent, one), load_agent(one).description) for one in AGENTS]
    return "\n".join(columns(rows, space=chat.front.columns))


def _about_agent(name: str) -> str:
    spec = load_agent(name)
    tools = ", ".join(spec.tools) or "none"
    return f"{spec.name}\n\ntemperature  {spec.temperature}\ntools        {tools}\n\n{spec.prompt}"


def _option(chat: Chat, entry: ProviderEntry, running: "Mapping[str, Server]") -> Option:
    missing = chat.app.keys.missing(entry.name, entry.required_env_vars)
    is_off = entry.name not in running and _is_server(entry) and entry.name not in chat.app.settings.endpoints
    why_not = f"start its server first, then it is listed with its models: /provider {entry.name}" if is_off else ""
    if missing:
        why_not = f"put {missing[0]}=... into .env and start Ally anew"
    cells = (entry.display_name, _state(chat, entry, running))
    group, is_current = PLACES[entry.location], entry.name == chat.talk.model.profile.provider
    return Option(entry.name, entry.name, cells, group, is_current=is_current, why_not="" if is_current else why_not)


def _state(chat: Chat, entry: ProviderEntry, running: "Mapping[str, Server]") -> str:
    """Whether it can be used: a key for a service, a running server for one of these."""
    if (server := running.get(entry.name)) is not None:
        chats = sum(not model.facts.embeds for model in server.models)
        return f"runs, {chats} model{'' if chats == 1 else 's'}"
    if _is_server(entry):
        return "does not run"
    state = key_state(entry, chat.app.keys.missing(entry.name, entry.required_env_vars))
    return {"set": "its key is set", "not needed": "needs no key"}.get(state, state) if chat.front.can_ask else state


def _is_server(entry: ProviderEntry) -> bool:
    return entry.name in SERVERS and entry.location != "cloud"


def _providers(chat: Chat) -> list[str]:
    return [entry.name for entry in chat.app.registry.entries() if entry.error is None]


def _agents(chat: Chat) -> list[str]:
    return list(AGENTS)


COMMANDS = {
    "/provider": Command("/provider [NAME]", "choose whose models answer", provider, values=_providers),
    "/agent": Command(
        "/agent [NAME]",
        "choose how Ally works: its prompt and its tools",
        agent,
        "The history stays. What the settings say for that agent, such as its model, holds from then on.",
        _agents,
    ),
}
