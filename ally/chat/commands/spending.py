"""/cost /egress: what the chat took, and what left this machine for it."""

from collections.abc import Iterable

from ally.chat.chat import Chat
from ally.chat.commands.command import Command
from ally.chat.commands.window import last_turn
from ally.chat.standing import PLACES, Standing, bytes_text, cost_text, dollars_text, sent_text, standing
from ally.chat.tally import Spent, Tally
from ally.egress.ledger import Transfer, ledger
from ally.models.price import Price
from ally.providers.model import Profile
from ally.terminal.table import table

_NOTHING = "nothing"
_FREE = "nothing: it runs on this machine"
_NEWER = "!ally models update fetches newer ones"


async def cost(chat: Chat, rest: str) -> str:
    """The tokens of this chat since it was opened, and what they cost where that is known."""
    now, tally = standing(chat), chat.tally
    cached = f", {now.cached_input_tokens:,} of them from a cache" if now.cached_input_tokens else ""
    lines = [f"read      {now.input_tokens:,} tokens{cached}", f"written   {now.output_tokens:,} tokens"]
    if not tally.requests:
        lines = ["No service has counted tokens yet."]
    if turn := last_turn(chat):
        lines.append(f"last turn {turn}")
    lines.append(f"cost      {_in_all(now, tally) if tally.requests else _to_come(chat.talk.model.profile)}")
    if tally.cost is not None or len(tally.spent) > 1:
        lines += _by_model(tally, chat.front.columns)
    lines.append(f"sent      {sent_text(now.sent)} (/egress tells more)")
    return "\n".join(lines)


def _in_all(now: Standing, tally: Tally) -> str:
    """What all of it cost, and by which prices."""
    if tally.cost is None:
        return _FREE if tally.is_cost_whole else "not known: nobody lists a price for what answered"
    said = cost_text(now) or (_NOTHING if now.is_cost_whole else "not known")
    if not now.is_cost_whole:
        missing = sum(one.unpriced for one in tally.spent)
        said += f", without {missing} of {tally.requests} requests whose price nobody lists"
    dates = sorted({one.price.as_of for one in tally.spent if one.price})
    return f"{said}; prices as listed on {' and '.join(dates)} ({_NEWER})" if dates else said


def _to_come(profile: Profile) -> str:
    """What tokens of a model will cost."""
    if profile.location == "local":
        return _FREE
    if profile.price is None:
        return "not known: nobody lists a price for this model"
    return f"{_rates(profile.price)}, as listed on {profile.price.as_of} ({_NEWER})"


def _by_model(tally: Tally, space: int | None) -> list[str]:
    header = ("  MODEL", "READ", "CACHED", "WRITTEN", "COST", "A MILLION TOKENS")
    rows = [
        (
            f"  {one.provider}:{one.model}",
            f"{one.input_tokens:,}",
            f"{one.cached_input_tokens:,}",
            f"{one.output_tokens:,}",
            _cost(one),
            _rates(one.price) if one.price else "",
        )
        for one in tally.spent
    ]
    return table(header, rows, space=space, spare=("A MILLION TOKENS", "CACHED", "WRITTEN", "READ"))


def _cost(spent: Spent) -> str:
    if spent.location == "local":
        return f"{_NOTHING}: this machine"
    if not spent.is_priced:
        return "not known"
    is_whole = not spent.unpriced
    if not spent.cost:
        return _NOTHING if is_whole else "not known"
    return f"{'about ' if is_whole else ''}{dollars_text(spent.cost, is_whole=is_whole)}"


def _rates(price: Price) -> str:
    """What a million tokens cost in a usual prompt, e.g. `$5 read, $25 written, $0.5 cached`."""
    usual = price.rates[0]
    if not usual.input and not usual.output:
        return _NOTHING
    cached = f", ${usual.cache_read:g} cached" if usual.cache_read != usual.input else ""
    longer = "; more for long prompts" if len(price.rates) > 1 else ""
    return f"${usual.input:g} read, ${usual.output:g} written{cached}{longer}"


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
            PLACES[some[0].location],
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
