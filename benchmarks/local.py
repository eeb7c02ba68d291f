"""How fast the embedded engine answers: until the first token, and tokens a second after it."""

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass

from benchmarks.measure import Command, Cost, run


@dataclass(frozen=True, slots=True)
class Pace:
    """One answer of the embedded engine."""

    cost: Cost
    first_token_s: float  # from the start of the process: interpreter, model file, prompt
    tokens: int
    tokens_per_s: float


def time_answer(command: Command, rounds: int) -> Pace:
    """The median pace over `rounds` answers, after one that is not counted."""
    run(command)
    paces = [_time_once(command) for _ in range(rounds)]
    cost = run(command)
    return Pace(
        cost,
        statistics.median(pace[0] for pace in paces),
        paces[-1][1],
        statistics.median(pace[2] for pace in paces),
    )


def _time_once(command: Command) -> tuple[float, int, float]:
    """(seconds to the first token, number of tokens, tokens a second) from the times at which events arrive."""
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **command.environment}
    begun = time.monotonic()
    arrived: list[float] = []
    tokens = 0
    with subprocess.Popen(
        command.words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            event = json.loads(line)
            if event["type"] == "stream_event":
                arrived.append(time.monotonic())
            elif event["type"] == "result":
                tokens = event["usage"]["output_tokens"]
    if len(arrived) < 2:
        raise RuntimeError("the embedded engine did not stream")
    return arrived[0] - begun, tokens, (tokens - 1) / (arrived[-1] - arrived[0])
