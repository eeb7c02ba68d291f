"""/status /quit: where one is, and how to leave."""

import asyncio
from pathlib import Path

from ally import __version__
from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.commands.models import describe
from ally.chat.commands.permissions import MODES, policy_of
from ally.chat.commands.sessions import told
from ally.chat.commands.window import NO_WINDOW, SOURCES, doubt_window, last_turn
from ally.chat.standing import Standing, cost_text, fill_text, find_tier, sandbox_text, sent_text, standing, tokens_text
from ally.terminal.text import one_line

CALLS = {
    "native": "native: by the service's own field",
    "schema": "schema: as JSON that the service holds the model to",
    "text": "text: read from what the model writes",
}
"""How the model calls tools."""


async def status(chat: Chat, rest: str) -> str:
    """What answers, where it works, and what it may do."""
    await asyncio.to_thread(find_tier, chat)
    now, profile, sandbox = standing(chat), chat.talk.model.profile, chat.app.sandbox
    why = f": {sandbox.reason}" if sandbox.reason else ""
    read, written = tokens_text(now.input_tokens), tokens_text(now.output_tokens)
    rows = {
        "Ally": __version__,
        "agent": chat.agent,
        "model": describe(chat),
        "window": _window(now),
        "prompts": last_turn(chat) or "none yet",
        "tools": ", ".join(spec.name for spec in chat.talk.tool_specs()) or "none",
        "calls": CALLS[profile.tool_calling],
        "answers": _answers(chat),
        "folder": str(Path.cwd()),
        "trusted": "yes" if chat.app.trust.is_trusted(Path.cwd()) else "no: its AGENTS.md and settings are not read",
        "mode": f"{now.mode}: {MODES[now.mode]}" if now.mode else "nothing is permitted: there are no tools",
        "sandbox": f"{sandbox_text(now) or f'sandbox {sandbox.tier}'} ({sandbox.name}){why}",
        "session": chat.session.id,
        "tokens": ", ".join(filter(None, (f"{read} read", f"{written} written", cost_text(now)))),
        "left": "offline: nothing leaves this machine" if now.is_offline else sent_text(now.sent),
    }
    return "\n".join(f"{name:<8}  {one_line(value)}" for name, value in rows.items())


def _answers(chat: Chat) -> str:
    """Where they come from."""
    grounding = chat.talk.grounding
    if grounding is None:
        return "from anywhere (/start_rag: from your collections)"
    return "from your collections first" if grounding.is_open else "from your collections only"


def _window(now: Standing) -> str:
    if now.window is None:
        return f"about {now.used_tokens:,} tokens{NO_WINDOW}"
    source = SOURCES[now.window_source]
    return f"{fill_text(now)}: about {now.used_tokens:,} of {now.window:,} tokens; {source}"


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
