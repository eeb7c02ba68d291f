"""One agent's task on a server that has read nothing, and what it cost."""

import os
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.warm_agents import Agent, lay_out, run
from benchmarks.warm_proxy import Proxy
from benchmarks.warm_record import Read, reuse_of
from benchmarks.warm_script import ANSWER, STEPS, Reply, find_reader, play, write_notes
from benchmarks.warm_server import LlamaServer


@dataclass(frozen=True, slots=True)
class Work:
    """What one agent's task cost. `again_*`: the first request of a second session on the same server.

    Seconds count from the start of the process; `beside` are requests that are not steps of the conversation.
    """

    agent: str
    first_token_s: float
    finish_s: float
    first_tokens: int
    prefilled: int
    reuse: float
    requests: int
    beside: int
    tools: int
    again_prefilled: int
    again_first_token_s: float
    breaks: tuple[str, ...]
    load: float


def measure(agent: Agent, n_threads: int) -> Work:
    """One task, then the first request of another session.

    Raises:
        RuntimeError: the agent did not come to the end of its task; the text says why.
    """
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="warm") as folder:
        home = Path(folder).resolve()
        (home / "work").mkdir()
        write_notes(home / "work")
        with LlamaServer(home, n_threads) as server:
            reads, first, ended = _one_session(agent, home, server, STEPS)
            _, again, _ = _one_session(agent, home, server, 0)
    steps = [read for read in reads if read.is_step]
    return Work(
        agent=agent.name,
        first_token_s=first[1],
        finish_s=ended,
        first_tokens=steps[0].prompt_tokens,
        prefilled=sum(read.prefilled for read in reads),
        reuse=reuse_of(reads),
        requests=len(reads),
        beside=len(reads) - len(steps),
        tools=steps[0].tools,
        again_prefilled=again[0],
        again_first_token_s=again[1],
        breaks=tuple(dict.fromkeys(read.breaks_at for read in steps if read.breaks_at)),
        load=load,
    )


def _one_session(
    agent: Agent, home: Path, server: LlamaServer, steps: int
) -> tuple[list[Read], tuple[int, float], float]:
    """(all requests, (tokens read before, seconds until) the first token of the first step, seconds in all)."""
    script = _script(agent, home / "work", steps)
    with Proxy(server.root, script, is_step, agent.weights) as proxy:
        url = f"{proxy.root}/v1"
        lay_out(agent, home, url)
        ended = run(agent, home, url)
    done = [read for read in proxy.reads if read.is_step]
    if ended.code or proxy.problems or len(done) <= steps or ANSWER[:20] not in ended.output:
        told = f"{ended.output[-600:]}\n{ended.errors[-600:]}"
        raise RuntimeError(f"{agent.name} ended with {ended.code} after {len(done)} steps: {proxy.problems}\n{told}")
    first = done[0]
    read = sum(each.prefilled for each in proxy.reads if each.first_token_at <= first.first_token_at)
    return proxy.reads, (read, first.first_token_at - ended.begun), ended.ended - ended.begun


def _script(agent: Agent, work: Path, steps: int) -> Callable[[int, Mapping[str, Any]], Reply]:
    def reply(step: int, body: Mapping[str, Any]) -> Reply:
        reader = find_reader(body["tools"])
        assert reader, "a step is a request that has one"
        said = play(step, steps, reader, work)
        return replace(said, tool=said.tool or agent.finish)

    return reply


def is_step(body: Mapping[str, Any]) -> bool:
    """Whether a request is of the conversation: it offers a tool that reads a file."""
    return find_reader(body.get("tools") or []) is not None


def median_of(works: Sequence[Work]) -> Work:
    """The middle of several runs of one agent, quantity by quantity."""
    middle = {
        name: statistics.median(getattr(work, name) for work in works)
        for name in Work.__slots__
        if name not in {"agent", "breaks"}
    }
    return replace(works[0], **middle)
