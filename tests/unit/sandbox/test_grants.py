import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ally.errors import SandboxRefused
from ally.sandbox import Confinement, Sandbox
from tests.unit.sandbox.conftest import Run
from tests.unit.sandbox.running import run_in

TALK = "exec 3<>/dev/tcp/127.0.0.1/{port} && cat <&3"


@pytest.fixture
def greeter() -> Callable[[], int]:
    """Starts a server on loopback that says hello once, and gives its port."""
    servers: list[socket.socket] = []

    def start() -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            talk, _ = server.accept()
            talk.sendall(b"hello")
            talk.close()

        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1]

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("tier", ["bubblewrap", "landlock"])
def test_the_network_is_there_when_granted_and_only_then(
    request: pytest.FixtureRequest, tier: str, root: Path, greeter: Callable[[], int]
):
    sandbox: Sandbox = request.getfixturevalue(tier)
    line = TALK.format(port=greeter())
    without = run_in(sandbox, Confinement(root), "/bin/bash", "-c", line)
    assert (without.stdout, without.returncode != 0) == ("", True)
    granted = run_in(sandbox, Confinement(root, network=True), "/bin/bash", "-c", line)
    assert granted.stdout == "hello", granted.stderr


@pytest.mark.parametrize("tier", ["bubblewrap", "landlock"])
def test_a_granted_folder_can_be_written_and_its_neighbour_cannot(
    request: pytest.FixtureRequest, tier: str, root: Path, home: Path
):
    sandbox: Sandbox = request.getfixturevalue(tier)
    (home / "out").mkdir()
    (home / "out-of-it").mkdir()
    (home / "log").write_text("")
    confinement = Confinement(root, is_read_only=True, writable=(home / "out", home / "log"))
    line = f"touch {home}/out/a {home}/out-of-it/b {home}/c here; echo d > {home}/log"
    run_in(sandbox, confinement, "/bin/sh", "-c", line)
    assert sorted(path.name for path in home.rglob("*")) == ["a", "log", "out", "out-of-it"]
    assert (home / "log").read_text() == "d\n" and list(root.iterdir()) == []


def test_a_granted_folder_is_protected_like_the_working_folder(sh: Run, root: Path, home: Path):
    other = home / "other"
    (other / ".git").mkdir(parents=True)
    sh(f"cd {other} && echo x > .git/config; echo x > .envrc; mkdir .vscode; touch fine", root, writable=(other,))
    assert sorted(path.name for path in other.iterdir()) == [".git", "fine"]
    assert list((other / ".git").iterdir()) == [] and list(root.iterdir()) == []


def test_granting_the_folder_to_a_read_only_command_opens_no_hooks(sh: Run, root: Path):
    sh("touch fine; mkdir -p .git/hooks; echo x > .envrc", root, is_read_only=True, writable=(root,))
    assert [path.name for path in root.iterdir()] == ["fine"]


def test_a_protected_path_can_be_granted_by_itself(sh: Run, root: Path):
    (root / ".vscode").mkdir()
    sh("echo x > .vscode/settings.json; echo x > .envrc", root, writable=(root / ".vscode",))
    assert sorted(path.name for path in root.rglob("*")) == [".vscode", "settings.json"]


@pytest.mark.parametrize("tier", ["bubblewrap", "landlock"])
def test_what_cannot_be_granted_is_refused_by_name(
    request: pytest.FixtureRequest, tier: str, root: Path, tmp_path: Path, home: Path
):
    sandbox: Sandbox = request.getfixturevalue(tier)
    own = home / ".config" / "ally"
    own.mkdir(parents=True)
    (root / "link").symlink_to(home)
    for path in (tmp_path / "missing", root / "link", home.parent, Path("/"), own, home / ".config"):
        with pytest.raises(SandboxRefused) as refused:
            sandbox.launch(["/bin/true"], Confinement(root, writable=(path,)))
        assert str(path) in refused.value.message and refused.value.hint
    assert [path.name for path in root.iterdir()] == ["link"]


def test_masked_files_and_folders_cannot_be_read(sh: Run, root: Path, home: Path):
    nested = root / "a" / "b"
    nested.mkdir(parents=True)
    masks = [root / ".env", nested / ".env.local", home / "keys", root / "missing", home / "linked.env"]
    for path in (masks[0], masks[1], home / "keys" / "deep" / "key", root / "target"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
    masks[4].symlink_to(root / "target")
    line = (
        f"cat .env a/b/.env.local target {home}/linked.env {home}/keys/deep/key; ls {home}/keys; grep -rs secr . {home}"
    )
    for is_read_only in (True, False):
        done = sh(line, root, masks=tuple(masks), is_read_only=is_read_only)
        assert done.stdout == ""
    moved = sh("mv a c; cat c/b/.env.local; mv .env x; cp .env y; cat x y", root, masks=tuple(masks))
    assert "secret" not in moved.stdout
    assert (root / ".env").read_text() == "secret"


def test_a_folder_that_is_shown_can_be_read_inside_a_masked_one(sh: Run, root: Path, home: Path):
    spill = home / ".local" / "state" / "ally" / "spill"
    spill.mkdir(parents=True)
    (spill / "1.txt").write_text("output")
    (spill.parent / "sessions.db").write_text("secret")
    line = f"cat {spill}/1.txt {spill.parent}/sessions.db; touch {spill}/2.txt"
    done = sh(line, root, readable=(spill, home / "missing"))
    assert done.stdout == "output"
    assert [path.name for path in spill.iterdir()] == ["1.txt"]


@pytest.mark.parametrize("name", [".ssh/id_rsa", ".aws/credentials", ".netrc", ".config/ally/config.json", ".docker/c"])
def test_the_keys_of_the_home_are_hidden_without_being_named(sh: Run, root: Path, home: Path, name: str):
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("secret")
    done = sh(f"cat {path}; echo x > {path}", root)
    assert done.stdout == "" and path.read_text() == "secret"


def test_sockets_of_other_programs_are_covered_also_with_the_network(sh: Run, root: Path, home: Path):
    path = str(home / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        line = f"test -S {path} && echo reachable; ls -A /run/user /tmp /run/dbus 2>&1 | grep -c sock"
        assert sh(line, root, network=True).stdout == "0\n"
