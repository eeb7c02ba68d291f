"""Which of the measured models suits which agent, and what to set for that. Nothing is set here."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from ally.models.fit import LEAST_WINDOW, fit_window
from ally.models.measured import Measured
from ally.models.progress import size_text

READING_PER_S = 5.0
"""Tokens per second below which one waits for the next word."""

LARGEST_WINDOW = 32_768

_KEPT_LONG = "30m"
_WORTH_KEEPING_S = 2.0
_MOST_AT_ONCE = 4
_MOSTLY = 0.95


@dataclass(frozen=True, slots=True)
class Duty:
    """What an agent usually asks of its model, and how many seconds one gladly waits for it."""

    agent: str
    prompt_tokens: int
    answer_tokens: int
    patience_s: float
    wants_tools: bool = True


DUTIES = (
    Duty("general", 2_000, 300, 60),
    Duty("code_gen", 4_000, 800, 180),
    Duty("brainstormer", 1_000, 600, 90, wants_tools=False),
    Duty("web_searcher", 8_000, 400, 120),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is set now: provider and model of each agent, None where nothing is, and the options of providers.

    `own` are the agents with an entry of their own in `models` or `provider_per_model`. `used` is what the agents come
    to run on, also where nothing is set.
    """

    agents: Mapping[str, tuple[str | None, str | None]]
    options: Mapping[str, Mapping[str, object]]
    own: frozenset[str] = frozenset()
    used: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict[str, tuple[str | None, str | None]])


