"""What a chat completion says of its tokens and of the time they took.

Source: OpenAI API reference, "usage"; OpenRouter, "Usage Accounting"; DeepSeek, "Context Caching"; llama.cpp,
tools/server/README.md, "Timings and context usage".
"""

from dataclasses import replace

from ally.messages import JsonObject
from ally.providers.model import Usage
from ally.providers.wire.fields import count, is_counted, obj

_LONGEST_MS = 1e9


class UsageReader:
    """Reads the events of one answer; what a later one says wins."""

    def __init__(self) -> None:
        self._usage: JsonObject = {}
        self._timings: JsonObject = {}

    def note(self, value: JsonObject) -> Usage | None:
        """The counts after one more event, None as long as none had any."""
        self._usage = obj(value, "usage") or obj(obj(value, "x_groq"), "usage") or self._usage
        self._timings = obj(value, "timings") or self._timings
        if not self._usage and not self._timings:
            return None
        return _with_timings(_counted(self._usage) if self._usage else None, self._timings)


def _counted(usage: JsonObject) -> Usage:
    # Where cached tokens are counted: OpenAI, vLLM and llama.cpp, DeepSeek, Moonshot.
    details = obj(usage, "prompt_tokens_details")
    places = ((details, "cached_tokens"), (usage, "prompt_cache_hit_tokens"), (usage, "cached_tokens"))
    cached = next((found for holder, name in places if (found := count(holder, name))), 0)
    reports = any(is_counted(holder, name) for holder, name in places)
    read, written = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    return Usage(read, written, cached, reports, cache_written_tokens=count(details, "cache_write_tokens"))


def _with_timings(usage: Usage | None, timings: JsonObject) -> Usage:
    """`usage`, completed by what llama.cpp measured."""
    if usage is None:
        cached = count(timings, "cache_n")
        usage = Usage(count(timings, "prompt_n") + cached, count(timings, "predicted_n"))
    if is_counted(timings, "cache_n") and not usage.reports_cache:
        usage = replace(usage, cached_input_tokens=count(timings, "cache_n"), reports_cache=True)
    return replace(usage, prefill_s=_seconds(timings, "prompt_ms"), generation_s=_seconds(timings, "predicted_ms"))


def _seconds(holder: JsonObject, name: str) -> float | None:
    value: object = holder.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value / 1000 if 0 <= value <= _LONGEST_MS else None
