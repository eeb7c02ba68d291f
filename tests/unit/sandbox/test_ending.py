import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ally.sandbox import Confinement, Launch, Sandbox
from tests.unit.sandbox.running import ROOT, run_in

TIERS = ["bubblewrap", "landlock", "unconfined"]
DAEMON = (
    "(setsid sh -c 'exec sleep {time}' </dev/null >/dev/null 2>&1 &) ; sleep 0.1; nohup sleep {time} >/dev/null 2>&1 &"
)


KILLED = """
import os, subprocess, sys, time; from pathlib import Path; from ally.sandbox import Confinement, choose
launch = choose(os.environ).launch(["/bin/sleep", sys.argv[2]], Confinement(Path(sys.argv[1])))
words = [word for word in launch.argv if word not in sys.argv[3:]]
subprocess.Popen(words, env=launch.env, cwd=launch.cwd, pass_fds=launch.pass_fds, start_new_session=True)
time.sleep(0.3 if sys.argv[3:] else 0)
os.kill(os.getpid(), 9)
"""


def running(word: str) -> list[str]:
    """The command lines of processes with `word` in them."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if word.encode() in words.split(b"\0") and str(os.getpid()) not in path.parts:
            found.append(words.decode())
    return found


def wait_for(condition: object, *, gone: bool) -> bool:
    """Whether a word comes to be, or stops being, among the running commands."""
    for _ in range(500):
        if bool(running(str(condition))) != gone:
            return True
        time.sleep(0.01)
    return False


def start(launch: Launch) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        launch.argv, env=launch.env, cwd=launch.cwd, pass_fds=launch.pass_fds, start_new_session=True
    )


@pytest.fixture
def seconds() -> str:
    """A time to sleep that no other test uses."""
    return f"{time.time_ns() % 10**9 + 10**9}"


@pytest.mark.parametrize("tier", TIERS)
def test_daemons_end_with_their_command(request: pytest.FixtureRequest, tier: str, root: Path, seconds: str):
    sandbox: Sandbox = request.getfixturevalue(tier)
    done = run_in(sandbox, Confinement(root), "/bin/sh", "-c", DAEMON.format(time=seconds))
    assert done.returncode == 0, done.stderr
    assert wait_for(seconds, gone=True)


@pytest.mark.parametrize("tier", TIERS)
def test_killing_the_command_kills_all_of_it(request: pytest.FixtureRequest, tier: str, root: Path, seconds: str):
    sandbox: Sandbox = request.getfixturevalue(tier)
    with sandbox.launch(["/bin/sh", "-c", DAEMON.format(time=seconds) + "wait"], Confinement(root)) as launch:
        process = start(launch)
        assert wait_for(seconds, gone=False)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert wait_for(seconds, gone=True)
    assert list(root.iterdir()) == []


def test_nothing_is_left_open_or_lying_around(bubblewrap: Sandbox, landlock: Sandbox, root: Path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for sandbox in (bubblewrap, landlock):
        for _ in range(3):
            assert run_in(sandbox, Confinement(root), "/bin/true").returncode == 0
        with pytest.raises(FileNotFoundError), sandbox.launch(["/bin/true"], Confinement(root)):
            raise FileNotFoundError
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("tier", TIERS)
def test_the_exit_code_and_the_output_are_the_commands(request: pytest.FixtureRequest, tier: str, root: Path):
    sandbox: Sandbox = request.getfixturevalue(tier)
    done = run_in(sandbox, Confinement(root), "/bin/sh", "-c", "printf 'a b\\n'; echo ü >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "a b\n", "ü\n")


@pytest.mark.parametrize(("tier", "letter"), [("bubblewrap", "A"), ("landlock", "B")])
def test_a_command_does_not_outlive_a_program_that_is_killed_right_after_starting_it(
    request: pytest.FixtureRequest, tier: str, letter: str, root: Path, seconds: str
):
    request.getfixturevalue(tier)
    for number in range(4):
        words = [sys.executable, "-c", KILLED, str(root), f"{seconds}.{number}"]
        subprocess.run(words, cwd=ROOT, env={**os.environ, "ALLY_SANDBOX": letter}, check=False)
    time.sleep(0.3)  # long enough for bubblewrap to start the command
    assert all(wait_for(f"{seconds}.{number}", gone=True) for number in range(4))


def test_a_command_ends_with_the_program_though_bubblewrap_did_not_notice(
    bubblewrap: Sandbox, root: Path, seconds: str
):
    words = [sys.executable, "-c", KILLED, str(root), seconds, "--die-with-parent"]
    process = subprocess.Popen(words, cwd=ROOT)
    assert wait_for(seconds, gone=False)
    process.wait()
    assert wait_for(seconds, gone=True)


@pytest.mark.parametrize("tier", ["bubblewrap", "landlock"])
def test_a_program_that_is_not_there_is_an_error_of_the_command(request: pytest.FixtureRequest, tier: str, root: Path):
    sandbox: Sandbox = request.getfixturevalue(tier)
    done = run_in(sandbox, Confinement(root), "no-such-program")
    assert done.returncode in (1, 127) and "no-such-program" in done.stderr


@pytest.mark.parametrize("tier", TIERS)
def test_words_with_strange_characters_arrive_as_they_are(request: pytest.FixtureRequest, tier: str, root: Path):
    sandbox: Sandbox = request.getfixturevalue(tier)
    folder = root / "a b;$(c)\n-ü"
    folder.mkdir()
    done = run_in(sandbox, Confinement(folder), "/bin/echo", "-n", "--", "$HOME\n;ü", "--seccomp")
    assert done.stdout == "-- $HOME\n;ü --seccomp"
