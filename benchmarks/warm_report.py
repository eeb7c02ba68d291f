"""The figures of the warm bench as a table for people, and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from benchmarks.report import RESULTS, describe_machine
from benchmarks.warm_script import STEPS

if TYPE_CHECKING:
    from benchmarks.warm_work import Work

MAX_SHARE = 1 / 3
MIN_REUSE = 0.99
OWN = "Ally"
OWN_FULL = "Ally (all tools)"
"""Told that the model has 8 billion weights: a small one gets fewer tools in fewer words."""


def write(works: "Mapping[str, Sequence[Work]]", middle: "Mapping[str, Work]", notes: Sequence[str]) -> str:
    """A Markdown table of the medians, then the goals, then what is to be known about them."""
    lines = [
        "| agent | tools | first request, tokens | first token, s | prefilled in all | reuse | requests | answer, s "
        "| next session: prefilled | first token, s | runs | load |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(_row(work, len(works[name])) for name, work in middle.items()),
        "",
        *_judge(middle),
        *(f"- {note}" for note in dict.fromkeys(notes)),
        *(f"- {name}: the prompt broke at {each}" for name, work in middle.items() for each in work.breaks),
    ]
    return "\n".join(lines) + "\n"


def _row(work: "Work", runs: int) -> str:
    requests = f"{work.requests:.0f}" + (f" ({work.beside:.0f} beside)" if work.beside else "")
    cells = (
        work.agent,
        f"{work.tools:.0f}",
        f"{work.first_tokens:,.0f}",
        f"{work.first_token_s:.1f}",
        f"{work.prefilled:,.0f}",
        f"{work.reuse:.1%}",
        requests,
        f"{work.finish_s:.1f}",
        f"{work.again_prefilled:,.0f}",
        f"{work.again_first_token_s:.1f}",
        str(runs),
        f"{work.load:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _judge(middle: "Mapping[str, Work]") -> list[str]:
    own = middle.get(OWN)
    others = [work for work in middle.values() if work.agent not in {OWN, OWN_FULL}]
    if own is None:
        return []
    kept = own.reuse >= MIN_REUSE
    lines = [f"- {_mark(kept)} {OWN} takes >= {MIN_REUSE:.0%} of the step before from the cache ({own.reuse:.2%})"]
    if others:
        best = min(others, key=lambda work: work.prefilled)
        share = own.prefilled / best.prefilled
        lines.append(
            f"- {_mark(share <= MAX_SHARE)} {OWN} has <= 1/3 of the best peer's prefilled tokens"
            f" ({share:.2f} of {best.agent})"
        )
        lines += [
            f"- {OWN} has {own.prefilled / work.prefilled:.2f} of the prefilled tokens of {work.agent},"
            f" {own.first_token_s / work.first_token_s:.2f} of its seconds to the first token and"
            f" {own.finish_s / work.finish_s:.2f} of its seconds to the answer"
            for work in others
        ]
    return lines


def _mark(met: bool) -> str:
    return "met   " if met else "MISSED"


def save(name: str, title: str, text: str, figures: object) -> None:
    """Write `results/NAME.md` and `results/NAME.json`."""
    machine = describe_machine()
    (RESULTS / f"{name}.md").write_text(f"# {title}\n\n{machine}\n\n{text}", encoding="utf-8")
    whole = {"machine": machine, "steps": STEPS, "figures": figures}
    (RESULTS / f"{name}.json").write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


def as_rows(works: "Mapping[str, Sequence[Work]]") -> dict[str, list[dict[str, object]]]:
    """All runs as JSON."""
    return {name: [asdict(work) for work in each] for name, each in works.items()}
