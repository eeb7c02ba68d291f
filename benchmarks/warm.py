"""`python -m benchmarks.warm`: a tool task of ten steps on a real llama.cpp server, by Ally and by other agents.

Every agent starts on a server that has read nothing. The server reads every prompt; what the model would have said is
a script's, so that all agents take the same steps. `python -m benchmarks.peers` installs the peers.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import peers
from benchmarks.warm_agents import Agent, make_ally, make_peer
from benchmarks.warm_report import OWN_FULL, as_rows, save, write
from benchmarks.warm_work import Work, measure, median_of

HOW = """\
llama.cpp with the starter model, one slot, its cache on, empty at the start of each run; all counts are the server's.
The agent reads ten small files with its own tool, one a step, then answers; default prompts, homes of their own. The
server reads every prompt, a script gives the answers. first token: from the start of the process until the server's
first token of the first step. reuse: tokens taken from the cache, of those of the step before. beside: requests that
are no step (a title). next session: a second start with the same task and server, up to its first token. load: of the
machine when the run began; seconds under different loads do not compare, tokens do.
"""


def list_agents(folder: Path, only: Sequence[str]) -> tuple[list[Agent], list[str]]:
    """(Ally and the peers that are installed, a line for each that is not)."""
    agents = [make_ally("-p", "{task}"), make_ally("-p", "{task}", name=OWN_FULL, weights=8_000_000_000)]
    missing: list[str] = []
    for peer in filter(lambda peer: peer.words, peers.load_peers()):
        made = make_peer(peer, folder)
        if made is None:
            missing.append(f"{peer.name} {peer.version} is not installed and was left out.")
        else:
            agents.append(made)
    return [agent for agent in agents if not only or agent.name.split(" ")[0] in only], missing


def main() -> int:
    """Measure; exit 1 with --strict if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.warm", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", type=Path, default=peers.FOLDER, metavar="DIR", help="where the peers are installed")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these agents only")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each agent (median; default 3)")
    parser.add_argument("--once", nargs="*", default=[], metavar="NAME", help="these agents in the first round only")
    parser.add_argument("--threads", type=int, default=1, help="threads of the server (default 1)")
    parser.add_argument("--no-save", action="store_true", help="leave benchmarks/results/ as it is")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a goal is missed")
    args = parser.parse_args()
    agents, notes = list_agents(args.peers.resolve(), args.only)
    works: dict[str, list[Work]] = {agent.name: [] for agent in agents}
    text = ""
    for number in range(args.rounds):
        for agent in reversed(agents):
            if number and agent.name.split(" ")[0] in args.once:
                continue
            try:
                works[agent.name].append(measure(agent, args.threads))
            except RuntimeError as exc:
                notes.append(f"{agent.name} did not finish: {str(exc).splitlines()[0]}")
                print(exc, file=sys.stderr)
            else:
                print(f"{number + 1}/{args.rounds} {works[agent.name][-1]}", file=sys.stderr)
        text = write(works, {name: median_of(each) for name, each in works.items() if each}, notes)
        if not args.no_save:
            save("warm", "A tool task of ten steps on one llama.cpp server", f"{HOW}\n{text}", as_rows(works))
    print(text, end="")
    return 1 if args.strict and "MISSED" in text else 0


if __name__ == "__main__":
    sys.exit(main())
