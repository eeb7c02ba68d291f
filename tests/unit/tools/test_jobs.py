import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ally.errors import ToolArguments, ToolError
from ally.sandbox import Confinement, choose
from ally.tools.builtin.job import JobTool
from ally.tools.builtin.shell import ShellTool
from ally.tools.catalogue import Bench
from ally.tools.jobs import MAX_RUNNING
from ally.tools.process import Command
from tests.unit.tools.bench import call, make_bench
from tests.unit.tools.test_shell import alive, alive_now, marker

__all__ = ["marker"]

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bench(tmp_path: Path):
    made = make_bench(tmp_path)
    yield made
    made.jobs.close()


async def start(bench: Bench, command: str) -> str:
    return (await call(ShellTool(bench), command=command, background=True)).for_model


async def job(bench: Bench, do: str, **args: object) -> str:
    return (await call(JobTool(bench), do=do, **args)).for_model


async def until(bench: Bench, number: int, said: str) -> str:
    text = ""
    for _ in range(100):
        text += await job(bench, "read", id=number)
        if said in text:
            return text
        await asyncio.sleep(0.05)
    raise AssertionError(text)


async def test_a_job_is_started_read_and_stopped(bench: Bench, tmp_path: Path, marker: str):
    said = await start(bench, f"echo ready; while [ ! -e go ]; do sleep 0.05; done; echo went; sleep {marker}")
    assert said.startswith("ready\n[job 1: running")
    assert (await job(bench, "read", id=1)).startswith("[nothing new]\n[job 1: running")
    (tmp_path / "go").touch()
    assert (await until(bench, 1, "went")).count("ready") == 0
    assert (await job(bench, "list")).startswith("1: running")
    assert "ended by SIGTERM" in await job(bench, "stop", id=1)
    assert not alive(marker)
    assert "ended by SIGTERM" in await job(bench, "list")


async def test_a_job_that_fails_at_once_says_so_at_once(bench: Bench):
    said = await start(bench, "echo port taken >&2; exit 3")
    assert said.startswith("port taken\n[job 1: exit 3")


async def test_a_job_outlives_the_event_loop_it_was_started_in(tmp_path: Path, bench: Bench):
    def turn(work: object) -> str:
        return asyncio.run(work)  # type: ignore[arg-type] - a coroutine

    await asyncio.to_thread(turn, start(bench, "for i in 1 2 3 4; do echo $i; sleep 0.2; done; seq 100000"))
    await asyncio.sleep(1.5)  # nobody reads; the pipe must not fill
    text = await until(bench, 1, "exit 0")
    assert "100000\n[job 1: exit 0" in text
    assert "full output" in text


async def test_long_output_of_a_job_is_bounded(bench: Bench):
    await start(bench, "seq 200000; sleep 0.1")
    text = await until(bench, 1, "exit 0")
    assert len(text) < 62_000


async def test_no_more_than_eight_run(bench: Bench, marker: str):
    for _ in range(MAX_RUNNING):
        bench.jobs.start(*_job(bench, f"sleep {marker}"))
    with pytest.raises(ToolError, match="8 jobs run already"):
        await start(bench, "true")
    bench.jobs.close()
    assert not alive(marker)


async def test_jobs_that_are_not_there(bench: Bench):
    assert await job(bench, "list") == "[no jobs]"
    with pytest.raises(ToolError, match="no job 7"):
        await job(bench, "read", id=7)
    with pytest.raises(ToolArguments, match="needs the id"):
        await job(bench, "stop")


PROGRAM = """
import asyncio, os, sys, time
from pathlib import Path
from ally.sandbox import choose
from tests.unit.tools.bench import call, make_bench
from ally.tools.builtin.shell import ShellTool
sandbox = choose({**os.environ, "ALLY_SANDBOX": sys.argv[2]})
bench = make_bench(Path(sys.argv[1]), sandbox)
asyncio.run(call(ShellTool(bench), command=f"sleep {sys.argv[3]} & sleep {sys.argv[3]}", background=True))
print("started", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("tier", ["A", "B", "C"])
@pytest.mark.parametrize("end", ["exit", "kill"])
def test_no_job_outlives_the_program(tmp_path: Path, marker: str, tier: str, end: str):
    wanted = "" if tier == "A" else tier
    if choose({**os.environ, "ALLY_SANDBOX": wanted}).tier != tier:
        pytest.skip(f"this machine has no sandbox of tier {tier}")
    words = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path), wanted, marker]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin and program.stdout
        assert program.stdout.readline() == b"started\n"
        assert _sleeps(marker)
        if end == "kill":
            program.send_signal(signal.SIGKILL)
        else:
            program.stdin.close()
        program.wait(10)
        if end == "exit":
            assert program.returncode == 0
    assert not alive(marker)


def _sleeps(marker: str) -> bool:
    until_s = time.monotonic() + 2
    while not alive_now(f"sleep {marker}"):
        if time.monotonic() > until_s:
            return False
    return True


def _job(bench: Bench, text: str):
    root = bench.workspace.root
    return text, Command(bench.sandbox(), ["/bin/sh", "-c", text], Confinement(root)), bench.workspace.spill
