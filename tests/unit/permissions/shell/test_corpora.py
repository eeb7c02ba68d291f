import pytest

from tests.unit.permissions.shell.conftest import Gate, read_corpus


def test_no_hostile_command_is_read_only(gate: Gate):
    assert [command for command in read_corpus("refused") if gate(command).is_read_only] == []


def test_every_refusal_says_why(gate: Gate):
    assert [command for command in read_corpus("refused") if not gate(command).reason] == []


def test_everyday_reading_needs_no_question(gate: Gate):
    asked = {command: gate(command).reason for command in read_corpus("allowed") if not gate(command).is_read_only}
    assert asked == {}


def test_everyday_reading_stops_nowhere(gate: Gate):
    judged = {command: gate(command) for command in read_corpus("allowed")}
    assert {
        command: one.destructive or one.opaque for command, one in judged.items() if one.destructive or one.opaque
    } == {}


def test_what_destroys_home_system_workspace_or_history_is_stopped(gate: Gate):
    assert [command for command in read_corpus("destructive") if not gate(command).destructive] == []


def test_what_destroys_is_never_read_only(gate: Gate):
    assert [command for command in read_corpus("destructive") if gate(command).is_read_only] == []


def test_ordinary_removing_is_not_stopped(gate: Gate):
    stopped = {command: gate(command).destructive for command in read_corpus("not_destructive")}
    assert {command: why for command, why in stopped.items() if why} == {}


@pytest.mark.parametrize(("name", "least"), [("refused", 200), ("allowed", 120), ("destructive", 40)])
def test_the_corpora_are_large_and_without_repetitions(name: str, least: int):
    commands = read_corpus(name)
    assert len(commands) >= least
    assert len(set(commands)) == len(commands)
