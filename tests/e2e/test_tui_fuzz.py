"""The full screen in use: what is typed while something else goes on."""

import sys
from collections.abc import Iterator

import pexpect
import pytest

from tests.e2e.test_tui_start import wait_for_raw_keys
from tests.fakes import FakeOpenAI, Reply


@pytest.fixture
def child(lab: FakeOpenAI, ally_environment, checkout, work, trust) -> Iterator[pexpect.spawn]:
    """The chat on a terminal of 24 x 80."""
    trust.trust(work)
    environment = {**ally_environment(checkout), "TERM": "xterm-256color"}
    words = [sys.executable, ["-m", "ally"]]
    child = pexpect.spawn(*words, env=environment, cwd=str(work), encoding="utf-8", timeout=20)
    yield child
    child.close(force=True)


def test_a_message_that_is_sent_while_a_command_runs_is_said_after_it(child: pexpect.spawn, lab: FakeOpenAI):
    def answer(request) -> Reply:
        body = request.body.decode()
        if "second thought" in body:
            return Reply("Understood.")
        return Reply("It was short.", delay_s=0.5) if "goes on from your summary" in body else Reply("Fine.")

    lab.always(answer)
    wait_for_raw_keys(child)
    child.send("first\r")
    child.expect("Fine")
    child.send("/compact\r")
    child.expect("summar")
    child.send("second thought\r")
    child.expect("Understood")
