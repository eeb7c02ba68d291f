import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ally.errors import StorageError, UsageError
from ally.providers.new import new_provider
from tests.conftest import RunAlly
from tests.fakes import FakeOpenAI
from tests.unit.providers.plugin_files import IMPORT, provider_class

FIELDS = [
    *("name", "display_name", "origin", "path", "required_env_vars", "missing_env_vars", "default_model"),
    *("available_models", "supports_streaming", "location", "overrides", "error"),
]


@pytest.fixture
def custom(checkout: Path) -> Path:
    return checkout / "app/src/providers/custom"


def test_list_as_json_has_the_promised_fields(run_ally: RunAlly):
    done = run_ally("providers", "list", "--json", env={"OPENAI_API_KEY": "k"})
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert all(list(row) == FIELDS for row in rows.values())
    assert list(rows) == sorted(rows)
    assert (rows["openai"]["missing_env_vars"], rows["openai"]["location"]) == ([], "cloud")
    assert rows["minimax"]["missing_env_vars"] == ["MINIMAX_API_KEY", "MINIMAX_GROUP_ID"]
    assert (rows["minimax"]["origin"], rows["local"]["location"]) == ("custom", "local")


def test_list_for_people(run_ally: RunAlly, custom: Path):
    (custom / "wide.py").write_text(
        IMPORT + provider_class("'wide'", extra="def get_display_name(self): return '模型'")
    )
    (custom / "broken.py").write_text("1 / 0\n")
    done = run_ally("providers")
    header, *lines = done.stdout.splitlines()
    assert header.split() == ["NAME", "PROVIDER", "ORIGIN", "LOCATION", "KEY", "DEFAULT", "MODEL"]
    ollama = next(line for line in lines if line.startswith("ollama "))
    wide = next(line for line in lines if line.startswith("wide "))
    assert wide.index("custom (wide.py)") == ollama.index("builtin") - 2  # two characters that take two columns each
    assert lines[-2:] == ["left out:", f"  {custom / 'broken.py'}: ZeroDivisionError: division by zero (line 1)"]
    assert "Failed to load custom provider from broken.py: ZeroDivisionError" in done.stderr


def test_text_of_plug_ins_cannot_drive_the_terminal(run_ally: RunAlly, custom: Path):
    nasty = r"'\x1b]0;owned\x07\x1b[2J\u202eevil\nline'"
    extra = f"def get_display_name(self): return {nasty}\ndef get_default_model(self): return {nasty}"
    (custom / "nasty.py").write_text(IMPORT + provider_class("'nasty'", extra=extra))
    (custom / "worse.py").write_text(f"raise ValueError({nasty})\n")
    for command in (["list"], ["list", "--json"], ["show", "nasty"]):
        done = run_ally("providers", *command)
        assert not set("\x1b\x07\u202e") & set(done.stdout + done.stderr)
        assert command == ["list", "--json"] or "evil line" in done.stdout


def test_projects_never_bring_plug_ins(run_ally: RunAlly, tmp_path: Path):
    for folder in ("app/src/providers/custom", ".ally/providers", "providers"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "evil.py").write_text(f"open({str(tmp_path / 'was_here')!r}, 'w')\n")
    (tmp_path / ".env").write_text("OPENAI_API_KEY=theirs\n")
    done = run_ally("providers", "--json", cwd=tmp_path)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert "evil" not in rows
    assert rows["openai"]["missing_env_vars"] == ["OPENAI_API_KEY"]
    assert not (tmp_path / "was_here").exists()


def test_show_one(run_ally: RunAlly, custom: Path):
    (custom / "broken.py").write_text("1 / 0\n")
    done = run_ally("providers", "show", "MiniMax")
    assert done.returncode == 0
    assert "MINIMAX_API_KEY (missing), MINIMAX_GROUP_ID (missing)" in done.stdout
    assert list(json.loads(run_ally("providers", "show", "minimax", "--json").stdout)) == FIELDS
    left_out = run_ally("providers", "show", "broken")
    assert left_out.returncode == 1
    assert "division by zero (line 1)" in left_out.stdout
    unknown = run_ally("providers", "show", "olama")
    assert unknown.returncode == 2
    assert "Unknown provider: olama. Available providers: ai21, anthropic" in unknown.stderr
    assert "did you mean ollama?" in unknown.stderr


