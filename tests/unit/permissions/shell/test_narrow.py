import pytest

from ally.permissions.shell import narrow
from tests.unit.permissions.shell.conftest import Gate


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        ("git commit -m 'a b'", "git commit *"),
        ("git push origin main", "git push origin main"),
        ("git rebase main", "git rebase main"),
        ("git fetch origin", "git fetch origin"),
        ("git pull --ff-only", "git pull --ff-only"),
        ("git -c core.pager=x log", "git -c core.pager=x log"),
        ("git reset --hard", "git reset --hard"),
        ("git config alias.x '!rm y'", "git config alias.x '!rm y'"),
        ("pytest -q tests", "pytest *"),
        ("ruff check .", "ruff *"),
        ("npm run build", "npm run build"),
        ("npm test -- -u", "npm test *"),
        ("npm install left-pad", "npm install left-pad"),
        ("cargo test --all", "cargo test *"),
        ("go build ./...", "go build *"),
        ("make all", "make all"),
        ("make", "make"),
        ("python -c 'print(1)'", "python -c 'print(1)'"),
        ("python3.12 x.py", "python3.12 x.py"),
        ("rm -rf build", "rm -rf build"),
        ("curl https://a.example/x", "curl https://a.example/x"),
        ("sudo ls", "sudo ls"),
        ("./run.sh now", "./run.sh now"),
        ("find . -delete -name x", "find . -delete -name x"),
    ],
)
def test_a_rule_covers_the_like_and_not_more(gate: Gate, command: str, rule: str):
    assert narrow(gate(command).commands[0]) == rule


@pytest.mark.parametrize("command", ['rm "$X"', "python *", "rm '*'", "$X a", "curl $(x)", 'bash -c "$X"', './a "$X"'])
def test_what_cannot_be_written_down_is_not_remembered(gate: Gate, command: str):
    assert narrow(gate(command).commands[0]) == ""


def test_no_command_gives_a_rule_for_a_general_program(gate: Gate):
    for command in (
        "bash x",
        "sh x",
        "env",
        "xargs rm",
        "node x",
        "perl -e 1",
        "ssh a b",
        "docker run x",
        "sed -i p f",
    ):
        assert not narrow(gate(command).commands[0]).endswith("*"), command
