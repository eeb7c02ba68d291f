"""Arguments that the user wrote in place of the model's: whether they are asked about, and what the model reads."""

import json

from ally.messages import JsonObject
from ally.permissions.action import Action, Ask, Grant

MAX_SHOWN_CHARACTERS = 300


def asks_for_no_more(before: tuple[Action, Ask], after: tuple[Action, Ask]) -> bool:
    """Whether `after` is of the kind that was asked about already, for no other reasons and with no further rights."""
    (shown, asked), (action, ask) = before, after
    is_same = (shown.tool, shown.kind, asked.rule) == (action.tool, action.kind, ask.rule)
    return is_same and _reasons(ask) <= _reasons(asked) and _is_within(ask.grant, asked.grant)


def changes(before: JsonObject, after: JsonObject) -> str:
    """The line that tells the model which arguments the user changed before its call ran."""
    names = [*after, *(name for name in before if name not in after)]
    parts = [_change(name, after) for name in names if name not in before or before.get(name) != after.get(name, ...)]
    return f"[The user changed this call before it ran: {'; '.join(parts)}]"


def _change(name: str, after: JsonObject) -> str:
    if name not in after:
        return f"without {name}"
    value = json.dumps(after[name], ensure_ascii=False)
    if len(value) <= MAX_SHOWN_CHARACTERS:
        return f"{name} is {value}"
    return f"{name} is another one of {len(value):,} characters, beginning {value[:MAX_SHOWN_CHARACTERS]} …"


def _reasons(ask: Ask) -> set[str]:
    return set(ask.reason.split("; "))


def _is_within(grant: Grant, other: Grant) -> bool:
    return (
        (other.network or not grant.network)
        and (other.git or not grant.git)
        and (grant.is_read_only or not other.is_read_only)
        and set(grant.writable) <= set(other.writable)
    )
