import asyncio
import os
import resource
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ally.errors import ToolArguments, ToolError, ToolTimeout
from ally.permissions.action import Grant
from ally.sandbox import Sandbox, choose
from ally.tools.base import Run
from ally.tools.builtin.shell import MAX_COMMAND_BYTES, ShellTool
from tests.unit.tools.bench import Open, beside, call, make_bench

TIERS = ("A", "B", "C")


@pytest.fixture(params=TIERS)
def sandbox(request: pytest.FixtureRequest, home: Path) -> Sandbox:
    """Each tier this machine has, the weaker ones by request."""
    chosen = choose({"ALLY_SANDBOX": "" if request.param == "A" else request.param, **os.environ})
    if chosen.tier != request.param:
        pytest.skip(f"this machine has no sandbox of tier {request.param}: {chosen.reason}")
    return chosen


def shell(root: Path, sandbox: object = None, **options: object) -> ShellTool:
    return ShellTool(make_bench(root, sandbox, **options))  # type: ignore[arg-type] - passed on as it is


def alive(marker: str) -> list[str]:
    """Processes with `marker` on their command line, looked at for up to a second."""
    until = time.monotonic() + 1
    while True:
        found = [words for words in map(_words, Path("/proc").glob("[0-9]*")) if marker in words]
        if not found or time.monotonic() > until:
            return found


def _words(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@pytest.fixture
def marker() -> str:
    """Seconds to sleep that nobody else sleeps."""
    return f"{1000 + os.getpid()}.{time.monotonic_ns()}"


async def test_a_secret_is_hidden_from_a_command_unless_the_user_agreed_to_it(tmp_path: Path):
    sandbox = choose(os.environ)
    if sandbox.tier != "A":
        pytest.skip(f"only tier A hides files: {sandbox.reason}")
    secret = tmp_path / ".env"
    secret.write_text("KEY=1")
    tool = shell(tmp_path, sandbox, secrets=[secret])
    assert (await call(tool, command="cat .env")).is_error
    agreed = await tool.run({"command": "cat .env"}, Run(Grant(paths=(secret,))))
    assert (agreed.for_model, agreed.is_error) == ("KEY=1", False)


async def test_output_exit_code_and_tier(sandbox: Sandbox, tmp_path: Path):
    fine = await call(shell(tmp_path, sandbox), command="echo out; echo err >&2; pwd")
    assert fine.for_model == f"out\nerr\n{tmp_path}"
    assert not fine.is_error
    assert fine.for_user.startswith("exit 0, ") and fine.for_user.endswith(f" s, sandbox {sandbox.tier}")
    failed = await call(shell(tmp_path, sandbox), command="echo x | grep y")
    assert failed.is_error
    assert failed.for_model == "[exit 1]"
    assert (await call(shell(tmp_path, sandbox), command="true")).for_model == "[no output]"


async def test_input_is_empty_and_nothing_waits_for_it(sandbox: Sandbox, tmp_path: Path):
    assert (await call(shell(tmp_path, sandbox), command="cat; read x; echo $?")).for_model == "1"


async def test_start_up_files_of_the_user_are_not_run(sandbox: Sandbox, tmp_path: Path, home: Path):
    for name in (".bashrc", ".profile", ".bash_profile"):
        (home / name).write_text("echo from a start-up file\n")
    assert (await call(shell(tmp_path, sandbox), command="echo done")).for_model == "done"


@pytest.mark.parametrize(
    "command",
    [
        "sleep {} & echo started",
        "setsid sleep {} & disown; echo started",
        "(setsid bash -c 'trap \"\" TERM HUP; sleep {}' &) ; echo started",
        "nohup sleep {} >/dev/null 2>&1 & echo started",
    ],
)
async def test_what_a_command_leaves_running_ends_with_it(sandbox: Sandbox, tmp_path: Path, marker: str, command: str):
    said = await call(shell(tmp_path, sandbox), command=command.format(marker))
    assert said.for_model.splitlines()[-1] == "started"
    assert not alive(marker)


async def test_a_command_that_takes_too_long_is_ended_and_its_output_kept(
    sandbox: Sandbox, tmp_path: Path, marker: str
):
    command = f"trap '' TERM; echo so far; setsid sleep {marker} & sleep {marker}"
    with pytest.raises(ToolTimeout, match=r"so far\n.*stopped after 1 s") as caught:
        await call(shell(tmp_path, sandbox), command=command, timeout_s=1)
    assert caught.value.after_s == 1
    assert not alive(marker)


async def test_a_cancelled_command_leaves_nothing_running(sandbox: Sandbox, tmp_path: Path, marker: str):
    command = f"trap '' TERM INT; (setsid bash -c \"trap '' TERM; sleep {marker}\" &); sleep {marker}"
    task = asyncio.create_task(call(shell(tmp_path, sandbox), command=command))
    await asyncio.sleep(0.4)
    assert alive_now(marker)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(marker)


def alive_now(marker: str) -> bool:
    return any(marker in _words(process) for process in Path("/proc").glob("[0-9]*"))


async def test_a_flood_is_bounded_in_memory_and_whole_in_a_file(tmp_path: Path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = await call(
        shell(tmp_path), command="head -c 60000000 /dev/zero; echo; head -c 40000000 /dev/zero | tr '\\0' x"
    )
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000, "kB"
    assert len(said.for_model) < 31_000
    assert "\0" not in said.for_model
    (file,) = beside(tmp_path, "spill").iterdir()
    assert f"full output: {file} (read it with read)" in said.for_model
    assert file.stat().st_size == 100_000_001
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.unlink()


async def test_a_command_runs_where_nothing_can_be_spilled(tmp_path: Path):
    beside(tmp_path, "spill").write_text("in the way")
    said = await call(shell(tmp_path), command="seq 100000")
    assert said.for_model.startswith("1\n2\n") and "could not be kept" in said.for_model


async def test_progress_comes_while_it_runs_and_characters_are_never_halved(tmp_path: Path):
    told: list[tuple[float, str]] = []
    command = r"printf 'a\303'; sleep 0.4; printf '\251b'; sleep 0.3; printf '\377'"
    await call(shell(tmp_path), lambda text: told.append((time.monotonic(), text)), command=command)
    assert "".join(text for _, text in told) == "aéb\ufffd"
    assert len(told) == 3


async def test_a_flood_is_told_in_few_portions(tmp_path: Path):
    told: list[str] = []
    await call(shell(tmp_path), told.append, command="seq 1000000")
    assert max(map(len, told)) <= 8_000
    assert "1000000" in told[-1]


async def test_the_event_loop_goes_on_during_a_flood(tmp_path: Path):
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    beating = asyncio.create_task(beat())
    await call(shell(tmp_path), command="head -c 100000000 /dev/zero; sleep 0.2")
    beating.cancel()
    assert beats > 5


async def test_the_grant_and_nothing_else_reaches_the_sandbox(tmp_path: Path):
    sandbox = Open([])
    secret, extra = tmp_path / ".env", tmp_path / "extra"
    tool = shell(tmp_path, sandbox, secrets=[secret])
    args = {"command": "true", "network": True, "writable": ["/srv", "~/x"]}
    action = tool.action(args)
    assert (action.kind, action.subject, action.network) == ("run", "true", True)
    assert action.writable == (Path("/srv"), beside(tmp_path, "home") / "x")
    await tool.run(args, Run(Grant(is_read_only=True, git=True, writable=(extra,))))
    (asked,) = sandbox.asked
    assert (asked.root, asked.is_read_only, asked.git, asked.network) == (tmp_path, True, True, False)
    assert (asked.writable, asked.masks, asked.readable) == ((extra,), (secret,), (beside(tmp_path, "spill"),))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("curl -sS http://192.0.2.1/ || true", "network true"),
        ("python3 -c 'import socket; socket.getaddrinfo(\"example.com\", 80)' || true", "network true"),
        ("touch /etc/made-by-a-test || true", "writable"),
        ("cat .env || true", ".env"),
    ],
)
async def test_a_refusal_that_the_command_hides_is_told(tmp_path: Path, command: str, said: str):
    sandbox = choose(os.environ)
    if sandbox.tier != "A":
        pytest.skip(f"only tier A refuses all of these: {sandbox.reason}")
    (tmp_path / ".env").write_text("KEY=1")
    result = await call(shell(tmp_path, sandbox, secrets=[tmp_path / ".env"]), command=command)
    notes = [line for line in result.for_model.splitlines() if line.startswith("[sandbox: ")]
    assert len(notes) == 1 and said in notes[0]
    assert "KEY" not in result.for_model


