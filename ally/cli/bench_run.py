"""Measuring every model of this machine, one after the other, within a bounded time for each."""

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ally.app import App
from ally.errors import AllyError, ModelFileError
from ally.messages import JsonObject
from ally.models import store
from ally.models.catalogue import load_catalogue
from ally.models.engine import engines
from ally.models.facts import ModelFacts, parse_parameters
from ally.models.gguf import read_header
from ally.models.measured import Measured
from ally.models.servers import discover, forget, ollama
from ally.providers.connect import Choice, connect
from ally.providers.model import Model
from ally.providers.speed import ANSWER_TOKENS, measure

SIZES = (512, 2_000)
PER_MODEL_S = 180.0

_WARM_TOKENS = 16
_ASKING_S = 3.0
_ENOUGH = 0.9


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model to measure; `url` is its server, empty for the embedded engine."""

    provider: str
    model: str
    facts: ModelFacts
    url: str = ""
    is_loaded: bool = False


def candidates(app: App) -> list[Candidate]:
    """The models on this machine and its configured servers that can chat: what is in memory first, then by size."""
    found = [*_embedded(app), *_served(app)]
    return sorted(found, key=lambda one: (not one.is_loaded, one.facts.size_bytes or 0, one.model))


def run(app: App, wanted: list[Candidate], tell: Callable[[str], None], done: list[Measured]) -> None:
    """Measure `wanted`; each result is put into `done` at once, so that an interruption loses none.

    Raises:
        KeyboardInterrupt: the user ended it; what was measured of the last model is in `done`, too.
    """
    asyncio.run(_run(app, wanted, tell, done))


async def _run(app: App, wanted: list[Candidate], tell: Callable[[str], None], done: list[Measured]) -> None:
    for number, candidate in enumerate(wanted, 1):
        tell(f"[{number}/{len(wanted)}] {candidate.model} ({candidate.provider})")
        bench = _Bench(candidate)
        try:
            async with asyncio.timeout(PER_MODEL_S):
                await bench.measure(app)
        except TimeoutError:
            bench.note(f"stopped after {PER_MODEL_S:.0f} s")
        except AllyError as error:
            bench.note(error.message)
        except asyncio.CancelledError:
            bench.note("interrupted")
            raise
        finally:
            done.append(bench.result)


class _Bench:
    """The measurement of one model; `result` is whatever is known by now."""

    def __init__(self, candidate: Candidate) -> None:
        facts = candidate.facts
        self._candidate = candidate
        self.result = Measured(
            candidate.provider,
            candidate.model,
            datetime.now(UTC).isoformat(timespec="seconds"),
            digest=facts.digest,
            parameters=facts.parameters,
            size_bytes=facts.size_bytes,
            kv_bytes_per_token=facts.kv_bytes_per_token,
            trained_window=facts.trained_window,
            context_window=facts.context_window,
        )

    def note(self, text: str) -> None:
        """Say why something is missing."""
        self.result = replace(self.result, note=text)

    async def measure(self, app: App) -> None:
        """Load the model, ask it, and look at the memory it takes."""
        model = _connect(app, self._candidate)
        try:
            await self._measure(model)
        finally:
            await model.close()
            if self._candidate.provider == "local":
                engines.stop_all()  # its memory is wanted for the next one

    async def _measure(self, model: Model) -> None:
        before = await asyncio.to_thread(self._in_memory)
        warm = await measure(model, _WARM_TOKENS)
        if not self._candidate.is_loaded:
            work_s = warm.work_s
            if work_s is None:
                work_s = (await measure(model, _WARM_TOKENS)).wall_s
            self.result = replace(self.result, load_s=round(max(0.0, warm.wall_s - work_s), 2))
        await self._look(model)
        if self._candidate.provider == "ollama" and self.result.memory_bytes is not None:
            gone = set(before) - set(await asyncio.to_thread(self._in_memory))
            self.result = replace(self.result, pushed_out=tuple(sorted(gone)))
        window = model.profile.context_window
        for size in SIZES:
            if window is not None and size + ANSWER_TOKENS > window * _ENOUGH:
                self.note(f"its window of {window:,} tokens is too small for a prompt of {size:,}")
                break
            speed = (await measure(model, size)).speed
            self.result = replace(self.result, speeds=(*self.result.speeds, speed))
        await self._look(model)

    async def _look(self, model: Model) -> None:
        """Note what the model says of itself by now, and the memory that it takes."""
        profile = model.profile
        mine = (await asyncio.to_thread(self._in_memory)).get(ollama.full_name(self._candidate.model))
        memory = mine.size_bytes if mine else None
        if self._candidate.provider == "local":
            memory = await asyncio.to_thread(engines.memory_bytes, self._candidate.model)
        self.result = replace(
            self.result,
            is_native=profile.tool_calling == "native" and profile.tools,
            context_window=profile.context_window or self.result.context_window,
            parameters=profile.parameters or self.result.parameters,
            digest=profile.digest or self.result.digest,
            memory_bytes=memory,
            vram_bytes=mine.vram_bytes if mine else None,
        )

    def _in_memory(self) -> dict[str, ollama.Loaded]:
        return ollama.loaded(self._candidate.url, _ASKING_S) if self._candidate.provider == "ollama" else {}


def _connect(app: App, candidate: Candidate) -> Model:
    options: dict[str, JsonObject] = {name: {**given} for name, given in app.settings.provider_options.items()}
    given = options.get(candidate.provider, {})
    options[candidate.provider] = {**given, "max_tokens": ANSWER_TOKENS}
    choice = Choice(candidate.provider, candidate.model, 0.0)
    return connect(app.registry, app.keys, choice, options, lambda _: None, app.verdict)


def _embedded(app: App) -> Iterator[Candidate]:
    if importlib.util.find_spec("xllamacpp") is None:
        return
    for model in store.answering(app.paths):
        try:
            header = read_header(model.path, model.name)
        except ModelFileError:
            continue
        entry = load_catalogue().get(model.name)
        facts = ModelFacts(
            trained_window=header.context_window or None,
            parameters=(parse_parameters(entry.parameters) if entry else None) or header.parameters or None,
            size_bytes=model.size_bytes,
            digest=store.digest_of(model),
            kv_bytes_per_token=header.kv_bytes_per_token,
        )
        yield Candidate("local", model.name, facts)


def _served(app: App) -> Iterator[Candidate]:
    settings = app.settings
    forget()
    for server in discover(app.env, settings.provider_options, settings.endpoints, _ASKING_S):
        for model in server.models:
            facts = model.facts
            if server.kind == "ollama" and not facts.is_remote:
                facts = ollama.ask_facts(server.url, model.name, _ASKING_S) or facts
            if server.provider and not (facts.embeds or facts.is_remote):
                yield Candidate(server.provider, model.name, facts, server.url, model.is_loaded)
