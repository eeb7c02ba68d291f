"""How often the starter model calls the right tool: ways to get it to, side by side.

`python -m benchmarks.tool_choice` asks every prompt of every set in every way, with the embedded engine at temperature
0, and writes `results/tool_choice.md` and `.json`. With `--list` it shows each answer.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from ally.config.paths import find_paths
from ally.errors import ProviderError
from ally.messages import ToolSpec
from ally.models.catalogue import STARTER
from ally.models.progress import ignore
from ally.models.serve import release, start
from ally.providers.model import Chunk, Model, Request
from ally.providers.tool_calling import with_tools
from ally.providers.wire import openai
from ally.providers.wire.target import Quirks, Target
from ally.sandbox.none import Unconfined
from ally.tools.catalogue import TOOL_NAMES, Bench, build_tools
from ally.tools.compact import compact
from ally.tools.workspace import Workspace
from benchmarks.report import RESULTS, describe_machine
from benchmarks.tool_methods import METHODS, Method, read_call
from benchmarks.tool_prompts import SETS, Prompt, Verdict, judge, load

MAX_TOKENS = 128
WINDOW = 8192
PARAMETERS = 135_000_000
_TITLES = {
    "test": "Test: {tools} requests of one tool, {none} that want none; written before the router",
    "paraphrases": "Paraphrases: {tools} and {none}; terse, polite, mistyped, German, French, Spanish",
    "tuning": "Tuning: {tools} and {none}; the router was tuned on these",
}


@dataclass(frozen=True, slots=True)
class Score:
    """What one method reached on one set: counts of requests, and the median seconds of a call."""

    prompts: str
    method: str
    tools: int
    valid: int
    right_tool: int
    right_args: int
    none: int
    wrongly_called: int
    seconds: float


def compact_specs(folder: Path) -> list[ToolSpec]:
    """The tools as Ally shows them to a small model."""
    bench = Bench(Workspace(folder, folder, folder), Unconfined, lambda path: "", tuple, lambda: False)
    return [tool.spec for tool in compact(build_tools(TOOL_NAMES, bench))]


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine as any client would use it, and as Ally does."""

    plain: Model
    ally: Model


async def measure(engine: Engine, tools: Sequence[ToolSpec], name: str, method: Method, *, show: bool) -> Score:
    """Ask every prompt of the set `name`."""
    prompts = load(name)
    verdicts: list[Verdict] = []
    seconds: list[float] = []
    for prompt in prompts:
        begun = time.perf_counter()
        chunks = await _ask(engine.ally if method.is_ally else engine.plain, method.write(tools, prompt.say))
        seconds.append(time.perf_counter() - begun)
        call, fits = read_call(tools, chunks)
        verdicts.append(judge(prompt, call, valid=fits))
        if show:
            _show(prompt, call, verdicts[-1])
    pairs = list(zip(prompts, verdicts, strict=True))
    wanting = [verdict for prompt, verdict in pairs if prompt.calls]
    others = [verdict for prompt, verdict in pairs if not prompt.calls]
    return Score(
        name,
        method.title,
        len(wanting),
        sum(verdict.valid for verdict in wanting),
        sum(verdict.right_tool for verdict in wanting),
        sum(verdict.right_args for verdict in wanting),
        len(others),
        sum(verdict.called for verdict in others),
        statistics.median(seconds),
    )


async def _ask(model: Model, request: Request) -> list[Chunk]:
    """The answer, or nothing if the server fails."""
    try:
        async with aclosing(cast("AsyncGenerator[Chunk, None]", model.stream(request))) as chunks:
            return [chunk async for chunk in chunks]
    except ProviderError as error:
        print(f"{type(error).__name__}: {error.message}", file=sys.stderr)
        return []


def _show(prompt: Prompt, call: tuple[str, object] | None, verdict: Verdict) -> None:
    good = verdict.right_args if prompt.calls else not verdict.called
    said = json.dumps(call, ensure_ascii=False) if call else "(words)"
    print("  ok  " if good else "  tool" if verdict.right_tool else "  no  ", prompt.say, "->", said)


def write_table(scores: Sequence[Score]) -> str:
    """One Markdown table for each set."""
    lines: list[str] = []
    for name in dict.fromkeys(score.prompts for score in scores):
        rows = [score for score in scores if score.prompts == name]
        title = _TITLES[name].format(tools=rows[0].tools, none=rows[0].none)
        lines += ["", f"## {title}", ""]
        lines.append("| method | valid call | right tool | and arguments | called needlessly | s a call |")
        lines.append("|---|---:|---:|---:|---:|---:|")
        lines += [
            f"| {row.method} | {row.valid} | {row.right_tool} | {row.right_args}"
            f" | {row.wrongly_called} of {row.none} | {row.seconds:.2f} |"
            for row in rows
        ]
    return "\n".join(lines).strip() + "\n"


async def _measure_all(sets: Sequence[str], methods: Sequence[Method], *, show: bool) -> list[Score]:
    with tempfile.TemporaryDirectory() as folder:
        tools = compact_specs(Path(folder))
    started = start(find_paths(os.environ), STARTER, {"num_ctx": WINDOW}, ignore)
    serving = started.serving
    target = Target(
        provider="local",
        model=STARTER,
        base_url=serving.base_url,
        api_key=serving.api_key,
        temperature=0.0,
        options=cast("dict[str, object]", {"max_tokens": MAX_TOKENS}),
        headers={"Connection": "close"},
        quirks=Quirks(images=False),
    )
    ally = replace(target, quirks=Quirks(images=False, tools=serving.tools), parameters=PARAMETERS)
    engine = Engine(openai.model(target), with_tools(openai.model(ally)))
    try:
        scores: list[Score] = []
        for name in sets:
            for method in methods:
                scores.append(await measure(engine, tools, name, method, show=show))
                print(scores[-1], file=sys.stderr, flush=True)
        return scores
    finally:
        await engine.plain.close()
        await engine.ally.close()
        release(started)


def main() -> int:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tool_choice")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["test", "paraphrases"])
    parser.add_argument("--methods", nargs="+", type=int, help="numbers of methods, from 1")
    parser.add_argument("--list", action="store_true", help="show each answer")
    parser.add_argument("--no-save", action="store_true", help="leave benchmarks/results/ as it is")
    args = parser.parse_args()
    methods = [METHODS[number - 1] for number in args.methods or range(1, len(METHODS) + 1)]
    scores = asyncio.run(_measure_all(args.sets, methods, show=args.list))
    text = f"# Tool choice of {STARTER}\n\n{describe_machine()} Temperature 0.\n\n{write_table(scores)}"
    print(text, end="")
    if not args.no_save:
        (RESULTS / "tool_choice.md").write_text(text, encoding="utf-8")
        figures = json.dumps([asdict(score) for score in scores], indent=2)
        (RESULTS / "tool_choice.json").write_text(f"{figures}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
