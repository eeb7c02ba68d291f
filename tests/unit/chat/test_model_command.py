"""/model and /provider with the servers that run on this machine."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import RunAlly
from tests.fakes import FakeLMStudio, FakeOllama

Say = Callable[..., list[str]]


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama(models=["qwen3:8b", "nomic-embed-text:latest", "gpt-oss:120b-cloud"]) as fake:
        yield fake


@pytest.fixture
def studio() -> Iterator[FakeLMStudio]:
    with FakeLMStudio() as fake:
        fake.loaded["qwen/qwen3-8b"] = 16_384
        yield fake


@pytest.fixture
def say(run_ally: RunAlly, home: Path, ollama: FakeOllama, studio: FakeLMStudio) -> Say:
    """What a chat prints that gets these lines."""
    folder = home / ".config" / "ally"
    folder.mkdir(parents=True)
    options = {"ollama": {"base_url": ollama.url}, "lmstudio": {"base_url": f"{studio.url}/v1"}}
    (folder / "config.json").write_text(json.dumps({"provider_options": options}), "utf-8")

    def say(*lines: str, code: int = 0) -> list[str]:
        run = run_ally("--plain", input="\n".join([*lines, "/quit", ""]))
        assert run.returncode == code, run.stderr
        assert "Traceback" not in run.stderr
        return [re.sub(" +", " ", line) for line in (run.stdout + run.stderr).splitlines()]

    return say


def test_models_of_all_servers_are_shown_with_window_tools_and_place(say: Say) -> None:
    shown = say("/model")
    assert any(re.fullmatch(r"\* qwen3:8b [\d,]+ \(guess\) native this machine", line) for line in shown)
    assert any(re.match(r" gpt-oss:120b-cloud .*runs in a cloud", line) for line in shown)
    assert " lmstudio:qwen/qwen3-8b 16,384 (server) native this machine, loaded" in shown
    assert " lmstudio:google/gemma-3-4b ≤40,960 (server) schema this machine" in shown
    assert any(line.startswith(" local:smollm2-135m ") for line in shown)
    assert not any("embed" in line for line in shown)


def test_server_and_model_are_changed_at_once(say: Say) -> None:
    shown = say("/model lmstudio:qwen/qwen3-8b", "/model", "/model ollama:qwen3:8b")
    assert "lmstudio:qwen/qwen3-8b (this machine)" in shown
    assert any(line.startswith("* qwen/qwen3-8b 16,384 (server) ") for line in shown)
    assert any(line.startswith(" ollama:qwen3:8b ") for line in shown)
    assert "ollama:qwen3:8b (this machine)" in shown


def test_a_colon_in_a_name_never_leads_into_a_cloud(say: Say) -> None:
    shown = say("/model mistral:7b", "/provider lmstudio", "/model openai:gpt-5")
    assert "ollama:mistral:7b (this machine)" in shown
    assert any("ally models pull ollama:mistral:7b" in line for line in shown)
    assert "lmstudio:openai:gpt-5 (this machine)" in shown
    assert "(To go on with openai: /provider openai, then /model gpt-5.)" in shown


def test_a_name_that_a_server_does_not_have_is_told_at_once(say: Say) -> None:
    shown = say("/model lmstudio:nosuch", "/model vllm:any", "/model ollama:smollm2-135m")
    assert "(lmstudio lists no nosuch; /model shows what it lists.)" in shown
    assert "(vllm does not answer now: start it, or see /provider.)" in shown
    assert any("(ollama lists no smollm2-135m; local does: /model local:smollm2-135m." in line for line in shown)


def test_the_embedded_engine_sends_for_a_service_in_the_cloud(say: Say) -> None:
    shown = say("/model local:smollm2-135m", "/model openai:gpt-5", code=2)
    assert "Error: openai is a service in the cloud." in shown
    assert any("/provider openai, then /model gpt-5" in line for line in shown)


def test_providers_say_which_of_them_run(say: Say) -> None:
    shown = say("/provider")
    assert "* ollama this machine runs, 2 models" in shown
    assert " lmstudio this machine runs, 2 models" in shown
    assert " openai cloud no OPENAI_API_KEY" in shown
