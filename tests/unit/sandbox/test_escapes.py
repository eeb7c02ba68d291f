from pathlib import Path

import pytest

from ally.sandbox import Sandbox
from ally.sandbox.probes import run_probes

B_MUST_BLOCK = {
    "write into the home folder",
    "write Ally's own settings",
    "write through a symbolic link",
    "write through a hard link",
    "delete a file outside",
    "connect by TCP",
    "send by UDP",
    "listen on TCP",
    "ask for a name on the network",
    "connect to a socket in the file system",
    "trace a process outside",
    "see a key's variable",
    "see a key under another name",
    "use io_uring",
    "make a user namespace",
    "gain privileges",
    "type into the terminal",
    "leave a process behind",
}


def test_nothing_gets_out_of_tier_a(bubblewrap: Sandbox):
    probes = run_probes(bubblewrap)
    assert [(probe.name, probe.detail) for probe in probes if not probe.blocked] == []
    assert len(probes) >= 40


def test_tier_b_blocks_what_it_can_and_says_what_it_cannot(landlock: Sandbox):
    blocked = {probe.name for probe in run_probes(landlock) if probe.blocked}
    assert blocked >= B_MUST_BLOCK
    assert "read all your files" in landlock.reason and ".git" in landlock.reason


def test_the_probes_do_succeed_where_nothing_stops_them(unconfined: Sandbox):
    opened = {probe.name for probe in run_probes(unconfined) if not probe.blocked}
    assert len(opened) >= 30
    assert {"write into the home folder", "connect by TCP", "read an SSH key", "see a process outside"} <= opened
    assert "full rights" in unconfined.reason


def test_probing_touches_nothing_of_the_user(
    unconfined: Sandbox, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (home / "letter.txt").write_text("dear")
    monkeypatch.chdir(tmp_path)
    run_probes(unconfined)
    assert [path.name for path in home.iterdir()] == ["letter.txt"]
    assert (home / "letter.txt").read_text() == "dear"
    assert list(tmp_path.iterdir()) == []
