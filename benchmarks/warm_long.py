"""`python -m benchmarks.warm_long`: a long session of Ally on a real llama.cpp server, and where its prompt breaks.

Thirty steps, a summary of the conversation (/compact), more steps, then another agent (/agent) on the same model.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ally.engine.compaction import SUMMARISE
from benchmarks.warm_agents import lay_out, make_ally, run
from benchmarks.warm_proxy import Proxy
from benchmarks.warm_record import Read
from benchmarks.warm_report import save
from benchmarks.warm_script import ANSWER, TASK, Reply, find_reader, play, write_notes
from benchmarks.warm_server import LlamaServer
from benchmarks.warm_work import is_step

STEPS, MORE = 30, 3
TYPED = f"{TASK}\n/compact\nRead on.\n/agent code_gen\nRead on.\n/agent general\nRead on.\n/exit\n"
SUMMARY = "The user wants the notes read and told. They were read; the harbour is open. Next: read on."
MIN_REUSE = 0.99


@dataclass(frozen=True, slots=True)
class Part:
    """The requests of one part of the session; `places` says where their prompts stopped going on."""

    name: str
    requests: int
    first_prefilled: int
    first_missing: int
    missing: int
    places: tuple[str, ...]


class Turns:
    """The replies: so many calls for each message of the user, a summary when one is asked for."""

    def __init__(self, work: Path, calls: Sequence[int]) -> None:
        self.names: list[str] = []
        self._work, self._calls = work, list(calls)
        self._left = 0

    def reply(self, step: int, body: Mapping[str, Any]) -> Reply:
        """What is said to the request."""
        last = body["messages"][-1]
        if last["role"] == "user" and SUMMARISE[:40] in str(last["content"]):
            self.names.append("the summary")
            return Reply(SUMMARY)
        if last["role"] == "user":
            self._left = self._calls.pop(0)
            self.names.append(f"turn {sum(name.startswith('turn') for name in set(self.names)) + 1}")
        else:
            self.names.append(self.names[-1])
        self._left -= 1
        if self._left < 0:
            return Reply(ANSWER)
        reader = find_reader(body["tools"])
        assert reader, "a step is a request that has one"
        return play(step, step, reader, self._work)


def measure(n_threads: int) -> tuple[list[Part], list[Read]]:
    """(the parts of the session, its requests).

    Raises:
        RuntimeError: the session did not come to its end.
    """
    with tempfile.TemporaryDirectory(prefix="warm") as folder:
        home = Path(folder).resolve()
        (home / "work").mkdir()
        write_notes(home / "work", STEPS + 4 * MORE + 6)
        turns = Turns(home / "work", [STEPS, MORE, MORE, MORE])
        with LlamaServer(home, n_threads) as server, Proxy(server.root, turns.reply, is_step) as proxy:
            agent = make_ally("--plain")
            lay_out(agent, home, f"{proxy.root}/v1")
            ended = run(agent, home, f"{proxy.root}/v1", TYPED)
    if ended.code or proxy.problems or len(turns.names) != STEPS + 3 * MORE + 5:
        told = f"{ended.output[-800:]}\n{ended.errors[-800:]}"
        raise RuntimeError(f"the session ended with {ended.code} after {turns.names}: {proxy.problems}\n{told}")
    return _split(proxy.reads, turns.names), proxy.reads


def _split(reads: Sequence[Read], names: Sequence[str]) -> list[Part]:
    missing = [0, *(max(0, before.prompt_tokens - after.reused) for before, after in pairwise(reads))]
    parts: list[Part] = []
    for name in dict.fromkeys(names):
        places = [n for n, each in enumerate(names) if each == name]
        parts.append(
            Part(
                name,
                len(places),
                reads[places[0]].prefilled,
                missing[places[0]],
                sum(missing[n] for n in places[1:]),
                tuple(dict.fromkeys(reads[n].breaks_at for n in places if reads[n].breaks_at)),
            )
        )
    return parts


def write(parts: Sequence[Part], reads: Sequence[Read]) -> str:
    """A Markdown table, then what broke."""
    titles = dict(zip([part.name for part in parts], _TITLES, strict=False))
    lines = [
        "| part | requests | its first: prefilled | of the request before, not reused | the same in its others |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {titles[part.name]} | {part.requests} | {part.first_prefilled:,} | {part.first_missing:,} "
            f"| {part.missing:,} |"
            for part in parts
        ),
        "",
        f"- {sum(r.prefilled for r in reads):,} tokens prefilled of {sum(r.prompt_tokens for r in reads):,}",
        *(f"- {titles[part.name]}: {place}" for part in parts for place in part.places),
    ]
    return "\n".join(lines) + "\n"


_TITLES = (
    f"general, {STEPS} steps",
    "/compact: the summary",
    f"after it, {MORE} steps",
    f"/agent code_gen, {MORE} steps",
    f"/agent general, {MORE} steps",
)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.warm_long", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of the server (default 1)")
    parser.add_argument("--no-save", action="store_true", help="leave benchmarks/results/ as it is")
    args = parser.parse_args()
    parts, reads = measure(args.threads)
    text = write(parts, reads)
    print(text, end="")
    if not args.no_save:
        figures = {"parts": [asdict(part) for part in parts], "requests": [asdict(read) for read in reads]}
        save("warm_long", "A long session on one llama.cpp server", text, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
