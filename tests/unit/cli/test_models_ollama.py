"""`ally models pull` and `remove` with models of Ollama."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ally.app import App
from ally.cli import models
from ally.cli.args import parse
from ally.config.paths import Paths
from ally.errors import AllyError, ModelFileError, UnknownModel, Unreachable, UsageError
from tests.conftest import ROOT, RunAlly
from tests.fakes.ollama_pull import PullingOllama
from tests.unit.models.making import gguf

Run = Callable[..., str]


@pytest.fixture
def ollama() -> Iterator[PullingOllama]:
    with PullingOllama(models=["qwen3:8b", "llama3.2:latest"]) as fake:
        yield fake


@pytest.fixture
def app(tmp_path: Path, ollama: PullingOllama) -> App:
    return App({"OLLAMA_HOST": ollama.url}, Paths(*[tmp_path / "ally"] * 4), None, False, lambda _: None, {})


@pytest.fixture
def run(app: App, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `ally models WORDS`; gives what it says on stderr."""

    def run(*words: str) -> str:
        assert models.run(parse(["models", *words]), app) == 0
        printed = capsys.readouterr()
        assert printed.out == ""
        return printed.err

    return run


def pulls(ollama: PullingOllama) -> list[str]:
    return [request.json["model"] for request in ollama.requests if request.path == "/api/pull"]


@pytest.mark.parametrize("words", [("ollama:tiny",), ("tiny", "--from", "ollama"), ("tiny:latest",)])
def test_all_ways_to_say_that_ollama_is_meant(run: Run, ollama: PullingOllama, words: tuple[str, ...]) -> None:
    said = run("pull", *words)
    assert f"fetching tiny:latest from Ollama at {ollama.url}" in said
    assert "tiny:latest is ready: ally --provider ollama --model tiny:latest" in said
    assert pulls(ollama) == ["tiny:latest"]


def test_a_model_that_is_there_is_not_fetched_again_unless_forced(run: Run, ollama: PullingOllama) -> None:
    ollama.library = {"qwen3:8b": (1000,)}
    assert "has qwen3:8b already" in run("pull", "qwen3:8b")
    assert pulls(ollama) == []
    assert "is ready" in run("pull", "qwen3:8b", "--force")
    assert pulls(ollama) == ["qwen3:8b"]


@pytest.mark.parametrize(
    ("words", "kind", "hint"),
    [
        (("nosuch:1b",), UnknownModel, "name and tag"),
        (("hf:me/repo/x.gguf",), UsageError, "--from hf:me/repo/x.gguf"),
        (("ollama:tiny", "--from", "hf:me/repo/x.gguf"), UsageError, "leave out"),
        (("llama3.2",), UnknownModel, "ally models pull ollama:llama3.2"),
    ],
)
def test_what_cannot_be_fetched(run: Run, words: tuple[str, ...], kind: type[AllyError], hint: str) -> None:
    with pytest.raises(kind) as caught:
        run("pull", *words)
    assert hint in caught.value.hint


def test_a_server_that_fails_or_does_not_run(run: Run, app: App, ollama: PullingOllama, closed_port: int) -> None:
    ollama.said = [{"status": "pulling manifest"}, {"error": "write /x: no space left on device"}]
    with pytest.raises(ModelFileError, match="The disk of Ollama is full"):
        run("pull", "ollama:tiny")
    app.env["OLLAMA_HOST"] = f"127.0.0.1:{closed_port}"
    for words in (("pull", "ollama:tiny"), ("remove", "tiny:latest")):
        with pytest.raises(Unreachable) as caught:
            run(*words)
        assert "ollama serve" in caught.value.hint


def test_offline_the_server_is_not_sent_to_the_network(run_ally: RunAlly, ollama: PullingOllama) -> None:
    env = {"OLLAMA_HOST": ollama.url}
    refused = run_ally("models", "pull", "ollama:tiny", "--offline", env=env)
    assert refused.returncode == 1
    assert "Offline mode: tiny:latest" in refused.stderr
    assert pulls(ollama) == []
    assert "already" in run_ally("models", "pull", "qwen3:8b", "--offline", env=env).stderr


def test_ctrl_c_stops_the_server_and_the_next_pull_goes_on(
    ally_environment: Callable[[Path], dict[str, str]], run: Run, tmp_path: Path, ollama: PullingOllama
) -> None:
    ollama.pace_s = 0.3
    env = {**ally_environment(ROOT), "OLLAMA_HOST": ollama.url}
    command = [sys.executable, "-m", "ally", "models", "pull", "ollama:tiny"]
    running = subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    assert "fetching tiny:latest" in running.stderr.readline()
    while not ollama.parts:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGINT)
    said = running.communicate(timeout=30)[1]
    assert running.returncode == 130
    assert said.splitlines()[-1] == "Interrupted. The same command goes on from here."
    assert next(asked for asked in ollama.requests if asked.path == "/api/pull").wait_disconnected(10)
    assert "tiny:latest" not in ollama.pulled
    ollama.pace_s = 0
    run("pull", "ollama:tiny")
    assert "tiny:latest" in ollama.pulled


def test_remove_asks_for_the_exact_name(run: Run, ollama: PullingOllama) -> None:
    with pytest.raises(UnknownModel) as caught:
        run("remove", "llama3.2")
    assert "did you mean llama3.2:latest?" in caught.value.hint
    with pytest.raises(UnknownModel):
        run("remove", "qwen3:14b")
    assert ollama.deleted == []
    assert "Removed llama3.2:latest from Ollama" in run("remove", "llama3.2:latest")
    run("remove", "ollama:qwen3:8b")
    assert ollama.deleted == ["llama3.2:latest", "qwen3:8b"]


def test_a_name_that_both_have_is_not_guessed(run: Run, tmp_path: Path, ollama: PullingOllama) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(gguf(payload=b"\x05" * 10_000))
    run("pull", "llama3.2", "--from", str(file))
    with pytest.raises(UsageError) as caught:
        run("remove", "llama3.2")
    assert "local:llama3.2 " in caught.value.hint
    assert "ollama:llama3.2:latest" in caught.value.hint
    assert "Removed llama3.2 " in run("remove", "local:llama3.2")
    assert ollama.deleted == []


def test_without_ollama_the_embedded_models_are_removed_as_ever(
    run: Run, app: App, tmp_path: Path, closed_port: int
) -> None:
    app.env["OLLAMA_HOST"] = f"127.0.0.1:{closed_port}"
    file = tmp_path / "x.gguf"
    file.write_bytes(gguf(payload=b"\x05" * 10_000))
    run("pull", "mine", "--from", str(file))
    assert "Removed mine" in run("remove", "mine")
