"""The full screen on a real pseudo-terminal: its start, its signals, and what is left of the terminal afterwards."""

import contextlib
import os
import re
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from tests.fakes import FakeOpenAI, Reply

COLOR = re.compile(r"\x1b\[(?:\d*;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d*)*m")
Spawn = Callable[..., pexpect.spawn]


@pytest.fixture
def screen(lab: FakeOpenAI, ally_environment, checkout: Path, work: Path, trust) -> Iterator[Spawn]:
    """Starts the chat on a terminal of 24 x 80 with these options and variables."""
    trust.trust(work)
    children: list[pexpect.spawn] = []

    def start(*options: str, shell: bool = False, **variables: str) -> pexpect.spawn:
        environment = {**ally_environment(checkout), "TERM": "xterm-256color", "PS1": "ready> ", **variables}
        if not variables.get("NO_COLOR"):
            environment.pop("NO_COLOR")
        program = ["/bin/bash", "--norc", "--noprofile", "-i"] if shell else [sys.executable, "-m", "ally", *options]
        child = pexpect.spawn(program[0], program[1:], env=environment, cwd=str(work), encoding="utf-8", timeout=20)
        children.append(child)
        return child

    yield start
    for child in children:
        with contextlib.suppress(pexpect.ExceptionPexpect):
            child.close(force=True)


def wait_for_raw_keys(child: pexpect.spawn) -> None:
    """Until the program and not the kernel shows what is typed."""
    while termios.tcgetattr(child.child_fd)[3] & termios.ECHO:
        time.sleep(0.002)


def fresh_attributes() -> list:
    """Those of a terminal that nobody has changed."""
    ours, theirs = os.openpty()
    try:
        return termios.tcgetattr(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


def test_the_screen_comes_back_from_a_command_that_could_not_be_run(screen: Spawn):
    child = screen()
    child.expect("/help")
    child.send("!\r")
    child.expect("There is no command")
    child.kill(signal.SIGHUP)
    child.expect_exact("\x1b[?1049l")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 128 + signal.SIGHUP


def test_a_typed_key_is_shown_before_anything_is_loaded_and_all_is_left_in_order(screen: Spawn, lab: FakeOpenAI):
    lab.always(Reply("A **short** answer."))
    child = screen()
    wait_for_raw_keys(child)
    child.send("hel")
    child.expect_exact("hel")
    loaded = Path(f"/proc/{child.pid}/maps").read_text() if sys.platform == "linux" else ""
    assert "msgspec" not in loaded
    child.send("lo\r")  # the rest comes while it loads
    child.expect("short")
    assert "hello" in lab.requests[-1].body.decode()
    child.send("/quit\r")
    child.expect_exact("\x1b[?1049l")
    child.expect("hello")
    child.expect("short")
    child.expect("ally -i [a-z0-9]+\r\n")
    child.expect(pexpect.EOF)
    assert child.wait() == 0
    assert termios.tcgetattr(child.child_fd) == fresh_attributes()


def test_no_color_writes_none_and_an_unknown_provider_leaves_with_2_and_keeps_what_was_typed(screen: Spawn):
    child = screen("--provider", "nope", NO_COLOR="1")
    wait_for_raw_keys(child)
    child.send("half a thought")
    child.expect_exact("Unknown provider: nope.")
    said = child.before
    child.expect(pexpect.EOF)
    assert child.wait() == 2
    assert "half a thought" in said
    assert not COLOR.search(said)
    assert termios.tcgetattr(child.child_fd) == fresh_attributes()
    again = screen()
    again.expect_exact("half a thought")
    again.expect_exact("/help")
    again.send("\x15/quit\r")
    again.expect_exact("\x1b[?1049l")
    again.expect(pexpect.EOF)
    assert "/help" not in again.before, "a greeting to which nobody answered is not left behind"
    assert again.wait() == 0


def test_it_stops_and_goes_on_and_survives_a_storm_of_sizes_and_ends_by_sigterm(screen: Spawn, lab: FakeOpenAI):
    lab.always(Reply(" ".join(f"word{number}" for number in range(400)), delay_s=0.004))
    child = screen(shell=True)
    child.expect_exact("ready> ")
    before = termios.tcgetattr(child.child_fd)
    child.sendline(f"{sys.executable} -m ally")
    child.expect_exact("F1 help")
    child.send("go\r")
    child.expect("word")
    for number in range(200):
        child.setwinsize(*((24, 80), (5, 20), (90, 300), (12, 40))[number % 4])
        time.sleep(0.002)
    child.setwinsize(24, 80)
    child.send("\x1a")
    child.expect("Stopped")
    child.expect_exact("ready> ")
    assert termios.tcgetattr(child.child_fd)[3] & termios.ECHO == before[3] & termios.ECHO
    child.sendline("fg")
    child.expect_exact("\x1b[?1049h")
    child.expect("word")
    child.send("still here")
    child.expect("still here")
    os.kill(os.tcgetpgrp(child.child_fd), signal.SIGTERM)
    child.expect_exact("ready> ")
    child.sendline("echo left $?")
    child.expect_exact("left 143")
    assert termios.tcgetattr(child.child_fd)[3] == before[3]
