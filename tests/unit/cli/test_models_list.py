"""`ally models list`: every model of this machine and its servers."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ally.app import App
from ally.cli import models
from ally.cli.args import parse
from ally.config.paths import Paths
from ally.models.measured import Measured, Measurements, Speed
from ally.models.servers import forget
from ally.models.verdicts import Verdict, Verdicts
from tests.conftest import RunAlly
from tests.fakes import FakeLlamaCpp, FakeLMStudio, FakeOllama, Pulled
from tests.unit.models.making import gguf

Rows = Callable[..., list[dict[str, Any]]]
Print = Callable[..., list[str]]
PATIENCE = 10
OLD_KEYS = [
    *("name", "display_name", "parameters", "quantisation", "licence", "size_bytes", "sha256", "context_window"),
    *("tools", "installed", "path", "source", "pulled_at"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ally" / "models").mkdir(parents=True)
    return tmp_path / "ally"


@pytest.fixture
def app(folder: Path, closed_port: int) -> Iterator[App]:
    forget()
    env = {"OLLAMA_HOST": f"127.0.0.1:{closed_port}"}
    yield App(env, Paths(folder, folder, folder, folder), None, False, lambda _: None, {})
    forget()


@pytest.fixture
def rows(app: App, capsys: pytest.CaptureFixture[str]) -> Rows:
    """What `ally models --json` prints once it has found these servers: a busy machine may be too slow at first."""

    def run(*urls: str) -> list[dict[str, Any]]:
        for _ in range(PATIENCE):
            assert models.run(parse(["models", "--json"]), app) == 0
            found = json.loads(capsys.readouterr().out)
            if set(urls) <= {row["server"] for row in found}:
                break
            forget()
        return found

    return run


@pytest.fixture
def lines(app: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Print:
    """What `ally models` prints on a terminal so wide, once it has found that server."""

    def run(columns: int = 120, url: str = "") -> list[str]:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))
        for _ in range(PATIENCE):
            assert models.run(parse(["models"]), app) == 0
            printed = capsys.readouterr().out
            if url.removeprefix("http://") in printed:
                break
            forget()
        return printed.splitlines()

    return run


def configure(folder: Path, **addresses: str) -> None:
    options = {name: {"base_url": url} for name, url in addresses.items()}
    (folder / "config.json").write_text(json.dumps({"provider_options": options}), "utf-8")


def of(rows: list[dict[str, Any]], server: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows if row["server"] == server}


def test_ollama_models_have_the_window_that_ally_would_ask_for(rows: Rows, app: App) -> None:
    with FakeOllama(models=["qwen3:8b", "nomic-embed-text:latest", "gpt-oss:120b-cloud"]) as fake:
        fake.pulled["small:latest"] = Pulled(("completion",), 131_072, num_ctx=2048)
        app.env["OLLAMA_HOST"] = fake.url
        found = of(rows(fake.url), fake.url)
        assert (found["qwen3:8b"]["context_window"] or 0) >= 4096
        assert (found["small:latest"]["context_window"], found["small:latest"]["window_source"]) == (2048, "server")
        assert [row["tool_calling"] for row in found.values() if not row["embeds"]] == ["native", "schema", "native"]
        cloud = found["gpt-oss:120b-cloud"]
        assert (cloud["location"], cloud["installed"]) == ("cloud", False)
        embedder = found["nomic-embed-text:latest"]
        assert (embedder["embeds"], embedder["tool_calling"]) == (True, None)
        assert {row["provider"] for row in found.values()} == {"ollama"}
        assert fake.memory == {}  # looking loads nothing


def test_looking_pins_no_window(rows: Rows, app: App, folder: Path, fake_ollama: FakeOllama) -> None:
    app.env["OLLAMA_HOST"] = fake_ollama.url
    before = set(folder.rglob("*"))
    rows(fake_ollama.url)
    assert set(folder.rglob("*")) == before


def test_other_servers_and_what_they_have_in_memory(rows: Rows, folder: Path) -> None:
    with FakeLMStudio() as studio, FakeLlamaCpp() as llama:
        studio.loaded["qwen/qwen3-8b"] = 4096
        configure(folder, lmstudio=studio.url, llamacpp=llama.url)
        found = rows(studio.url, llama.url)
        ours = of(found, studio.url)["qwen/qwen3-8b"]
        assert (ours["context_window"], ours["window_source"], ours["is_loaded"]) == (4096, "server", True)
        other = of(found, studio.url)["google/gemma-3-4b"]
        assert (other["context_window"], other["trained_window"], other["is_loaded"]) == (None, 40960, False)
        assert other["tool_calling"] == "schema"
        (served,) = of(found, llama.url).values()
        assert (served["provider"], served["context_window"], served["weights"]) == ("llamacpp", 4096, 8_190_735_360)


def test_measured_speed_belongs_to_the_very_weights(rows: Rows, lines: Print, app: App) -> None:
    digest = next(row["digest"] for row in rows() if row["name"] == "smollm2-135m")
    speed = Speed(512, 400.0, 52.4, "server")
    kept = Measurements.of_user(app.paths)
    kept.keep([Measured("local", "smollm2-135m", "2026-11-22T10:00:00+00:00", digest, speeds=(speed,))])
    starter = next(row for row in rows() if row["name"] == "smollm2-135m")
    assert (starter["generation_per_s"], starter["prefill_per_s"]) == (52.4, 400.0)
    assert any(line.endswith("52 tok/s") for line in lines())
    kept.keep([Measured("local", "smollm2-135m", "2026-11-22T10:00:00+00:00", "other", speeds=(speed,))])
    assert next(row for row in rows() if row["name"] == "smollm2-135m")["generation_per_s"] is None


def test_a_verdict_says_how_tools_are_called(rows: Rows, lines: Print, app: App) -> None:
    digest = next(row["digest"] for row in rows() if row["name"] == "smollm2-135m")
    verdict = Verdict("text", {"single call": True, "nested": False}, "2026-11-22T10:00:00+00:00", digest)
    Verdicts.of_user(app.paths).keep("local", "smollm2-135m", verdict)
    starter = next(row for row in rows() if row["name"] == "smollm2-135m")
    assert (starter["tool_calling"], starter["probes"]) == ("text", {"single call": True, "nested": False})
    assert any("text" in line and line.endswith("checked 1/2") for line in lines())


def test_keys_of_old_are_all_there(rows: Rows) -> None:
    found = rows()
    assert all(list(row)[: len(OLD_KEYS)] == OLD_KEYS for row in found)
    assert any(row["name"] == "smollm2-135m" and row["installed"] for row in found)


def test_a_window_of_the_settings_is_shown_as_theirs(rows: Rows, folder: Path) -> None:
    (folder / "config.json").write_text('{"provider_options": {"local": {"num_ctx": 2048}}}')
    starter = next(row for row in rows() if row["name"] == "smollm2-135m")
    assert (starter["context_window"], starter["window_source"]) == (2048, "user")


def test_a_file_that_is_no_model_is_listed_all_the_same(rows: Rows, folder: Path) -> None:
    (folder / "models" / "broken-3b-q4_k_m.gguf").write_bytes(b"<html>")
    (folder / "models" / "good.gguf").write_bytes(gguf(payload=b"\x05" * 1000))
    found = {row["name"]: row for row in rows()}
    assert found["broken-3b-q4_k_m"]["context_window"] is None
    assert found["broken-3b-q4_k_m"]["quantisation"] == "q4_k_m"
    assert found["good"]["installed"]


def test_each_place_has_its_heading_and_says_how_it_is_used(lines: Print, folder: Path) -> None:
    with FakeLMStudio() as studio:
        studio.loaded["qwen/qwen3-8b"] = 4096
        configure(folder, lmstudio=studio.url)
        shown = lines(120, studio.url)
        place = shown.index(f"LM Studio at {studio.url.removeprefix('http://')} · this machine · --provider lmstudio")
        assert shown[0].split() == ["NAME", "WEIGHTS", "QUANT", "SIZE", "WINDOW", "SOURCE", "TOOLS", "NOTE"]
        assert shown[1] == "embedded engine · this machine · --provider local"
        row = next(line for line in shown[place:] if "qwen/qwen3-8b" in line)
        assert row.split() == ["qwen/qwen3-8b", "8B", "Q4_K_M", "5.0", "GB", "4,096", "server", "native", "loaded"]
        assert any(line.split()[-2:] == ["embeddings", "only"] for line in shown[place:])
        assert "can be fetched: ally models pull NAME" in shown


def test_eighty_columns_hold_long_names(lines: Print, folder: Path) -> None:
    with FakeLMStudio(models=["a-very-long-name-of-a-model-that-somebody-made/it", "text-embedding-x"]) as studio:
        configure(folder, lmstudio=studio.url)
        shown = lines(80, studio.url)
        assert all(len(line) <= 80 for line in shown)
        place = shown.index("  a-very-long-name-of-a-model-that-somebody-made/it")
        assert shown[place + 1].split()[:3] == ["5.0", "GB", "≤40,960"]
        assert {"SIZE", "WINDOW", "SOURCE", "TOOLS"} <= set(shown[0].split())


def test_a_name_with_control_characters_does_not_reach_the_terminal(lines: Print, app: App) -> None:
    with FakeOllama(models=["evil\x1b[2J\nfake:latest"]) as fake:
        app.env["OLLAMA_HOST"] = fake.url
        shown = lines(120, fake.url)
        assert any("evil[2J fake:latest" in line for line in shown)
        assert not any("\x1b" in line for line in shown)


def test_a_server_without_models_says_so(lines: Print, app: App) -> None:
    with FakeOllama(models=()) as fake:
        app.env["OLLAMA_HOST"] = fake.url
        shown = lines(120, fake.url)
        heading = next(place for place, line in enumerate(shown) if fake.url.removeprefix("http://") in line)
        assert shown[heading + 1] == "  no models"


def test_a_server_that_never_answers_holds_nothing_up(rows: Rows, app: App) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        app.env["OLLAMA_HOST"] = f"127.0.0.1:{server.getsockname()[1]}"
        begun = time.monotonic()
        assert rows()
    assert time.monotonic() - begun < 10


def test_offline_only_this_machine_is_asked(run_ally: RunAlly, fake_ollama: FakeOllama) -> None:
    near = run_ally("models", "--json", "--offline", env={"OLLAMA_HOST": fake_ollama.url})
    assert len(of(json.loads(near.stdout), fake_ollama.url)) == 3
    far = run_ally("models", "--json", "--offline", env={"OLLAMA_HOST": "gpu.lan"})
    assert far.returncode == 0, far.stderr
    assert not [row for row in json.loads(far.stdout) if "gpu.lan" in (row["server"] or "")]
