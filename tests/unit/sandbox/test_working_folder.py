import os
import subprocess
import sys
from pathlib import Path

import pytest

from ally.errors import SandboxRefused
from ally.sandbox import Confinement, Sandbox, tidy
from ally.sandbox.protected import EVERYWHERE
from ally.storage.marks import MARK_S
from tests.unit.sandbox.conftest import Run
from tests.unit.sandbox.running import ROOT, run_in


def test_the_working_folder_can_be_written_and_nothing_else(sh: Run, root: Path, home: Path):
    own = Path("/tmp") / f"ally-{root.parent.name}-{home.name}"
    done = sh(
        f"echo a > new; echo b > {home}/b; echo c > {root.parent}/c; echo d > /usr/d; echo e > {own} && cat {own}",
        root,
    )
    assert (root / "new").read_text() == "a\n"
    assert not (home / "b").exists() and not (root.parent / "c").exists() and not Path("/usr/d").exists()
    assert done.stdout == "e\n" and not own.exists()


def test_a_read_only_command_writes_nowhere(sh: Run, root: Path):
    done = sh("echo a > new; echo b > /tmp/b && echo temporary files are fine", root, is_read_only=True)
    assert list(root.iterdir()) == []
    assert done.stdout == "temporary files are fine\n"


@pytest.mark.parametrize("name", [".git", ".git/hooks/pre-commit", *EVERYWHERE])
def test_what_others_would_run_cannot_be_made(sh: Run, root: Path, name: str):
    sh(f"mkdir -p $(dirname {name}); echo evil > {name}; mkdir {name}; ln -s /etc {name}; true", root)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", [*EVERYWHERE, ".bashrc", ".gitconfig", ".husky", ".claude"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_others_would_run_cannot_be_changed(sh: Run, root: Path, name: str, kind: str):
    path = root / name
    if kind == "folder":
        path.mkdir()
        path = path / "settings.json"
    path.write_text("mine")
    sh(f"echo evil >> {path}; rm -rf {root / name}; mv {root / name} moved; sed -i s/mine/evil/ {path}", root)
    assert path.read_text() == "mine"
    assert [entry.name for entry in root.iterdir()] == [name]


@pytest.mark.parametrize("name", [".git", ".ally", ".vscode", ".envrc", ".bashrc"])
def test_a_protected_link_is_refused_by_name(bubblewrap: Sandbox, root: Path, name: str):
    (root / "elsewhere").mkdir()
    (root / name).symlink_to(root / "elsewhere")
    with pytest.raises(SandboxRefused) as refused:
        bubblewrap.launch(["/bin/true"], Confinement(root))
    assert refused.value.path == root / name
    assert str(root / name) in refused.value.message and refused.value.hint
    assert sorted(entry.name for entry in root.iterdir()) == sorted([name, "elsewhere"])
    assert run_in(bubblewrap, Confinement(root, is_read_only=True), "/bin/true").returncode == 0


def test_a_users_file_that_appears_meanwhile_stays(bubblewrap: Sandbox, root: Path):
    with bubblewrap.launch(["/bin/true"], Confinement(root)):
        (root / ".vscode" / "settings.json").write_text("{}")
        (root / ".envrc").rmdir()
        (root / ".envrc").write_text("mine")
    assert (root / ".vscode" / "settings.json").read_text() == "{}"
    assert (root / ".envrc").read_text() == "mine"
    assert sorted(entry.name for entry in root.iterdir()) == [".envrc", ".vscode"]


def test_empty_folders_of_the_user_stay(sh: Run, root: Path):
    (root / ".vscode").mkdir()
    sh("true", root)
    assert [entry.name for entry in root.iterdir()] == [".vscode"]


def test_what_a_killed_ally_left_is_removed_by_the_next(sh: Run, root: Path):
    (root / ".idea").mkdir()
    os.utime(root / ".idea", (MARK_S, MARK_S))
    sh("true", root)
    assert list(root.iterdir()) == []


def test_what_a_killed_ally_left_is_removed_without_a_command_but_not_under_one(bubblewrap: Sandbox, root: Path):
    (root / "mine").mkdir()
    with bubblewrap.launch(["/bin/true"], Confinement(root)):
        before = sorted(root.iterdir())
        tidy(root)
        assert sorted(root.iterdir()) == before != [root / "mine"]
    (root / ".idea").mkdir()
    os.utime(root / ".idea", (MARK_S, MARK_S))
    tidy(root)
    assert list(root.iterdir()) == [root / "mine"]


def test_commands_of_eight_processes_in_one_folder_keep_each_others_protection(bubblewrap: Sandbox, root: Path):
    processes = [
        subprocess.Popen([sys.executable, "-c", EIGHT, str(root)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert said == ["held\n"] * 8
    assert list(root.iterdir()) == []


def test_a_folder_that_contains_the_home_is_read_only(bubblewrap: Sandbox, tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    sandbox = bubblewrap.with_environment({**os.environ, "HOME": str(home)})
    run_in(sandbox, Confinement(tmp_path), "/bin/sh", "-c", f"touch {tmp_path}/a {home}/b")
    assert [path.name for path in tmp_path.iterdir()] == ["home"] and list(home.iterdir()) == []


def test_in_the_home_folder_everything_hidden_is_protected(bubblewrap: Sandbox, home: Path):
    (home / ".profile").write_text("mine")
    (home / ".config" / "fish").mkdir(parents=True)
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_rsa").write_text("secret")
    line = (
        "echo x > .bashrc; echo x >> .profile; echo x > .config/fish/config.fish; mkdir bin; cat .ssh/*; echo x > note"
    )
    done = run_in(bubblewrap, Confinement(home), "/bin/sh", "-c", line)
    assert sorted(path.name for path in home.iterdir()) == [".config", ".profile", ".ssh", "note"]
    assert (home / ".profile").read_text() == "mine" and "secret" not in done.stdout
    assert list((home / ".config" / "fish").iterdir()) == []


def test_a_folder_of_ally_itself_is_read_only(bubblewrap: Sandbox, tmp_path: Path):
    own = tmp_path / "own"
    own.mkdir()
    sandbox = bubblewrap.with_environment({**os.environ, "ALLY_HOME": str(own)})
    run_in(sandbox, Confinement(own), "/bin/sh", "-c", "touch config.json")
    assert list(own.iterdir()) == []


def test_a_working_folder_that_is_gone_or_a_link_is_refused(bubblewrap: Sandbox, landlock: Sandbox, root: Path):
    (root.parent / "link").symlink_to(root)
    for sandbox in (bubblewrap, landlock):
        for folder in (root / "gone", root.parent / "link"):
            with pytest.raises(SandboxRefused):
                sandbox.launch(["/bin/true"], Confinement(folder))


EIGHT = """
import os, sys
from pathlib import Path
from ally.sandbox import Confinement, choose
from tests.unit.sandbox.running import run_in

root, held = Path(sys.argv[1]), True
sandbox = choose(os.environ)
for number in range(4):
    line = f"for i in 1 2; do echo evil > .envrc; mkdir .vscode/x; rmdir .vscode .idea; sleep 0.0{number}; done; ls -A"
    done = run_in(sandbox, Confinement(root), "/bin/sh", "-c", line + " .vscode .idea .envrc")
    held = held and "x" not in done.stdout and done.returncode == 0
print("held" if held else done)
"""
