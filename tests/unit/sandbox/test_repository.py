import subprocess
from pathlib import Path

import pytest

from ally.errors import SandboxRefused
from ally.sandbox import Confinement, Sandbox
from tests.unit.sandbox.conftest import Run
from tests.unit.sandbox.running import run_in

COMMIT = "git add -A && git commit -qm first && git log --oneline | wc -l"


@pytest.fixture
def repository(git: str, root: Path) -> Path:
    for words in (["init", "-q"], ["config", "user.name", "A"], ["config", "user.email", "a@example.org"]):
        subprocess.run([git, *words], cwd=root, check=True)
    (root / "file").write_text("text")
    return root


def test_without_a_grant_git_reads_and_does_not_write(sh: Run, repository: Path):
    status = sh("git status --short", repository)
    assert (status.stdout, status.stderr) == ("?? file\n", "")
    assert sh(COMMIT, repository).returncode != 0


def test_with_a_grant_git_commits_and_sees_nothing_but_the_users_files(sh: Run, repository: Path):
    done = sh(COMMIT, repository, git=True)
    assert done.stdout.strip() == "1", done.stderr
    listed = sh("git ls-files; git status --short; git branch other; git tag one; git gc -q", repository, git=True)
    assert (listed.stdout, listed.stderr) == ("file\n", "")
    assert sorted(path.name for path in repository.iterdir()) == [".git", "file"]


@pytest.mark.parametrize(
    "line",
    [
        "echo evil > .git/hooks/pre-commit",
        "rm -rf .git/hooks; mkdir .git/hooks && touch .git/hooks/pre-commit",
        "git config core.fsmonitor evil",
        "echo evil > .git/config",
        "mv .git away && mkdir .git && echo evil > .git/config",
        "mv .git/config .git/old && echo evil > .git/config",
        "mkdir -p evil && echo ../evil > .git/commondir",
        "mkdir -p sub && cd sub && mv ../.git/hooks .",
    ],
)
@pytest.mark.parametrize("has_hooks", [True, False])
def test_hooks_and_config_stay_with_a_grant_too(sh: Run, repository: Path, line: str, has_hooks: bool):
    for hook in (repository / ".git" / "hooks").iterdir():
        hook.unlink()
    if not has_hooks:
        (repository / ".git" / "hooks").rmdir()
    before = (repository / ".git" / "config").read_text()
    sh(line, repository, git=True)
    assert (repository / ".git" / "config").read_text() == before
    assert (repository / ".git" / "hooks").exists() == has_hooks
    assert not has_hooks or list((repository / ".git" / "hooks").iterdir()) == []
    assert not (repository / ".git" / "commondir").exists()


def test_a_hook_of_the_user_runs_inside_the_sandbox(sh: Run, repository: Path, home: Path):
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\ntouch {home}/out\necho ran > ran\n")
    hook.chmod(0o755)
    sh(COMMIT, repository, git=True)
    assert (repository / "ran").exists() and not (home / "out").exists()


def test_the_configured_program_of_a_repository_runs_only_inside(sh: Run, repository: Path, home: Path):
    with (repository / ".git" / "config").open("a") as config:
        config.write(f'[core]\n\tfsmonitor = "touch {home}/out; touch {repository}/inside; false"\n')
    sh("git status", repository, is_read_only=True)
    assert not (home / "out").exists() and not (repository / "inside").exists()


def test_the_working_folder_may_be_a_part_of_a_repository(sh: Run, repository: Path):
    part = repository / "part"
    part.mkdir()
    (part / "inner").write_text("text")
    line = f"{COMMIT}; git ls-files; echo evil > ../.git/hooks/post-commit; echo evil > ../file; touch ../new"
    done = sh(line, part, git=True)
    assert done.stdout == "1\ninner\n"
    assert (repository / "file").read_text() == "text" and not (repository / "new").exists()
    assert not (repository / ".git" / "hooks" / "post-commit").exists()
    assert [path.name for path in part.iterdir()] == ["inner"]


def test_repositories_directly_inside_are_protected(sh: Run, repository: Path):
    sh("echo evil > .git/hooks/x; cd ..; true", repository)
    outer = repository.parent
    sh("echo evil > work/.git/hooks/evil; echo evil >> work/.git/config; mv work/.git away", outer)
    assert not (repository / ".git" / "hooks" / "evil").exists()
    assert "evil" not in (repository / ".git" / "config").read_text()


def test_a_worktree_stays_as_it_is(sh: Run, git: str, repository: Path):
    sh(COMMIT, repository, git=True)
    tree = repository.parent / "tree"
    subprocess.run([git, "worktree", "add", "-q", str(tree)], cwd=repository, check=True)
    before = (tree / ".git").read_text()
    for is_granted in (True, False):
        sh("echo gitdir: /evil > .git; rm -f .git; mv .git away", tree, git=is_granted)
        assert (tree / ".git").read_text() == before


def test_a_repository_can_be_made_with_a_grant(sh: Run, git: str, root: Path):
    done = sh("git init -q . && git status --short", root, git=True)
    assert (done.returncode, (root / ".git" / "HEAD").exists()) == (0, True)


def test_linked_hooks_are_refused(bubblewrap: Sandbox, repository: Path):
    (repository / "shared").mkdir()
    (repository / ".git" / "hooks").rename(repository / "old")
    (repository / ".git" / "hooks").symlink_to(repository / "shared")
    with pytest.raises(SandboxRefused, match="hooks is a symbolic link"):
        bubblewrap.launch(["/bin/true"], Confinement(repository, git=True))
    assert run_in(bubblewrap, Confinement(repository), "/bin/true").returncode == 0


@pytest.mark.parametrize("git", [False, True])
def test_a_repository_inside_cannot_be_put_aside_for_another(sh: Run, root: Path, git: bool):
    (root / "sub" / ".git" / "hooks").mkdir(parents=True)
    (root / "sub" / ".git" / "config").write_text("[core]\n")
    hook = "mkdir -p sub/.git/hooks && echo evil > sub/.git/hooks/pre-commit"
    sh(f"mv sub old; {hook}; echo more > sub/file", root, git=git)
    assert list((root / "sub" / ".git" / "hooks").iterdir()) == []
    assert (root / "sub" / "file").read_text() == "more\n"
    assert not (root / "old").exists()
