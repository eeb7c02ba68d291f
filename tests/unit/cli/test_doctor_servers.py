"""What `ally doctor` says about model servers and the windows of the agents' models."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ally.app import App
from ally.cli import doctor
from ally.cli.args import parse
from ally.config.paths import Paths
from ally.models.servers import forget
from ally.models.verdicts import Verdict, Verdicts
from tests.fakes import FakeLlamaCpp, FakeLMStudio, FakeOllama, FakeVLLM, Pulled

Findings = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ally").mkdir()
    monkeypatch.setenv("ALLY_HOME", str(tmp_path / "ally"))
    return tmp_path / "ally"


@pytest.fixture
def examine(folder: Path, closed_port: int, capsys: pytest.CaptureFixture[str]) -> Iterator[Findings]:
    """The findings of one topic; `config` is config.json."""
    forget()

    def run(topic: str, **config: Any) -> list[dict[str, Any]]:
        options = config.setdefault("provider_options", {})
        options.setdefault("ollama", {"base_url": f"http://127.0.0.1:{closed_port}"})
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        app = App({}, Paths(folder, folder, folder, folder), None, False, lambda _: None, {})
        doctor.run(parse(["doctor", "--json"]), app)
        found = json.loads(capsys.readouterr().out)["findings"]
        return [row for row in found if row["topic"] == topic]

    yield run
    forget()


def at(url: str) -> dict[str, dict[str, str]]:
    return {"base_url": url}


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (["nomic-embed-text:latest"], "only models for embeddings"),
        (["gpt-oss:120b-cloud"], "run in a cloud"),
        (["gpt-oss:120b-cloud", "nomic-embed-text:latest"], "run in a cloud"),
    ],
)
def test_ollama_that_cannot_answer_by_itself(examine: Findings, models: list[str], said: str) -> None:
    with FakeOllama(models=models) as fake:
        (found,) = examine("Ollama", provider_options={"ollama": at(fake.url)})
    assert found["status"] == "missing"
    assert said in found["text"]
    assert found["next_step"] == "ally models pull ollama:qwen3:8b"


def test_servers_that_run_are_named_with_how_to_use_them(examine: Findings) -> None:
    with FakeLMStudio() as studio, FakeLlamaCpp() as llama, FakeVLLM(models=["embed-only"]) as vllm:
        options = {"lmstudio": at(studio.url), "llamacpp": at(llama.url), "vllm": at(vllm.url)}
        found = {row["text"].partition(" at ")[0]: row for row in examine("servers", provider_options=options)}
    assert found["LM Studio"]["next_step"] == "ally --provider lmstudio"
    assert "qwen/qwen3-8b" in found["LM Studio"]["text"]
    assert "text-embedding" not in found["LM Studio"]["text"]
    assert found["llama.cpp b7123-0a1b2c3d"]["next_step"] == "ally --provider llamacpp"
    assert (found["vLLM 0.14.1"]["status"], found["vLLM 0.14.1"]["next_step"]) == ("missing", "load one there")


def test_a_way_of_calling_tools_that_was_checked_counts(examine: Findings, folder: Path) -> None:
    with FakeOllama() as fake:
        options = {"ollama": at(fake.url)}
        (before,) = examine("model", provider="ollama", model="qwen3:8b", provider_options=options)
        verdict = Verdict("schema", {"single call": True}, "2026-11-22T10:00:00+00:00", "a" * 64)
        verdicts = Verdicts.of_user(Paths(folder, folder, folder, folder))
        verdicts.keep("ollama", "qwen3:8b", verdict)
        (after,) = examine("model", provider="ollama", model="qwen3:8b", provider_options=options)
    assert before["text"].endswith("native tool calls")
    assert after["text"].endswith("schema tool calls")


def test_the_window_of_the_agents_and_who_says_so(examine: Findings) -> None:
    with FakeVLLM() as fake:
        (found,) = examine("model", provider="vllm", provider_options={"vllm": at(f"{fake.url}/v1")})
    assert found["status"] == "ok"
    assert found["text"].startswith("every agent: vllm:Qwen/Qwen3-8B-AWQ, 32,768 tokens as the server says, ")


def test_a_small_window_is_warned_of_with_the_remedy(examine: Findings) -> None:
    with FakeLMStudio() as studio, FakeLlamaCpp() as llama, FakeOllama() as ollama:
        studio.loaded["qwen/qwen3-8b"] = 4096
        ollama.pulled["short:latest"] = Pulled(num_ctx=2048)
        ollama.pulled["old:latest"] = Pulled(trained_context=4096)
        options = {"lmstudio": at(f"{studio.url}/v1"), "llamacpp": at(f"{llama.url}/v1"), "ollama": at(ollama.url)}
        config: dict[str, Any] = {
            "provider_per_model": {"general": "lmstudio", "code_gen": "llamacpp"},
            "provider": "ollama",
            "models": {"general": "qwen/qwen3-8b", "brainstormer": "short", "web_searcher": "old"},
        }
        steps = {row["text"].partition(":")[0]: row for row in examine("model", provider_options=options, **config)}
    assert {row["status"] for row in steps.values()} == {"warning"}
    assert "4,096 tokens as the server says" in steps["general"]["text"]
    assert steps["general"]["next_step"] == "load it with more: lms load qwen/qwen3-8b --context-length 16384"
    assert "-c 16384" in steps["code_gen"]["next_step"]
    assert "num_ctx" in steps["brainstormer"]["next_step"]
    assert steps["web_searcher"]["next_step"] == "take a model with a longer window"


def test_ollama_behind_the_other_interface_serves_its_default(examine: Findings) -> None:
    with FakeOllama() as fake:
        endpoints = {"lab": {"base_url": f"{fake.url}/v1", "default_model": "qwen3:8b"}}
        (found,) = examine("model", provider="lab", endpoints=endpoints)
    assert found["status"] == "warning"
    assert "4,096 tokens unless OLLAMA_CONTEXT_LENGTH" in found["text"]
    assert fake.url in found["next_step"]


def test_a_model_that_the_server_lacks_is_broken(examine: Findings) -> None:
    with FakeOllama() as ollama, FakeLMStudio() as studio:
        options = {"ollama": at(ollama.url), "lmstudio": at(studio.url)}
        config: dict[str, Any] = {
            "provider": "ollama",
            "model": "qwen3:14b",
            "provider_per_model": {"code_gen": "lmstudio"},
            "models": {"code_gen": "nosuch"},
        }
        found = {row["text"].partition(":")[0]: row for row in examine("model", provider_options=options, **config)}
    assert {row["status"] for row in found.values()} == {"broken"}
    assert found["general, brainstormer, web_searcher"]["next_step"] == "ally models pull ollama:qwen3:14b"
    assert "it has google/gemma-3-4b, qwen/qwen3-8b" in found["code_gen"]["next_step"]


def test_a_server_that_does_not_run_is_said_of_the_agents_that_need_it(examine: Findings, closed_port: int) -> None:
    options = {"lmstudio": at(f"http://127.0.0.1:{closed_port}/v1")}
    (found,) = examine("model", provider="lmstudio", provider_options=options)
    assert (found["status"], "nothing answers for lmstudio" in found["text"]) == ("warning", True)


def test_a_local_model_that_is_not_there_names_the_pull(examine: Findings) -> None:
    (found,) = examine("model", provider="local", model="qwen3-4b")
    assert (found["status"], found["next_step"]) == ("broken", "fetch it: ally models pull qwen3-4b")
