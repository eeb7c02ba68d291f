"""What the models of a chat have read and written since it began, and what that cost."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ally.events import Event, UsageReported

if TYPE_CHECKING:
    from ally.egress.location import Location
    from ally.engine.conversation import Conversation
    from ally.models.price import Price
    from ally.providers.model import Profile


@dataclass(slots=True)
class Spent:
    """What one model took, as its service counted it; `input_tokens` includes what came from a cache or went into it.

    `cost` is in US dollars, without the `unpriced` requests. `price` is that of the last one, None if it is not known.
    """

    provider: str
    model: str
    location: "Location"
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_written_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    price: "Price | None" = None

    @property
    def is_priced(self) -> bool:
        """Whether something of its cost is known."""
        return self.location != "local" and self.unpriced < self.requests

    def add(self, usage: UsageReported, price: "Price | None") -> None:
        """One more request."""
        self.requests += 1
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.cached_input_tokens += usage.cached_input_tokens
        self.cache_written_tokens += usage.cache_written_tokens
        self.price = price
        if price is not None:
            cached, written = usage.cached_input_tokens, usage.cache_written_tokens
            self.cost += price.cost(usage.input_tokens, usage.output_tokens, cached=cached, written=written)
        elif self.location != "local":
            self.unpriced += 1


class Tally:
    """Adds up what services counted. Every front end gives it each event, of turns and of summaries.

    A service that does not count adds nothing, and a model on this machine costs nothing.
    """

    def __init__(self) -> None:
        self._spent: dict[tuple[str, str, str], Spent] = {}
        self._mark: object = None
        self._used = 0

    def add(self, event: Event, profile: "Profile") -> None:
        """Take note of one event of the model that `profile` describes."""
        if isinstance(event, UsageReported) and (event.input_tokens or event.output_tokens):
            key = (profile.provider, profile.model, profile.location)
            self._spent.setdefault(key, Spent(*key)).add(event, profile.price)

    @property
    def spent(self) -> list[Spent]:
        """One for each model that answered, in the order in which they began."""
        return list(self._spent.values())

    @property
    def requests(self) -> int:
        """How many were counted."""
        return sum(one.requests for one in self._spent.values())

    @property
    def input_tokens(self) -> int:
        """What all models read."""
        return sum(one.input_tokens for one in self._spent.values())

    @property
    def output_tokens(self) -> int:
        """What all models wrote."""
        return sum(one.output_tokens for one in self._spent.values())

    @property
    def cached_input_tokens(self) -> int:
        """What of the input came from caches."""
        return sum(one.cached_input_tokens for one in self._spent.values())

    @property
    def cost(self) -> float | None:
        """US dollars for all requests whose price is known; None if there is none, and what is free has a price."""
        known = [one.cost for one in self._spent.values() if one.is_priced]
        return sum(known) if known else None

    @property
    def is_cost_whole(self) -> bool:
        """Whether `cost` is all: the price of every request beyond this machine is known."""
        return not any(one.unpriced for one in self._spent.values())

    def used(self, talk: "Conversation") -> int:
        """About how many tokens the next request has.

        Counted anew only when the history grew: 2,000 messages that no service has counted take 10 ms.
        """
        from ally.engine.context import used  # heavy

        last = talk.messages[-1] if talk.messages else None
        mark = (id(talk), talk.system, len(talk.messages), last, talk.used_tokens, talk.counted_messages)
        if mark != self._mark:
            self._mark, self._used = mark, used(talk)
        return self._used
