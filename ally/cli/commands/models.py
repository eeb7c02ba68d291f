"""/model /provider /agent: who answers."""

import difflib
from collections.abc import Collection, Sequence

from ally.agents.spec import load_agent
from ally.cli.commands.chat import Chat, Command
from ally.cli.providers import key_state
from ally.cli.table import columns, room
from ally.cli.terminal import clean, one_line
from ally.config.settings import AGENTS
from ally.models import store

LOCATIONS = {"local": "this machine", "lan": "your network", "cloud": "cloud"}


async def model(chat: Chat, name: str) -> str:
    """Show the models of the provider, or go on with another."""
    profile = chat.talk.model.profile
    listed = chat.app.registry.get(profile.provider).get_available_models()
    if name:
        said = await _switch(chat, profile.provider, name)
        return said + (f"\n{_doubt(profile.provider, name, listed)}" if listed and name not in listed else "")
    here = {model.name for model in store.installed(chat.app.paths)} if profile.provider == "local" else None
    models = listed if profile.model in listed else [profile.model, *listed]
    rows = [(_mark(model == profile.model, model), _remark(model, here)) for model in models]
    return "\n".join(columns(rows, space=room()))


async def provider(chat: Chat, name: str) -> str:
    """Show the providers, or go on with another."""
    if name:
        return await _switch(chat, name, None)
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
    return "\n".join(columns(rows, space=room()))


async def agent(chat: Chat, name: str) -> str:
    """Show the agents, or go on with another: its prompt and its tools, with the same history."""
    if name:
        await chat.change_agent(name)
        return describe(chat)
    rows = [(_mark(one == chat.agent, one), load_agent(one).description) for one in AGENTS]
    return "\n".join(columns(rows, space=room()))


def describe(chat: Chat) -> str:
    """The agent, the model in use and where it runs."""
    profile = chat.talk.model.profile
    by = "" if chat.agent == "general" else f"{chat.agent} · "
    return clean(f"{by}{profile.provider}:{profile.model} ({LOCATIONS[profile.location]})")


async def _switch(chat: Chat, provider: str, model: str | None) -> str:
    """Go on with another model; the old one stays if the new one cannot be had."""
    other = chat.app.converse(chat.agent, provider=provider, model=model, temperature=chat.args.temperature)
    await chat.talk.change_model(other.model, other.system).close()
    return describe(chat)


def _doubt(provider: str, name: str, listed: Sequence[str]) -> str:
    """Services have more models than any list of them, so that a name is tried whatever the list says."""
    near = difflib.get_close_matches(name.lower(), {model.lower(): model for model in listed}, n=1)
    meant = next((model for model in listed if near and model.lower() == near[0]), None)
    return f"({provider} lists no {name}; " + (f"did you mean {meant}?)" if meant else "/model shows what it lists.)")


def _remark(model: str, here: Collection[str] | None) -> str:
    if here is None:
        return ""
    return "on this machine" if model in here else f"ally models pull {model}"


def _mark(is_current: bool, name: str) -> str:
    return ("* " if is_current else "  ") + one_line(name)


COMMANDS = {
    "/model": Command("/model [NAME]", "show or change the model", model),
    "/provider": Command("/provider [NAME]", "show or change the provider", provider),
    "/agent": Command("/agent [NAME]", "show or change the agent", agent),
}
