import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunAlly
from tests.fakes import Failure, FakeOllama, FakeOpenAI, FakeVLLM, Hang, Pulled, Reply
from tests.unit.providers.tool_calling.clever import by_way, held_to_schema, natively, printing, silent

PROBES = 13


def endpoint(url: str) -> dict[str, str]:
    return {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "test-key-3f9a51c07e"}


def config(home: Path, **settings: Any) -> None:
    folder = home / ".config" / "ally"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(settings))


def verdicts(home: Path) -> dict[str, Any]:
    (file,) = home.rglob("verdicts.json")
    return json.loads(file.read_text())


@pytest.fixture
def ollama(home: Path, run_ally: RunAlly) -> Any:
    with FakeOllama(models=["small:1b"]) as fake:
        config(home, provider_options={"ollama": {"base_url": fake.base_url}})
        yield fake


def test_a_model_that_does_everything_by_the_field_is_not_tried_in_other_ways(
    ollama: FakeOllama, run_ally: RunAlly, home: Path
) -> None:
    ollama.always(natively)
    run = run_ally("models", "check", "ollama:small:1b")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count(" passed   ") == PROBES
    assert f"native  {PROBES} of {PROBES} passed" in run.stdout
    assert "In use for small:1b from now on: native" in run.stdout and "it passed everything" in run.stdout
    assert "schema" not in run.stdout
    ((key, verdict),) = verdicts(home).items()
    assert key.startswith("ollama ") and verdict["strategy"] == "native" and all(verdict["passed"].values())
    assert verdict["digest"] in key


def test_a_model_that_only_another_place_has_is_found_there(ollama: FakeOllama, run_ally: RunAlly, home: Path) -> None:
    ollama.always(natively)
    settings = {"ollama": {"base_url": ollama.base_url}, "local": {}}
    config(home, provider="local", provider_options=settings)
    run = run_ally("models", "check", "small:1b")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith("ollama: small:1b")


def test_a_name_that_several_places_have_is_asked_about(ollama: FakeOllama, run_ally: RunAlly, home: Path) -> None:
    with FakeOllama(models=["same:1b"]) as one, FakeVLLM(models=["same:1b"]) as other:
        settings = {"ollama": {"base_url": one.base_url}, "vllm": {"base_url": other.base_url}}
        config(home, provider="local", provider_options=settings)
        run = run_ally("models", "check", "same:1b")
    assert run.returncode == 2
    assert "ally models check ollama:same:1b or ally models check vllm:same:1b" in run.stderr


def test_a_model_that_prints_its_calls_passes_too(ollama: FakeOllama, run_ally: RunAlly) -> None:
    ollama.always(printing)
    run = run_ally("models", "check", "small:1b", "--provider", "ollama", "--json")
    report = json.loads(run.stdout)
    assert run.returncode == 0, run.stderr
    assert (report["strategy"], report["kept"], report["strategies"][0]["passed"]) == ("native", True, PROBES)
    assert [probe["state"] for probe in report["strategies"][0]["probes"]] == ["passed"] * PROBES


def test_the_way_in_which_most_passes_is_kept_and_used(ollama: FakeOllama, run_ally: RunAlly, home: Path) -> None:
    ollama.always(by_way(native=silent, schema=held_to_schema, text=silent))
    run = run_ally("models", "check", "ollama:small:1b")
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"schema  {PROBES - 1} of {PROBES} passed" in run.stdout
    assert "two calls at once         failed" in run.stdout
    assert "from now on: schema, as JSON held to a schema; it passed most" in run.stdout
    ollama.calls.clear()
    run = run_ally("-p", "hello", "--provider", "ollama", "--model", "small:1b")
    assert ollama.calls and "tools" not in ollama.calls[-1].json and ollama.calls[-1].json["format"]


