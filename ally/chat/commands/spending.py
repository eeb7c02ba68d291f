"""/cost /egress: what the chat took, and what left this machine for it."""

from collections.abc import Iterable

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.commands.models import LOCATIONS
from ally.chat.commands.window import last_turn
from ally.chat.standing import bytes_text, sent_text, standing
from ally.egress.ledger import Transfer, ledger
from ally.terminal.table import table


async def cost(chat: Chat, rest: str) -> str:
    """The tokens of this chat since it was opened, and what they cost where that is known."""
    now = standing(chat)
    cached = f", {now.cached_input_tokens:,} of them from a cache" if now.cached_input_tokens else ""
    lines = [f"read      {now.input_tokens:,} tokens{cached}", f"written   {now.output_tokens:,} tokens"]
    if not chat.tally.requests:
        lines = ["No service has counted tokens yet."]
    if turn := last_turn(chat):
        lines.append(f"last turn {turn}")
    is_free = now.location == "local"
    lines.append(
        "cost      nothing for this model: it runs on this machine"
        if is_free
        else "cost      not known: the service says no price with its answers"
    )
    lines.append(f"sent      {sent_text(now.sent)} (/egress tells more)")
    return "\n".join(lines)


async def egress(chat: Chat, rest: str) -> str:
    """What left this machine since Ally was started: to whom, what for, and how much."""
    rows = _rows(ledger.transfers)
    switched = "Offline: nothing leaves this machine." if chat.app.offline else ""
    said = [switched] if switched else []
    if rows:
        header = ("HOST", "PLACE", "FOR", "REQUESTS", "SENT", "RECEIVED", "FAILED")
        said += table(header, rows, space=chat.front.columns, spare=("RECEIVED", "FAILED"))
    else:
        said.append("Ally has sent nothing to anybody since it was started.")
    said.append("Commands that Ally runs are not counted; in the sandbox they reach no network unless you allow it.")
    return "\n".join(said)


def _rows(transfers: Iterable[Transfer]) -> list[tuple[str, ...]]:
    """One row for each host and purpose, farthest first, then those that got most."""
    groups: dict[tuple[str, str, str], list[Transfer]] = {}
    for one in transfers:
        proxy = f" (through {one.proxy})" if one.proxy else ""
        groups.setdefault((one.location, f"{one.host}:{one.port}{proxy}", one.purpose), []).append(one)
    order = ("cloud", "lan", "local")
    ordered = sorted(groups.items(), key=lambda item: (order.index(item[0][0]), -_sent(item[1])))
    return [
        (
            host,
            LOCATIONS[some[0].location],
            purpose,
            f"{len(some):,}",
            bytes_text(_sent(some)),
            bytes_text(sum(one.bytes_received for one in some)),
            _failed(some),
        )
        for (_, host, purpose), some in ordered
    ]


def _sent(transfers: Iterable[Transfer]) -> int:
    return sum(one.bytes_sent for one in transfers)


def _failed(transfers: list[Transfer]) -> str:
    refused = sum(one.refused for one in transfers)
    failed = sum(not one.refused and (bool(one.error) or (one.status or 200) >= 400) for one in transfers)
    told = (f"{refused} refused by Ally" if refused else "", f"{failed}" if failed else "")
    return ", ".join(filter(None, told))


COMMANDS = {
    "/cost": Command("/cost", "the tokens of this chat, and what they cost", cost),
    "/egress": Command("/egress", "what left this machine since Ally was started", egress),
}