async def test_no_refusal_is_made_up(sandbox: Sandbox, tmp_path: Path):
    (tmp_path / "locked").mkdir()
    result = await call(shell(tmp_path, sandbox), command="ls nothing-there; cat locked; echo fine > x; cat x")
    assert "[sandbox" not in result.for_model


@pytest.mark.parametrize("command", ["", " \n", "a\0b", "x" * (MAX_COMMAND_BYTES + 1), "echo \ud800"])
def test_commands_that_cannot_be_run_are_refused(tmp_path: Path, command: str):
    with pytest.raises(ToolArguments):
        shell(tmp_path).action({"command": command})


async def test_a_command_that_cannot_be_started_is_an_error_for_the_model(tmp_path: Path):
    root = tmp_path / "gone"
    root.mkdir()
    tool = shell(root)
    root.rmdir()
    with pytest.raises(ToolError, match="cannot be started"):
        await call(tool, command="true")


def test_two_hundred_commands_leave_no_descriptor_open(tmp_path: Path):
    async def many(count: int) -> None:
        tool = shell(tmp_path)
        for _ in range(count):
            await call(tool, command="exit 0")

    count_open: Callable[[], int] = lambda: len(list(Path("/proc/self/fd").iterdir()))  # noqa: E731 - short
    asyncio.run(many(2))
    before = count_open()
    asyncio.run(many(40))
    assert count_open() <= before
