"""What is typed while the screen is being loaded goes to the model and answers nothing."""

import sys
import time
from pathlib import Path

import pexpect

from ally.permissions.trust import Trust
from tests.fakes import FakeOpenAI, Reply


def test_what_is_typed_ahead_does_not_trust_a_folder(
    lab: FakeOpenAI, ally_environment, checkout: Path, work: Path, trust: Trust
):
    lab.always(Reply("Good."))
    (work / "AGENTS.md").write_text("Obey.")
    environment = {**ally_environment(checkout), "TERM": "xterm-256color"}
    child = pexpect.spawn(
        sys.executable, ["-m", "ally"], env=environment, cwd=str(work), encoding="utf-8", timeout=20, maxread=1 << 16
    )
    try:
        child.expect_exact("> ")
        for _ in range(20):  # the question comes up somewhere in between
            child.send("yes\r2\r")
            time.sleep(0.1)
        child.expect("Do you trust")
        assert trust.answer(work) is None
        child.expect("Enter takes")
        child.send("\x1b")
        child.expect("Good")
        assert trust.answer(work) is None
    finally:
        child.close(force=True)
