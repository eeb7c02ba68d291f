"""/permissions: what may happen without asking."""

from dataclasses import replace
from typing import Literal

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.front import Option
from ally.config.settings import PermissionMode
from ally.errors import UsageError
from ally.permissions.policy import Policy
from ally.permissions.rules import parse_rule
from ally.terminal.table import table
from ally.terminal.text import visible
from ally.tools.catalogue import why_unknown

_HINT = "/permissions list, /permissions mode MODE, /permissions allow RULE, /permissions deny RULE"
MODES: dict[PermissionMode, str] = {
    "ask": "changes and commands ask",
    "accept-edits": "edits in this folder do not ask",
    "plan": "nothing is changed",
    "bypass": "almost nothing asks",
}


async def permissions(chat: Chat, rest: str) -> str:
    """Show the mode and the rules, or change them for this session."""
    word, _, value = rest.partition(" ")
    value = value.strip()
    match word:
        case "" | "mode" if not value and chat.front.can_ask:
            return await _choose_mode(chat)
        case "" | "list":
            return _shown(policy_of(chat), chat.front.columns)
        case "mode" if value:
            return _set_mode(chat, value)
        case "allow" | "deny" if value:
            return _add(chat, word, value)
        case _:
            raise UsageError(f"/permissions does not understand {word}.", hint=_HINT)


async def _choose_mode(chat: Chat) -> str:
    policy = policy_of(chat)
    rules = _shown(policy, None)
    options = [Option(mode, mode, (about,), is_current=mode == policy.mode) for mode, about in MODES.items()]
    chosen = await chat.front.choose("What may happen without asking", options, lambda mode: rules)
    return "" if chosen is None else _set_mode(chat, chosen)


def policy_of(chat: Chat) -> Policy:
    """The policy of the running conversation."""
    policy = chat.talk.gate.policy if chat.talk.gate else None
    if not isinstance(policy, Policy):
        raise UsageError("There are no permissions in this conversation.")
    return policy


def _set_mode(chat: Chat, name: str) -> str:
    modes: dict[str, PermissionMode] = {mode: mode for mode in MODES}
    mode = modes.get(name)
    if mode is None:
        raise UsageError(f"There is no mode {name}.", hint=f"the modes are {', '.join(MODES)}")
    policy_of(chat).mode = mode
    chat.consent = replace(chat.consent, mode=mode)
    return f"Mode {mode}: {MODES[mode]}."


def _add(chat: Chat, effect: Literal["allow", "deny"], text: str) -> str:
    rule = parse_rule(text, effect, "said in this chat")
    if why := why_unknown(rule.tool):
        raise UsageError(f"The rule {text} would have no effect: {why}")
    policy_of(chat).add(rule)
    consent = chat.consent
    if effect == "allow":
        chat.consent = replace(consent, allow=(*consent.allow, rule.text))
    else:
        chat.consent = replace(consent, deny=(*consent.deny, rule.text))
    return f"{effect} {visible(rule.text)}: until this chat ends."


def _shown(policy: Policy, space: int | None) -> str:
    rows = [(rule.effect, visible(rule.text), visible(rule.origin)) for rule in policy.rules]
    listed = table(("EFFECT", "RULE", "FROM"), rows, space=space) if rows else ["no rules"]
    sandbox = "in the sandbox" if policy.confined else "without a sandbox that holds, so every command asks"
    return "\n".join([f"mode {policy.mode}: {MODES[policy.mode]}; commands run {sandbox}", *listed])


def _values(chat: Chat) -> list[str]:
    return ["list", *(f"mode {mode}" for mode in MODES), "allow ", "deny "]


COMMANDS = {
    "/permissions": Command(
        "/permissions [list|mode M|allow R|deny R]",
        "choose what asks, and what not",
        permissions,
        "M is one of " + ", ".join(MODES) + ". A rule R names a tool and what it may touch: shell(make *),\n"
        "edit(src/**), read(.env). What is said here holds until this chat ends; config.json keeps rules.",
        _values,
    )
}