def test_a_service_that_refuses_tools_is_no_failure_of_the_model(ollama: FakeOllama, run_ally: RunAlly) -> None:
    ollama.pulled["small:1b"] = Pulled(capabilities=("completion",))
    ollama.always(by_way(schema=silent, text=printing))
    report = json.loads(run_ally("models", "check", "ollama:small:1b", "--json").stdout)
    native, schema, text = report["strategies"]
    assert native["refused"] and native["probes"] == []
    assert (schema["refused"], text["passed"], report["strategy"]) == (None, PROBES, "text")


def test_one_way_alone_when_it_is_asked_for(ollama: FakeOllama, run_ally: RunAlly) -> None:
    ollama.always(printing)
    report = json.loads(run_ally("models", "check", "ollama:small:1b", "--strategy", "text", "--json").stdout)
    assert [(one["strategy"], one["passed"]) for one in report["strategies"]] == [("text", PROBES)]


def test_a_model_that_never_calls_is_said_to_be_of_no_use(ollama: FakeOllama, run_ally: RunAlly) -> None:
    ollama.always(by_way(native=silent, schema=silent, text=silent))
    run = run_ally("models", "check", "ollama:small:1b")
    assert run.returncode == 1
    assert "no call; it said 'I would rather not.'" in run.stdout
    assert "It failed at a single plain call" in run.stdout


def test_probes_that_could_not_be_tried_say_so_and_nothing_is_kept(
    ollama: FakeOllama, run_ally: RunAlly, home: Path
) -> None:
    ollama.always(Failure("bad_request", "the template is broken"))
    run = run_ally("models", "check", "ollama:small:1b")
    assert run.returncode == 1
    assert "error" in run.stdout and "the template is broken" in run.stdout
    assert "could not be checked, so nothing is kept" in run.stdout
    assert not list(home.rglob("verdicts.json"))


def test_an_answer_without_end_is_left(ollama: FakeOllama, run_ally: RunAlly) -> None:
    ollama.always(Reply("word " * 2_000, piece_chars=500))
    run = run_ally("models", "check", "ollama:small:1b", "--strategy", "native")
    assert run.stdout.count("the answer did not end") >= PROBES - 3


def test_a_server_that_is_not_there_is_an_error_and_keeps_nothing(run_ally: RunAlly, home: Path) -> None:
    config(home, provider_options={"ollama": {"base_url": "http://127.0.0.1:9"}})
    run = run_ally("models", "check", "ollama:small:1b")
    assert run.returncode == 5, run.stdout + run.stderr
    assert not list(home.rglob("verdicts.json"))


def test_an_interrupted_check_keeps_nothing(
    ollama: FakeOllama, home: Path, ally_environment: Callable[[Path], dict[str, str]], checkout: Path
) -> None:
    ollama.script(Reply(tool_calls=[("read", {"path": "notes.txt"})]))
    ollama.always(Reply("x", fault=Hang("text")))
    child = subprocess.Popen(
        [sys.executable, "-m", "ally", "models", "check", "ollama:small:1b"],
        env=ally_environment(checkout),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    lines = iter(child.stdout.readline, "")
    assert any("single call" in line for line in lines)
    os.kill(child.pid, signal.SIGINT)
    _, said = child.communicate(timeout=20)
    assert child.returncode == 130, said
    assert "Traceback" not in said
    assert not list(home.rglob("verdicts.json"))


def test_hosted_models_and_names_with_a_slash(run_ally: RunAlly, home: Path) -> None:
    with FakeOpenAI() as fake:
        fake.always(natively)
        config(home, endpoints={"lab": {"compatible": "openai", "base_url": fake.base_url, "api_key_env": "LAB_KEY"}})
        run = run_ally("models", "check", "lab/gpt-4o", "--json", env={"LAB_KEY": "test-key-3f9a51c07e"})
        assert run.returncode == 0, run.stderr
        assert json.loads(run.stdout)["model"] == "gpt-4o"
        ((key, _),) = verdicts(home).items()
        assert key == "lab gpt-4o"


def test_an_unknown_provider_is_named(run_ally: RunAlly) -> None:
    run = run_ally("models", "check", "x", "--provider", "nowhere")
    assert run.returncode == 2 and "Unknown provider: nowhere" in run.stderr