@dataclass(frozen=True, slots=True)
class Proposal:
    """One model for some agents. `at_once`: how many requests the server should work on at the same time.

    `num_ctx` and `keep_alive` are None where the provider has no such option.
    """

    agents: tuple[str, ...]
    provider: str
    model: str
    num_ctx: int | None
    keep_alive: str | None
    at_once: int
    reason: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that is set now and works badly, and what to do about it."""

    text: str
    step: str


@dataclass(frozen=True, slots=True)
class Advice:
    """Proposals for all agents, what is wrong with the present settings, and the command lines that apply all."""

    proposals: tuple[Proposal, ...] = ()
    warnings: tuple[Warned, ...] = ()
    commands: tuple[str, ...] = ()


def advise(measured: Sequence[Measured], chosen: Chosen, memory_bytes: int | None) -> Advice:
    """The advice for a machine with so much memory for models (None: not known)."""
    usable = [one for one in measured if one.prefill_per_s and one.generation_per_s]
    warnings = tuple(_warnings(measured, chosen, memory_bytes))
    if not usable:
        return Advice(warnings=warnings)
    picks = {duty.agent: _pick(duty, usable) for duty in DUTIES}
    models = list({id(pick): pick for pick in picks.values()}.values())
    reason = ""
    if any(not fits(one, other, memory_bytes) for one, other in combinations(models, 2)):
        shared = _shared(models)
        reason = "one for all, because two would push each other out of memory; "
        picks = dict.fromkeys(picks, shared)
        models = [shared]
    proposals = tuple(_proposal(model, picks, models, memory_bytes, reason) for model in models)
    return Advice(proposals, warnings, tuple(_commands(proposals, chosen, models)))


def fits(one: Measured, other: Measured, memory_bytes: int | None) -> bool:
    """Whether both can be in memory at the same time, by all that is known."""
    if one.model in other.pushed_out or other.model in one.pushed_out:
        return False
    if one.vram_bytes and other.vram_bytes and (_spills(one) or _spills(other)):
        return False
    needs = [_ram(one), _ram(other)]
    return memory_bytes is None or None in needs or sum(need or 0 for need in needs) <= memory_bytes


def _pick(duty: Duty, usable: Sequence[Measured]) -> Measured:
    """The largest model that is fast enough for the duty; if none is, the fastest."""
    able = [one for one in usable if _is_able(one, duty)]
    if not able:
        return min(usable, key=lambda one: one.answer_s(duty.prompt_tokens, duty.answer_tokens))
    return max(able, key=lambda one: (one.is_native or not duty.wants_tools, _weight(one), one.generation_per_s or 0))


def _is_able(one: Measured, duty: Duty) -> bool:
    is_fluent = (one.generation_per_s or 0) >= READING_PER_S
    return is_fluent and one.answer_s(duty.prompt_tokens, duty.answer_tokens) <= duty.patience_s


def _shared(models: Sequence[Measured]) -> Measured:
    """The one that suits most duties, the largest of several."""
    return max(models, key=lambda one: (sum(_is_able(one, duty) for duty in DUTIES), one.is_native, _weight(one)))


def _weight(one: Measured) -> int:
    return one.parameters or one.size_bytes or 0


def _proposal(
    one: Measured, picks: Mapping[str, Measured], models: Sequence[Measured], memory_bytes: int | None, reason: str
) -> Proposal:
    agents = tuple(agent for agent, pick in picks.items() if pick is one)
    weights = sum(model.size_bytes or model.memory_bytes or 0 for model in models)
    free = None if memory_bytes is None or one.vram_bytes else max(0, memory_bytes - weights)
    num_ctx = _window(one, free) if one.provider in ("ollama", "local") else None
    keep_alive = _KEPT_LONG if one.provider == "ollama" and (one.load_s or 0) >= _WORTH_KEEPING_S else None
    duty = next(duty for duty in DUTIES if duty.agent == agents[0])
    seconds = one.answer_s(duty.prompt_tokens, duty.answer_tokens)
    quality = "the largest that is fast enough" if _is_able(one, duty) else "the fastest here, though slow"
    told = f"{reason}{quality}: {duty.prompt_tokens:,} tokens read and {duty.answer_tokens} written in {seconds:.0f} s"
    if keep_alive:
        told += f", and loading it takes {one.load_s:.0f} s"
    return Proposal(agents, one.provider, one.model, num_ctx, keep_alive, _at_once(one, num_ctx), told)


def _window(one: Measured, free_bytes: int | None) -> int | None:
    """As much context as fits; on a graphics card what was measured, for its memory cannot be looked at."""
    trained = one.trained_window or one.context_window
    if trained is None or free_bytes is None or not one.kv_bytes_per_token:
        return one.context_window
    most = min(trained, LARGEST_WINDOW)
    return fit_window(one.kv_bytes_per_token, free_bytes, most=most, least=min(LEAST_WINDOW, most))


def _at_once(one: Measured, num_ctx: int | None) -> int:
    """Only a graphics card answers two at once faster than one after the other, and each needs a window of its own."""
    if not one.vram_bytes or _spills(one) or not num_ctx or not one.kv_bytes_per_token:
        return 1
    spare = one.vram_bytes - (one.size_bytes or one.vram_bytes)
    return max(1, min(_MOST_AT_ONCE, spare // (num_ctx * one.kv_bytes_per_token)))


def _spills(one: Measured) -> bool:
    """Whether a part of it did not fit on the graphics card."""
    return (one.vram_bytes or 0) < _MOSTLY * (one.memory_bytes or 0)


def _ram(one: Measured) -> int | None:
    if one.memory_bytes is not None:
        return one.memory_bytes - (one.vram_bytes or 0)
    return one.size_bytes


def _warnings(measured: Sequence[Measured], chosen: Chosen, memory_bytes: int | None) -> Iterator[Warned]:
    known = {(one.provider, one.model): one for one in measured}
    users: dict[tuple[str, str], list[str]] = {}
    for agent, (provider, model) in (chosen.used or chosen.agents).items():
        if provider and model and (provider, model) in known:
            users.setdefault((provider, model), []).append(agent)
    for key, agents in users.items():
        speed = known[key].generation_per_s
        if speed is not None and speed < READING_PER_S:
            text = f"{', '.join(agents)}: {key[1]} writes {speed:.1f} tokens/s, slower than one reads"
            yield Warned(text, "choose a smaller model, see the proposals")
    for one, other in combinations(users, 2):
        if not fits(known[one], known[other], memory_bytes):
            yield _thrash(known[one], known[other], [*users[one], *users[other]], memory_bytes)


def _thrash(one: Measured, other: Measured, agents: Sequence[str], memory_bytes: int | None) -> Warned:
    needs = [_ram(one), _ram(other)]
    why = "each loads anew when the other was used"
    if memory_bytes is not None and None not in needs and sum(need or 0 for need in needs) > memory_bytes:
        why = f"{size_text(needs[0] or 0)} and {size_text(needs[1] or 0)} of {size_text(memory_bytes)}; {why}"
    text = f"{', '.join(agents)}: {one.model} and {other.model} do not fit into memory together: {why}"
    return Warned(text, "give these agents one model, see the proposals")


def _commands(proposals: Sequence[Proposal], chosen: Chosen, models: Sequence[Measured]) -> Iterator[str]:
    main = max(proposals, key=lambda proposal: len(proposal.agents))
    yield from _agent_commands(proposals, main, chosen)
    for provider in dict.fromkeys(proposal.provider for proposal in proposals):
        options = chosen.options.get(provider, {})
        same = [proposal for proposal in proposals if proposal.provider == provider]
        # The option is one for all models of the provider.
        window = min((proposal.num_ctx for proposal in same if proposal.num_ctx), default=None)
        now = {options.get("num_ctx") or one.context_window for one in models if one.provider == provider}
        if window and now != {window}:
            yield _set(f"provider_options.{provider}.num_ctx", window)
        kept = next((proposal.keep_alive for proposal in same if proposal.keep_alive), None)
        if kept and "keep_alive" not in options:
            yield _set(f"provider_options.{provider}.keep_alive", kept)


def _agent_commands(proposals: Sequence[Proposal], main: Proposal, chosen: Chosen) -> Iterator[str]:
    """`provider` and `model` for the most agents, and entries of their own for the others."""
    wanted = {agent: proposal for proposal in proposals for agent in proposal.agents}
    now = {agent: chosen.agents.get(agent, (None, None)) for agent in wanted}
    if all(now[agent] == (proposal.provider, proposal.model) for agent, proposal in wanted.items()):
        return
    # Agents without entries of their own show what `provider` and `model` are now.
    provider, model = next((now[agent] for agent in wanted if agent not in chosen.own), (None, None))
    if provider != main.provider:
        yield _set("provider", main.provider)
    if model != main.model:
        yield _set("model", main.model)
    for agent, proposal in wanted.items():
        is_main = proposal is main
        if not is_main or agent in chosen.own:
            yield _set(f"provider_per_model.{agent}", None if is_main else proposal.provider)
            yield _set(f"models.{agent}", None if is_main else proposal.model)


def _set(key: str, value: str | int | None) -> str:
    """A command line; the value is read as JSON where it can be, so a text that looks like it is written as JSON."""
    text = value if isinstance(value, str) and not _is_json(value) else json.dumps(value)
    return f"ally config set {key} {shlex.quote(text)}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