def test_new_provider_answers_without_being_edited(run_ally: RunAlly, custom: Path, fake_openai: FakeOpenAI):
    done = run_ally("providers", "new", "My-Lab")
    assert (done.returncode, done.stdout) == (0, f"{custom / 'my_lab.py'}\n")
    assert "MY_LAB_BASE_URL" in done.stderr
    assert "ally providers check my-lab" in done.stderr
    env = {"MY_LAB_BASE_URL": fake_openai.base_url, "MY_LAB_API_KEY": fake_openai.key or "k"}
    shown = json.loads(run_ally("providers", "show", "my-lab", "--json", env=env).stdout)
    assert (shown["display_name"], shown["location"], shown["error"]) == ("My Lab", "local", None)
    answer = run_ally("-p", "hello", "--provider", "my-lab", "--model", "gpt-4o", env=env)
    assert (answer.returncode, answer.stdout.strip() != "") == (0, True), answer.stderr


def test_new_provider_without_a_checkout_that_can_be_written(run_ally: RunAlly, home: Path, custom: Path):
    for file in custom.iterdir():
        file.unlink()
    custom.rmdir()
    done = run_ally("providers", "new", "lab")
    assert done.stdout == f"{home / '.config/ally/providers/lab.py'}\n"
    assert "lab" in [row["name"] for row in json.loads(run_ally("providers", "--json").stdout)]


@pytest.mark.parametrize("name", ["", "../evil", "1st", "a b", "über", "x" * 41, "a/b", "nul\x01l"])
def test_new_refuses_what_cannot_be_a_name(tmp_path: Path, name: str):
    with pytest.raises(UsageError, match="cannot be the name of a provider"):
        new_provider(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_new_in_a_place_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        new_provider("lab", tmp_path / "file")


def test_new_overwrites_nothing(run_ally: RunAlly, custom: Path):
    taken = run_ally("providers", "new", "OpenAI")
    assert (taken.returncode, taken.stderr.splitlines()[0]) == (2, "Error: There is a provider called OpenAI already.")
    (custom / "lab.py").write_text("# mine\n")
    done = run_ally("providers", "new", "lab")
    assert (done.returncode, (custom / "lab.py").read_text()) == (2, "# mine\n")


def configure_lab(home: Path, base_url: str) -> None:
    lab = {"compatible": "openai", "base_url": base_url, "api_key_env": "LAB_KEY", "models": ["gpt-4o"]}
    config = home / ".config/ally/config.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"endpoints": {"lab": lab}}))


def test_check_prints_a_verdict_for_each_part_of_the_contract(run_ally: RunAlly, fake_openai: FakeOpenAI, home: Path):
    configure_lab(home, fake_openai.base_url)
    env = {"LAB_KEY": fake_openai.key or "k"}
    done = run_ally("providers", "check", "lab", env=env)
    assert {"init", "invoke", "stream", "usage"} <= {line.split()[0] for line in done.stdout.splitlines()}
    assert done.returncode == (1 if " fail " in done.stdout else 0), done.stdout + done.stderr
    rows = json.loads(run_ally("providers", "check", "lab", "--json", env=env).stdout)
    assert {row["name"]: row["verdict"] for row in rows}["invoke"] == "pass"
    assert set(rows[0]) == {"name", "verdict", "reason", "seconds"}


def test_check_of_a_provider_that_cannot_be_reached_fails(run_ally: RunAlly, home: Path, closed_port: int):
    configure_lab(home, f"http://127.0.0.1:{closed_port}/v1")
    done = run_ally("providers", "check", "lab", env={"LAB_KEY": "k"})
    assert done.returncode == 1
    assert "init               pass" in done.stdout
    assert "invoke             fail" in done.stdout
    assert run_ally("providers", "check", "nobody").returncode == 2


def test_guides_warning_goes_to_stderr(run_ally: RunAlly, custom: Path):
    source = "from app.src.providers.builtin import OllamaProvider\nclass Mine(OllamaProvider): pass\n"
    (custom / "my_ollama.py").write_text(source)
    done = run_ally("providers", "--json")
    assert done.stderr == "Custom provider 'ollama' from my_ollama.py overrides built-in provider\n"
    assert json.loads(done.stdout)


def test_broken_main_py_is_named(run_ally: RunAlly, checkout: Path):
    (checkout / "main.py").write_text("api_keys = {\n")
    done = run_ally("providers")
    assert done.returncode == 2
    assert f"{checkout / 'main.py'}, line 1: SyntaxError" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_stops_a_hanging_plug_in_too(
    ally_environment: Callable[[Path], dict[str, str]], checkout: Path, custom: Path, tmp_path: Path
):
    pid_file = tmp_path / "pid"
    source = f"import os, time\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    (custom / "hangs.py").write_text(source)
    command = [sys.executable, "-m", "ally", "providers"]
    with subprocess.Popen(command, cwd=tmp_path, env=ally_environment(checkout), stderr=subprocess.PIPE) as process:
        _wait_for(lambda: pid_file.exists() and pid_file.read_text() != "")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, b"")
    _wait_for(lambda: not Path(f"/proc/{pid_file.read_text()}").exists())


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
