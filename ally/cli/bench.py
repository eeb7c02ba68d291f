"""`ally doctor --bench`: how fast the models of this machine are, and which of them suits which agent."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ally.app import App
from ally.cli import bench_run, exits
from ally.cli.doctor_servers import choice_of
from ally.cli.finding import Finding, lines
from ally.cli.terminal import say
from ally.config.settings import AGENTS
from ally.models.advice import Advice, Chosen, advise
from ally.models.measured import Measured, Measurements
from ally.models.memory import available_bytes
from ally.models.progress import size_text
from ally.models.servers import ollama
from ally.terminal.table import room, table
from ally.terminal.text import clean

COLUMNS = ("MODEL", "PROVIDER", "READS/S", "WRITES/S", "LOAD", "MEMORY", "CONTEXT", "NOTE")
NOTHING = "There is no model to measure here."


def run(app: App, *, as_json: bool) -> int:
    """Measure, print, and say what could be set; nothing is set. 130 when the user ended it."""
    wanted = bench_run.candidates(app)
    memory = _memory(wanted)
    measured: list[Measured] = []
    say(_plan(wanted) if wanted else NOTHING)
    is_interrupted = False
    try:
        bench_run.run(app, wanted, say, measured)
    except KeyboardInterrupt:
        is_interrupted = True
    Measurements.of_user(app.paths).keep(measured)
    chosen = _chosen(app)
    advice = advise(measured, chosen, memory)
    if as_json:
        print(json.dumps(_as_json(measured, advice, memory, is_interrupted=is_interrupted), indent=2))
    elif measured:
        print("\n".join(_report(measured, advice)))
    if is_interrupted:
        count = sum(len(one.speeds) == len(bench_run.SIZES) for one in measured)
        say(f"Interrupted: {count} of {len(wanted)} models are measured; what is known of the others is shown, too.")
        return exits.INTERRUPTED
    return exits.OK if any(one.speeds for one in measured) else exits.FAILED


def _plan(wanted: Sequence[bench_run.Candidate]) -> str:
    count = f"{len(wanted)} model{'' if len(wanted) == 1 else 's'}"
    limit = f"at most {bench_run.PER_MODEL_S / 60:.0f} minutes each"
    return f"Measuring {count}, {limit}. Ctrl-C ends it and keeps what was measured."


def _memory(wanted: Sequence[bench_run.Candidate]) -> int | None:
    """Memory that models can have: what is free, and what those take that are loaded now."""
    free = available_bytes()
    roots = {one.url for one in wanted if one.provider == "ollama"}
    taken = [held.size_bytes - held.vram_bytes for root in roots for held in ollama.loaded(root).values()]
    return None if free is None else free + sum(taken)


def _chosen(app: App) -> Chosen:
    settings = app.settings
    usual = {entry.name: entry.default_model for entry in app.registry.entries()}
    choices = {agent: choice_of(app, agent) for agent in AGENTS}
    used = {agent: (choice.provider, choice.model or usual.get(choice.provider)) for agent, choice in choices.items()}
    wanted = {agent: settings.for_agent(agent) for agent in AGENTS}
    own = {agent for agent in AGENTS if settings.models.get(agent) or settings.provider_per_model.get(agent)}
    agents = {agent: (found.provider, found.model) for agent, found in wanted.items()}
    return Chosen(agents, settings.provider_options, frozenset(own), used)


def _report(measured: Sequence[Measured], advice: Advice) -> Iterator[str]:
    yield from table(COLUMNS, [_cells(one) for one in measured], space=room(), spare=("NOTE", "CONTEXT"))
    sizes = " · ".join(f"{size:,}" for size in bench_run.SIZES)
    yield f"READS/S and WRITES/S are tokens per second, with prompts of {sizes} tokens."
    findings = [*_warnings(advice), *_proposals(advice)]
    if findings:
        yield ""
        yield from lines(findings)
    if advice.commands:
        yield "\nTo set it so:"
        yield from (f"  {clean(command)}" for command in advice.commands)
    elif advice.proposals:
        yield "\nIt is set so already."


def _cells(one: Measured) -> tuple[str, ...]:
    return (
        one.model,
        one.provider,
        " · ".join(_number(speed.prefill_per_s) for speed in one.speeds) or "-",
        " · ".join(_number(speed.generation_per_s) for speed in one.speeds) or "-",
        "-" if one.load_s is None else f"{one.load_s:.1f} s",
        _memory_text(one),
        f"{one.context_window:,}" if one.context_window else "?",
        one.note,
    )


def _number(per_s: float | None) -> str:
    return "?" if per_s is None else f"{per_s:,.0f}" if per_s >= 10 else f"{per_s:.1f}"


def _memory_text(one: Measured) -> str:
    if one.memory_bytes is None:
        return "?"
    share = f", {one.vram_bytes / one.memory_bytes:.0%} GPU" if one.vram_bytes and one.memory_bytes else ""
    return size_text(one.memory_bytes) + share


def _warnings(advice: Advice) -> Iterator[Finding]:
    for warned in advice.warnings:
        yield Finding("settings", "warning", warned.text, warned.step)


def _proposals(advice: Advice) -> Iterator[Finding]:
    for proposal in advice.proposals:
        who = "every agent" if len(proposal.agents) == len(AGENTS) else ", ".join(proposal.agents)
        parts = [f"{who}: {proposal.model} ({proposal.provider})"]
        parts += [f"num_ctx {proposal.num_ctx:,}"] if proposal.num_ctx else []
        parts += [f"keep_alive {proposal.keep_alive}"] if proposal.keep_alive else []
        once = "one request at a time" if proposal.at_once == 1 else f"{proposal.at_once} requests at a time"
        switch = f" (OLLAMA_NUM_PARALLEL={proposal.at_once})" if proposal.provider == "ollama" else ""
        parts.append(once + switch)
        yield Finding("proposal", "ok", ", ".join(parts), proposal.reason)


def _as_json(
    measured: Sequence[Measured], advice: Advice, memory: int | None, *, is_interrupted: bool
) -> dict[str, object]:
    return {
        "interrupted": is_interrupted,
        "memory_bytes": memory,
        "models": [asdict(one) for one in measured],
        "warnings": [{"text": warned.text, "next_step": warned.step} for warned in advice.warnings],
        "proposals": [asdict(proposal) for proposal in advice.proposals],
        "commands": list(advice.commands),
    }
