"""/status /quit: where one is, and how to leave."""

from pathlib import Path

from ally import __version__
from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.commands.models import describe
from ally.chat.commands.permissions import MODES, policy_of
from ally.chat.commands.sessions import told
from ally.chat.commands.window import doubt_window, last_turn, of_window
from ally.engine.context import used
from ally.terminal.text import one_line

CALLS = {
    "native": "native: by the service's own field",
    "schema": "schema: as JSON that the service holds the model to",
    "text": "text: read from what the model writes",
}
"""How the model calls tools."""


async def status(chat: Chat, rest: str) -> str:
    """What answers, where it works, and what it may do."""
    profile, total = chat.talk.model.profile, used(chat.talk)
    sandbox = chat.app.sandbox
    policy = policy_of(chat)
    why = f": {one_line(sandbox.reason)}" if sandbox.reason else ""
    rows = {
        "Ally": __version__,
        "agent": chat.agent,
        "model": describe(chat),
        "window": f"about {total:,} tokens{of_window(profile, total)}",
        "prompts": last_turn(chat) or "none yet",
        "tools": ", ".join(spec.name for spec in chat.talk.tool_specs()) or "none",
        "calls": CALLS[profile.tool_calling],
        "folder": str(Path.cwd()),
        "trusted": "yes" if chat.app.trust.is_trusted(Path.cwd()) else "no: its AGENTS.md and settings are not read",
        "mode": f"{policy.mode}: {MODES[policy.mode]}",
        "sandbox": f"tier {sandbox.tier}, {sandbox.name}{why}",
        "session": chat.session.id,
        "network": "offline: nothing leaves this machine" if chat.app.offline else "on",
    }
    return "\n".join(f"{name:<8}  {one_line(value)}" for name, value in rows.items())


def greeting(chat: Chat) -> str:
    """The first lines of a chat: who answers and where, what may happen without asking, and which session goes on.

    As slow as a command where the sandbox was not tried yet.
    """
    lines = [f"Ally {__version__} · {describe(chat)} · /help · Ctrl-D leaves", _surroundings(chat)]
    return "\n".join([*lines, *([told(chat)] if chat.talk.messages else [])])


def _surroundings(chat: Chat) -> str:
    """The permission mode and the sandbox."""
    if not chat.talk.tool_specs():
        return "this agent has no tools: it answers, and changes nothing"
    sandbox, policy = chat.app.sandbox, policy_of(chat)
    held = "no sandbox" if sandbox.tier == "C" else f"sandbox {sandbox.tier} ({sandbox.name})"
    held += "" if policy.confined else ": every command asks"
    doubt = doubt_window(chat.talk.model.profile)
    return "\n".join([f"mode {policy.mode}: {MODES[policy.mode]} · {held}", *([doubt] if doubt else [])])


async def leave(chat: Chat, rest: str) -> str:
    """End the chat."""
    chat.is_over = True
    return ""


COMMANDS = {
    "/status": Command("/status", "model, folder, permissions, sandbox, session", status),
    "/quit": Command("/quit", "leave (also Ctrl-D)", leave),
}
