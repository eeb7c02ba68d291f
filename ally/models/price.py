"""What a service in the cloud asks for tokens, as far as a dated list knows it."""

from dataclasses import dataclass

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars for a million tokens, of requests whose prompt has more than `above` tokens."""

    above: int
    input: float
    output: float
    cache_read: float
    cache_write: float


@dataclass(frozen=True, slots=True)
class Price:
    """The usual rates of a model on the day `as_of`, those of longer prompts after them; taxes and discounts aside."""

    as_of: str
    rates: tuple[Rates, ...]

    def cost(self, input_tokens: int, output_tokens: int, *, cached: int = 0, written: int = 0) -> float:
        """US dollars for one request.

        Args:
            input_tokens: the whole prompt.
            output_tokens: the answer, with what was thought.
            cached: how much of the prompt came from the service's cache.
            written: how much of it went into that cache.
        """
        rates = next(rates for rates in reversed(self.rates) if input_tokens > rates.above or not rates.above)
        cached = min(cached, input_tokens)
        written = min(written, input_tokens - cached)
        read = cached * rates.cache_read + written * rates.cache_write
        return (read + (input_tokens - cached - written) * rates.input + output_tokens * rates.output) / _MILLION
