"""Many texts in as many requests as a service wants: some side by side, tried again, slower, or in smaller pieces."""

import asyncio
import random
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import httpx2

from ally.errors import BadRequest, ContextTooLong, IdleStream, ProviderError, RateLimited
from ally.rag.embeddings.counting import estimate
from ally.rag.embeddings.vectors import Row

_TOO_MUCH = re.compile(
    r"batch|too (long|large|many)|exceed|less than \d+ tokens|at most \d+|maximum (number|length)", re.IGNORECASE
)
"""What services say of a request that holds too much, under a status that says no more than 'bad'."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a service is borne with. Waits double from `first_wait_s`.

    A request that was not one too many gets `max_failures` tries, one that was met with silence half of that, and one
    to this machine where nothing listens gets one.
    """

    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    total_wait_s: float = 240.0
    max_failures: int = 4

    def next_wait_s(self, error: ProviderError, failures: int, waited_s: float) -> float | None:
        """Seconds until the next try after `failures` failed ones, None when another one would not help."""
        if not error.retryable:
            return None
        wait_s = min(self.first_wait_s * 2 ** (failures - 1), self.longest_wait_s / 2)
        wait_s *= 1 + random.random() / 4  # noqa: S311 - jitter, no secret
        if isinstance(error, RateLimited):
            if error.is_spent or (error.retry_after_s or 0) > self.longest_wait_s:
                return None
            wait_s = wait_s if error.retry_after_s is None else error.retry_after_s
        elif failures >= (self.max_failures // 2 if isinstance(error, IdleStream) else self.max_failures):
            return None
        return wait_s if waited_s + wait_s <= self.total_wait_s else None


@dataclass(slots=True)
class _Job:
    """The texts `start` up to `end`, and what became of them so far."""

    start: int
    end: int
    failures: int = 0
    waited_s: float = 0.0

    def halves(self) -> "list[_Job]":
        middle = (self.start + self.end) // 2
        return [_Job(self.start, middle), _Job(middle, self.end)]


@dataclass(slots=True)
class Batches:
    """One call of `embed`. `send` asks the service once for the vectors of a few texts."""

    texts: Sequence[str]
    send: Callable[[Sequence[str]], Awaitable[Sequence[Row]]]
    is_local: bool
    patience: Patience
    _jobs: deque[_Job] = field(init=False, default_factory=deque[_Job])
    _rows: list[Row] = field(init=False, default_factory=list[Row])
    _workers: int = field(init=False, default=0)
    _calm_at: float = field(init=False, default=0.0)

    async def run(self, max_texts: int, max_tokens: int, at_once: int) -> list[Row]:
        """One vector for each text, in their order.

        Raises:
            ProviderError: of the first request that failed for good; the others were given up.
        """
        self._jobs.extend(_Job(*span) for span in cut(self.texts, max_texts, max_tokens))
        self._rows = [[]] * len(self.texts)
        self._workers = min(at_once, len(self._jobs))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._work())
        except* ProviderError as errors:
            raise _first(errors) from None
        return self._rows

    async def _work(self) -> None:
        while self._jobs:
            job = self._jobs.popleft()
            await self._calm()
            try:
                rows = await self.send(self.texts[job.start : job.end])
            except ProviderError as error:
                if is_too_much(error):
                    self._split(job, error)
                    continue
                self._wait(job, error)
                self._jobs.appendleft(job)
                if isinstance(error, RateLimited) and self._workers > 1:
                    self._workers -= 1  # slower from here on
                    return
            else:
                self._rows[job.start : job.end] = rows

    async def _calm(self) -> None:
        """Wait until the service may be asked again, which another request may put off meanwhile."""
        if (rest := self._calm_at - time.monotonic()) > 0:
            await asyncio.sleep(rest)
            await self._calm()

    def _split(self, job: _Job, error: ProviderError) -> None:
        if job.end - job.start == 1:
            raise too_long(self.texts[job.start], error) from error
        self._jobs.extendleft(reversed(job.halves()))

    def _wait(self, job: _Job, error: ProviderError) -> None:
        job.failures += 1
        wait_s = self.patience.next_wait_s(error, job.failures, job.waited_s)
        is_off = self.is_local and isinstance(error.__cause__, ConnectionRefusedError | httpx2.ConnectError)
        if wait_s is None or is_off:
            raise error
        job.waited_s += wait_s
        self._calm_at = max(self._calm_at, time.monotonic() + wait_s)


def cut(texts: Sequence[str], max_texts: int, max_tokens: int) -> list[tuple[int, int]]:
    """The spans of `texts` for one request each: at most `max_texts` that are at most `max_tokens` together."""
    spans: list[tuple[int, int]] = []
    start = tokens = 0
    for position, text in enumerate(texts):
        size = estimate(text)
        if position > start and (position - start >= max_texts or tokens + size > max_tokens):
            spans.append((start, position))
            start, tokens = position, 0
        tokens += size
    return [*spans, (start, len(texts))]


def is_too_much(error: ProviderError) -> bool:
    """Whether the request would be taken if it held less."""
    if isinstance(error, BadRequest):
        return _TOO_MUCH.search(error.message) is not None
    return isinstance(error, ContextTooLong)


def too_long(text: str, error: ProviderError) -> ContextTooLong:
    """That `text` alone is too long, because the service said `error`."""
    limit = error.limit_tokens if isinstance(error, ContextTooLong) else None
    at_most = f", which reads {limit:,} tokens" if limit else ""
    if isinstance(error, BadRequest):  # which may mean something else
        at_most = f": {error.message.rstrip('.')}"
    return ContextTooLong(
        f"A text of {len(text):,} characters, {shown(text)}, is too long for {error.model}{at_most}.",
        limit_tokens=limit,
        provider=error.provider,
        model=error.model,
        hint=error.hint or "set knowledge.chunk_tokens lower, or choose a model that reads more",
    )


def shown(text: str) -> str:
    """The beginning of `text`, in quotes."""
    line = " ".join(text[:120].split())
    return f"“{line[:40]}…”"


def _first(errors: "BaseExceptionGroup[ProviderError]") -> ProviderError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
