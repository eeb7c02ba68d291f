"""How a chat stands: what answers and where, what it may do, what it took, and what left this machine.

The words here are those of the status line, of /status and of /cost.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ally.chat.tally import Tally
from ally.egress.ledger import ledger
from ally.egress.location import Location

if TYPE_CHECKING:
    from ally.chat.chat import Chat
    from ally.config.settings import PermissionMode
    from ally.models.facts import FactSource

PLACES: dict[Location, str] = {"local": "this machine", "lan": "your network", "cloud": "cloud"}

_LEAST_DOLLARS, _MOST_DIGITS = 0.000_05, 4
_DIGITS = ((100, 0), (0.0995, 2), (0.00995, 3))
"""From how many dollars on so many digits after the point are enough."""

ALMOST_FULL = 0.8
"""From this share of the window on it is worth a warning."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes that Ally sent since it started, to the local network and beyond; commands that it ran are not in it."""

    lan: int = 0
    cloud: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A moment of a chat.

    `mode` is empty where nothing can be permitted. `tier` is None until the machine was tried. `used_tokens` is about
    what the next request has, of a `window` that is None where nobody knows it. `reused` is the share of the last
    turn's prompts that the service had kept, None where it does not say. `cost` is in US dollars by a dated list,
    of the requests whose price is known; None if there are none. `grounding`: answers come from collections.
    """

    agent: str
    provider: str
    model: str
    location: Location = "local"
    mode: "PermissionMode | Literal['']" = ""
    tier: Literal["A", "B", "C"] | None = None
    used_tokens: int = 0
    window: int | None = None
    window_source: "FactSource" = "guess"
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reused: float | None = None
    sent: Sent = Sent()
    is_offline: bool = False
    cost: float | None = None
    is_cost_whole: bool = True
    grounding: Literal["", "rag", "rag open"] = ""

    @property
    def confined(self) -> bool | None:
        """Whether commands run in a sandbox that holds; None until that is known."""
        return None if self.tier is None else self.tier == "A"

    @property
    def filled(self) -> float | None:
        """The share of the window that is used; more than 1 where it overflows."""
        return None if not self.window else self.used_tokens / self.window


def standing(chat: "Chat", tally: Tally | None = None) -> Standing:
    """How `chat` stands. Cheap: it asks neither the machine nor a service; `find_tier` does."""
    from ally.permissions.policy import Policy  # heavy

    tally = chat.tally if tally is None else tally
    profile, gate = chat.talk.model.profile, chat.talk.gate
    policy = gate.policy if gate is not None and chat.talk.offered else None
    return Standing(
        agent=chat.agent,
        provider=profile.provider,
        model=profile.model,
        location=profile.location,
        mode=policy.mode if isinstance(policy, Policy) else "",
        tier=_known_tier(chat) if policy is not None else None,
        used_tokens=tally.used(chat.talk),
        window=profile.context_window,
        window_source=profile.context_window_source,
        input_tokens=tally.input_tokens,
        output_tokens=tally.output_tokens,
        cached_input_tokens=tally.cached_input_tokens,
        reused=_reused(chat),
        sent=Sent(ledger.sent_bytes("lan"), ledger.sent_bytes("cloud")),
        is_offline=chat.app.offline,
        cost=tally.cost,
        is_cost_whole=tally.is_cost_whole,
        grounding=_grounding(chat),
    )


def find_tier(chat: "Chat") -> None:
    """Try the machine, so that the tier is known from then on. As slow as a command: call it in a thread."""
    _ = chat.app.sandbox


def tokens_text(tokens: int) -> str:
    """A number of tokens in at most five characters, such as 950, 1.2k, 32k and 1.5M."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if tokens >= unit * 0.9995:
            value = tokens / unit
            return (f"{value:.1f}" if value < 9.95 else f"{value:.0f}").removesuffix(".0") + name
    return str(tokens)


def window_text(tokens: int) -> str:
    """The size of a window as it is called: 32k is 32,768 tokens, 200k is 200,000."""
    return tokens_text(tokens if tokens % 1024 or not tokens % 1000 else tokens // 1024 * 1000)


def bytes_text(size: int) -> str:
    """A number of bytes in at most six characters, such as 950 B, 1.2 kB and 32 MB."""
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if size >= unit * 0.9995:
            value = size / unit
            return (f"{value:.1f}" if value < 9.95 else f"{value:.0f}").removesuffix(".0") + f" {name}"
    return f"{size} B"


def sent_text(sent: Sent) -> str:
    """What left this machine, e.g. `nothing` or `12 kB to the cloud, 3 kB to your network`."""
    to = ((sent.cloud, "to the cloud"), (sent.lan, "to your network"))
    return ", ".join(f"{bytes_text(size)} {where}" for size, where in to if size) or "nothing"


def dollars_text(dollars: float, *, is_whole: bool = True) -> str:
    """An amount such as `$1.20` and `$0.0031`; `≥ $0.12` where more was spent than is known."""
    if not dollars:
        return "$0" if is_whole else "≥ $0"
    if dollars < _LEAST_DOLLARS:
        return "<$0.0001" if is_whole else ">$0"
    digits = next((digits for least, digits in _DIGITS if dollars >= least), _MOST_DIGITS)
    return f"{'' if is_whole else '≥ '}${dollars:,.{digits}f}"


def cost_text(now: Standing) -> str:
    """What the chat cost, e.g. `about $0.12`; empty where nothing of it is known, or it was free."""
    if not now.cost:
        return ""
    return f"{'about ' if now.is_cost_whole else ''}{dollars_text(now.cost, is_whole=now.is_cost_whole)}"


def fill_text(now: Standing) -> str:
    """How much of the window is used, e.g. `12 % of 32k`."""
    if now.window is None:
        return f"{tokens_text(now.used_tokens)} tokens"
    return f"{percent(now.filled or 0)} of {window_text(now.window)}"


def sandbox_text(now: Standing) -> str:
    """The sandbox, e.g. `sandbox A`; empty until it is known."""
    return "" if now.tier is None else "no sandbox" if now.tier == "C" else f"sandbox {now.tier}"


def percent(share: float) -> str:
    """A share for people; a little is never nothing, and nearly all is not all."""
    whole = round(100 * share)
    if (whole == 0 and share > 0) or (whole == 100 and share < 1):
        return "<1 %" if whole == 0 else ">99 %"
    return f"{whole} %"


def _grounding(chat: "Chat") -> Literal["", "rag", "rag open"]:
    grounding = chat.talk.grounding
    return "" if grounding is None else "rag open" if grounding.is_open else "rag"


def _known_tier(chat: "Chat") -> Literal["A", "B", "C"] | None:
    sandbox = vars(chat.app).get("sandbox")  # asking for the attribute would try the machine
    return None if sandbox is None else sandbox.tier


def _reused(chat: "Chat") -> float | None:
    turn = chat.talk.meter.turn
    total = turn.prefilled + (turn.reused or 0)
    return None if turn.reused is None or not total else turn.reused / total
