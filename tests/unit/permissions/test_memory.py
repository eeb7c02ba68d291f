"""Answers and trust on disk."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ally.errors import ConfigError, StorageError
from ally.permissions.memory import Answers
from ally.permissions.trust import Trust
from tests.unit.permissions.site import Site, run, word

Open = Callable[..., Answers]

REMEMBER = """
import sys
from pathlib import Path
from ally.permissions.memory import Answers
from ally.permissions.trust import Trust
state, root, number = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
answers = Answers(state / "permissions.json", root, print)
trust = Trust(state / "trust.json", notify=print)
for count in range(5):
    answers.remember([f"shell(make p{number}-{count})"], "always" if count % 2 else "project")
    trust.trust(root / f"p{number}-{count}")
"""


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "permissions.json"


@pytest.fixture
def answers(file: Path, site: Site, told: list[str]) -> Open:
    """Opens the answers as another process would."""
    return lambda root=None: Answers(file, root or site.root, told.append)


def texts(answers: Answers) -> list[str]:
    return [rule.text for rule in answers.rules()]


def test_scopes_last_as_long_as_they_say(answers: Open, site: Site, told: list[str]):
    first = answers()
    first.remember(["shell(one)"], "once")
    first.remember(["shell(two)"], "session")
    first.remember(["shell(three)"], "project")
    first.remember(["shell(four)"], "always")
    assert texts(first) == ["shell(two)", "shell(three)", "shell(four)"]
    assert texts(answers()) == ["shell(three)", "shell(four)"]
    assert texts(answers(site.home / "other")) == ["shell(four)"]
    assert [rule.origin for rule in answers().rules()] == [f"answer for {site.root}", "answer for everywhere"]
    assert answers().remembered() == [(str(site.root), "shell(three)"), ("", "shell(four)")]
    assert told == []


def test_running_session_sees_what_another_remembers(answers: Open, site: Site):
    here, there = answers(), answers()
    policy = site.policy()
    policy = type(policy)(policy.place, (), "ask", confined=True, answers=here.rules)
    assert word(policy.decide(run("make"))) == "ask"
    there.remember(["shell(make)"], "project")
    assert word(policy.decide(run("make"))) == "allow"


def test_the_same_folder_under_another_name_is_the_same_project(answers: Open, site: Site, tmp_path: Path):
    (tmp_path / "link").symlink_to(site.root)
    answers(tmp_path / "link").remember(["shell(make)"], "project")
    assert texts(answers()) == ["shell(make)"]


def test_remembering_twice_keeps_one(answers: Open):
    for scope in ("session", "project", "always"):
        answers().remember(["shell(make)"], scope)
        answers().remember(["shell(make)", "shell(make)"], scope)
    assert texts(answers()) == ["shell(make)", "shell(make)"]


def test_files_are_private(answers: Open, file: Path):
    answers().remember(["shell(make)"], "always")
    Trust(file.with_name("trust.json")).trust(file.parent)
    for one in (file, file.with_name("trust.json")):
        assert stat.S_IMODE(one.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b'{"version": 1, "always": "shell"}',
        b'{"version": 1, "always": [1]}',
        b'{"version": 1, "unknown": []}',
        b'{"version": 2, "always": ["shell"], "new": {}}',
        b'{"version": "1"}',
        b"[" * 100_000,
        b'{"version": 1, "projects": {"/": "x"}}',
    ],
)
def test_file_that_cannot_be_read_is_set_aside_and_gives_nothing(
    answers: Open, file: Path, told: list[str], content: bytes
):
    file.parent.mkdir()
    file.write_bytes(content)
    first = answers()
    assert texts(first) == []
    assert len(told) == 1
    assert "set aside" in told[0]
    assert file.with_name("permissions.json.broken").read_bytes() == content
    first.remember(["shell(make)"], "always")
    assert texts(answers()) == ["shell(make)"]
    file.write_bytes(b"{")
    assert texts(answers()) == []
    assert file.with_name("permissions.json.broken1").exists()


def test_broken_file_is_set_aside_before_it_is_written(answers: Open, file: Path, told: list[str]):
    file.parent.mkdir()
    file.write_bytes(b"{")
    answers().remember(["shell(make)"], "always")
    assert file.with_name("permissions.json.broken").read_bytes() == b"{"
    assert texts(answers()) == ["shell(make)"]
    assert len(told) == 1


def test_one_bad_rule_does_not_take_the_others_along(answers: Open, file: Path, told: list[str]):
    file.parent.mkdir()
    file.write_text('{"version": 1, "always": ["shell(", "*", "shell(make)"]}')
    assert texts(answers()) == ["shell(make)"]
    assert len(told) == 2


def test_link_is_not_believed_and_not_written(answers: Open, file: Path, told: list[str], tmp_path: Path):
    target = tmp_path / "planted.json"
    target.write_text('{"version": 1, "always": ["shell"]}')
    file.parent.mkdir()
    file.symlink_to(target)
    here = answers()
    assert texts(here) == []
    here.remember(["shell(make)"], "always")
    assert texts(here) == ["shell(make)"]
    assert "shell(make)" not in target.read_text()
    assert "for this session only" in told[-1]
    assert texts(answers()) == []


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_file_that_others_may_write_is_not_believed(answers: Open, file: Path, told: list[str], mode: int):
    answers().remember(["shell(make)"], "always")
    file.chmod(mode)
    assert texts(answers()) == []
    assert "written by others" in told[0]


def test_folder_that_everybody_may_write_is_not_believed(answers: Open, file: Path, told: list[str]):
    answers().remember(["shell(make)"], "always")
    file.parent.chmod(0o777)
    assert texts(answers()) == []
    assert told


def test_place_that_cannot_be_written_keeps_the_answer_for_the_session(site: Site, told: list[str], tmp_path: Path):
    (tmp_path / "file").write_text("")
    answers = Answers(tmp_path / "file" / "permissions.json", site.root, told.append)
    answers.remember(["shell(make)"], "always")
    assert "for this session only" in told[-1]
    assert texts(answers) == ["shell(make)"]


def test_what_is_no_rule_is_not_remembered(answers: Open):
    with pytest.raises(ConfigError):
        answers().remember(["shell(make)", "shell("], "always")
    assert texts(answers()) == []


def test_eight_processes_at_once_lose_nothing(file: Path, site: Site):
    def start(number: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", REMEMBER, str(file.parent), str(site.root), str(number)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    running = [start(number) for number in range(8)]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 8, said
    assert said == [""] * 8
    wanted = {f"shell(make p{number}-{count})" for number in range(8) for count in range(5)}
    assert {rule.text for rule in Answers(file, site.root, print).rules()} == wanted
    kept = json.loads(file.with_name("trust.json").read_text())["folders"]
    assert len(kept) == 40
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "permissions.json",
        "permissions.json.lock",
        "trust.json",
        "trust.json.lock",
    ]


@pytest.fixture
def trust(tmp_path: Path, site: Site, told: list[str]) -> Trust:
    return Trust(tmp_path / "state" / "trust.json", site.home, told.append)


def test_nothing_is_trusted_before_it_is_said(trust: Trust, site: Site):
    assert trust.answer(site.root) is None
    assert not trust.is_trusted(site.root)


def test_trust_covers_folders_inside_and_no_neighbours(trust: Trust, site: Site):
    trust.trust(site.root)
    assert trust.is_trusted(site.root)
    assert trust.is_trusted(site.root / "src/deep")
    assert trust.is_trusted(site.root / "src/../.")
    assert not trust.is_trusted(site.home / "project-evil")
    assert not trust.is_trusted(site.root / "..")
    assert not trust.is_trusted(site.home)
    trust.distrust(site.root / "src")
    assert trust.answer(site.root / "src/deep") is False
    assert trust.is_trusted(site.root)


@pytest.mark.parametrize("above", ["home", "parent of home", "root of the file system"])
def test_trust_in_everything_covers_that_folder_only(trust: Trust, site: Site, above: str):
    folder = {"home": site.home, "parent of home": site.home.parent, "root of the file system": Path("/")}[above]
    trust.trust(folder)
    assert trust.is_trusted(folder)
    assert not trust.is_trusted(site.root)
    assert trust.answer(site.root) is None


def test_trust_follows_links_and_nothing_else(trust: Trust, site: Site, tmp_path: Path):
    trust.trust(site.root)
    (tmp_path / "link").symlink_to(site.root)
    assert trust.is_trusted(tmp_path / "link")
    (site.root / "out").symlink_to(site.home / "other")
    assert not trust.is_trusted(site.root / "out")
    # A folder that says it is a worktree of a trusted repository is still another folder.
    stranger = tmp_path / "stranger"
    (stranger / ".git").mkdir(parents=True)
    (stranger / ".git/commondir").write_text(f"{site.root}/.git\n")
    (stranger / ".git/gitdir").write_text(f"{site.root}/.git\n")
    assert not trust.is_trusted(stranger)


def test_broken_trust_trusts_nothing_and_is_set_aside(trust: Trust, site: Site, told: list[str], tmp_path: Path):
    trust.trust(site.root)
    (tmp_path / "state/trust.json").write_text('{"version": 1, "folders": {"/": "yes"}}')
    assert not trust.is_trusted(site.root)
    assert (tmp_path / "state/trust.json.broken").exists()
    assert len(told) == 1


def test_trust_in_a_file_that_is_a_link_cannot_be_given(trust: Trust, site: Site, tmp_path: Path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state/trust.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(StorageError):
        trust.trust(site.root)
    assert not os.path.lexists(tmp_path / "elsewhere.json")
