import os
from pathlib import Path

import pytest

from ally.sandbox import Confinement, Sandbox, choose
from tests.unit.sandbox.running import run_in

KEY = "sk-live-0123456789abcdef"
DANGEROUS = {
    "LD_PRELOAD": "/x.so",
    "PYTHONSTARTUP": "/x.py",
    "PYTHONPATH": "/x",
    "BASH_ENV": "/x",
    "ENV": "/x",
    "BASH_FUNC_ls%%": "() { evil; }",
    "GIT_EXTERNAL_DIFF": "evil",
    "GIT_CONFIG_COUNT": "1",
    "GIT_DIR": "/x",
    "PAGER": "evil",
    "MANPAGER": "evil",
    "NODE_OPTIONS": "--require /x",
    "PERL5OPT": "-Mx",
    "SSH_AUTH_SOCK": "/x",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/x",
    "DISPLAY": ":0",
    "PROMPT_COMMAND": "evil",
    "ALLY_HOME": "/nowhere",
}
SECRET = {
    "OPENAI_API_KEY": KEY,
    "MY_TOKEN": "tok-0123456789",
    "INNOCENT": KEY,
    "NESTED": f"Authorization: Bearer {KEY}",
    "DATABASE_URL": "postgres://user:pass@host/db",
    "PIP_INDEX_URL": "https://me:password@host/simple",
}


@pytest.fixture(params=["A", "B", "C"])
def sandbox(request: pytest.FixtureRequest, home: Path) -> Sandbox:
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "FAVOURITE": "blue", **DANGEROUS, **SECRET}
    found = choose({**env, "ALLY_SANDBOX": request.param}, secrets=["given-in-main-py"])
    if found.tier != request.param:
        pytest.skip(f"no sandbox of tier {request.param} here: {found.reason}")
    return found


def variables(sandbox: Sandbox, root: Path, *, network: bool = False) -> dict[str, str]:
    done = run_in(sandbox, Confinement(root, network=network), "/usr/bin/env", "-0")
    return dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)


def test_no_key_gets_in_by_name_or_by_value(sandbox: Sandbox, root: Path):
    inside = variables(sandbox, root)
    assert not set(SECRET) & set(inside)
    assert not any(KEY in value or "pass" in value for value in inside.values())
    assert inside["FAVOURITE"] == "blue" and inside["LANG"] == "C.UTF-8"


def test_no_key_shows_in_a_repr(sandbox: Sandbox, root: Path):
    with sandbox.launch(["/bin/true"], Confinement(root)) as launch:
        assert KEY not in repr(sandbox) + repr(launch) and "given-in-main-py" not in repr(sandbox)


def test_nothing_that_changes_how_programs_start_gets_in(sandbox: Sandbox, root: Path):
    inside = variables(sandbox, root)
    changed = {name: inside[name] for name in set(DANGEROUS) & set(inside)}
    assert changed == {"PAGER": "cat", "MANPAGER": "cat"}
    assert inside["GIT_OPTIONAL_LOCKS"] == "0" and inside["TERM"] == "dumb"


def test_the_password_of_an_index_comes_with_the_network_only(sandbox: Sandbox, root: Path):
    assert "PIP_INDEX_URL" in variables(sandbox, root, network=True)
    assert "DATABASE_URL" not in variables(sandbox, root, network=True)


def test_values_given_beside_the_environment_are_kept_out(home: Path, root: Path):
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "ECHO": "x given-in-main-py x", "ALLY_SANDBOX": "C"}
    assert "ECHO" not in variables(choose(env, secrets=["given-in-main-py"]), root)


def test_a_key_that_is_loaded_later_is_kept_out_too(home: Path, root: Path):
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "ALLY_SANDBOX": "C"}
    sandbox = choose(env)
    env |= {"LATE_API_KEY": KEY, "COPY": KEY}
    assert {"LATE_API_KEY", "COPY"}.isdisjoint(variables(sandbox, root))


def test_programs_of_the_working_folder_are_not_on_the_path(home: Path, root: Path):
    (root / "bin").mkdir()
    (root.parent / "link").symlink_to(root / "bin")
    path = f"{root}/bin:.:bin::{root.parent}/link:/usr/bin:{root}/../{root.name}/bin:/bin"
    env = {"PATH": path, "HOME": str(home), "ALLY_SANDBOX": "C"}
    assert variables(choose(env), root)["PATH"] == "/usr/bin:/bin"


def test_an_activated_environment_stays_on_the_path_in_a_sandbox(bubblewrap: Sandbox, home: Path, root: Path):
    env = {"PATH": f"{root}/.venv/bin:{root}/bin:/usr/bin", "HOME": str(home), "VIRTUAL_ENV": f"{root}/.venv"}
    assert variables(bubblewrap.with_environment(env), root)["PATH"] == f"{root}/.venv/bin:/usr/bin"
    assert variables(choose({**env, "ALLY_SANDBOX": "C"}), root)["PATH"] == "/usr/bin"


def test_caches_and_temporary_files_have_a_place(bubblewrap: Sandbox, landlock: Sandbox, root: Path):
    line = 'mkdir -p "$XDG_CACHE_HOME" && touch "$XDG_CACHE_HOME/a" "$TMPDIR/b" && mktemp >/dev/null && echo "$TMPDIR"'
    for sandbox in (bubblewrap, landlock):
        done = run_in(sandbox, Confinement(root, is_read_only=True), "/bin/sh", "-c", line)
        assert done.returncode == 0, done.stderr
        assert not Path(done.stdout.strip(), "b").exists()


def test_the_environment_of_ally_cannot_be_read_from_its_process(bubblewrap: Sandbox, root: Path):
    env = {**os.environ, "SECRET_TOKEN": KEY}
    line = "cat /proc/*/environ /proc/self/environ | tr '\\0' '\\n' | grep -c sk-live"
    done = run_in(bubblewrap.with_environment(env), Confinement(root), "/bin/sh", "-c", line)
    assert done.stdout == "0\n"
