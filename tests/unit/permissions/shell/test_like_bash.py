import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ally.permissions.shell import Judgement, judge
from tests.fakes.requests import words
from tests.unit.permissions.shell.bash_trace import BashTrace
from tests.unit.permissions.shell.conftest import Gate, read_corpus

pytestmark = pytest.mark.skipif(not Path("/bin/bash").exists(), reason="there is no bash to compare with")

WRAPPED = re.compile(r"\b(timeout|nice|stdbuf|bash|command|time)\b|/bin/")
BUILTINS = {"cd", "printf", "set", "exit", "["}
PIECES = [
    *words(r"ls rm a -x b=c ; && || | & ' \ $ { } , ( ) # ~ * ? [ ] = ! $' \x41 then if fi do done for in time"),
    *words(r"<<E <<< ` $( ${ < {a,b} {ls,-l} '' else elif : 1 .. @ % ^ + - _ \' \;"),
    *['"', '""', " ", " ", " ", " ", "\n", "\t", "\nE\n", "\\\n", "ls ", "rm ", " a "],
]


@pytest.fixture
def trace(root: Path, home: Path) -> BashTrace:
    for name in ("a.txt", "README.md"):
        (root / name).touch()
    return BashTrace(root, home)


def matches(call: tuple[str, ...], known: tuple[str | None, ...]) -> bool:
    """Whether `known`, where None may be any number of words, can be the words of `call`."""
    pattern = "".join("(?:[^\0]*\0)*" if word is None else re.escape(word + "\0") for word in known)
    return re.fullmatch(pattern, "".join(word + "\0" for word in call), re.DOTALL) is not None


def unseen(calls: set[tuple[str, ...]], judged: Judgement) -> list[tuple[str, ...]]:
    bare = {call[1:] if call[0] == "time" else call for call in calls}  # `time` behind a pipe is a program
    return [call for call in bare - {()} if not any(matches(call, command.words) for command in judged.commands)]


def test_everyday_commands_have_the_words_bash_gives_them(gate: Gate, trace: BashTrace):
    different: dict[str, object] = {}
    for command in read_corpus("allowed")[::2]:
        if WRAPPED.search(command):
            continue
        judged, calls = gate(command), trace.calls(command)
        expected = [one.words for one in judged.commands if one.words[0] not in BUILTINS]
        uncalled = [one for one in expected if not any(matches(call, one) for call in calls)]
        if unseen(calls, judged) or uncalled:
            different[command] = calls, expected
    assert different == {}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join))
def test_bash_runs_nothing_that_the_gate_did_not_see(root: Path, home: Path, trace: BashTrace, text: str):
    judged = judge(text, root, home)
    if not judged.opaque:
        assert unseen(trace.calls(text), judged) == []


def test_the_comparison_can_fail(trace: BashTrace, gate: Gate):
    assert unseen(trace.calls("ls; rm 'a b'"), gate("ls")) == [("rm", "a b")]
    assert shutil.which("bash")
