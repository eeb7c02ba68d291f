import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ally.app import App
from ally.cli import doctor
from ally.cli.args import parse
from ally.config.paths import Paths
from tests.conftest import RunAlly
from tests.fakes import FakeOllama

Report = tuple[int, dict[str, list[dict[str, Any]]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ally").mkdir()
    return tmp_path / "ally"


@pytest.fixture
def app(folder: Path, closed_port: int) -> App:
    env = {"OLLAMA_HOST": f"127.0.0.1:{closed_port}"}
    return App(env, Paths(folder, folder, folder, folder), None, False, lambda _: None, {})


@pytest.fixture
def examine(app: App, capsys: pytest.CaptureFixture[str]) -> Callable[[], Report]:
    """Runs `ally doctor --json`; gives the exit code and the findings by topic."""

    def run() -> Report:
        code = doctor.run(parse(["doctor", "--json"]), app)
        printed = json.loads(capsys.readouterr().out)
        assert printed["can_answer"] == (code == 0)
        topics: dict[str, list[dict[str, Any]]] = {}
        for row in printed["findings"]:
            assert row["status"] in ("ok", "warning", "missing", "broken")
            assert row["status"] == "ok" or row["next_step"] or "more problems" in row["text"]
            topics.setdefault(row["topic"], []).append(row)
        return code, topics

    return run


def write_config(folder: Path, data: object) -> None:
    (folder / "config.json").write_text(json.dumps(data), "utf-8")


def test_fresh_machine_is_told_what_there_is(examine: Callable[[], Report]):
    _, topics = examine()
    assert {"Ally", "Python", "engine", "LangChain", "disk", "text", "keys", "configuration"} <= set(topics)
    assert topics["Ollama"][0]["text"].endswith("it does not run")
    assert "a model on this machine" in topics["provider"][0]["text"]


def test_text_form_says_the_same_in_lines(app: App, capsys: pytest.CaptureFixture[str]):
    doctor.run(parse(["doctor"]), app)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ok       Python") for line in lines)
    assert any(line.strip().startswith("→ start it with `ollama serve`") for line in lines)
    assert lines[-1].startswith("Ally can")


def test_broken_configuration_is_a_finding_and_not_a_crash(examine: Callable[[], Report], folder: Path):
    (folder / "config.json").write_text('{"provder": "x"}')
    code, topics = examine()
    broken = topics["configuration"][0]
    assert code == 1
    assert broken["status"] == "broken"
    assert "line 1" in broken["text"]
    assert broken["next_step"] == 'did you mean "provider"?'
    assert "Ollama" in topics


def test_env_file_open_to_others_and_bad_lines_are_warned_of_without_values(
    examine: Callable[[], Report], folder: Path
):
    (folder / ".env").write_text("OPENAI_API_KEY=sk-SECRET\nGROQ_API_KEY=...\nsome SECRET text\nPATH=/SECRET\n")
    (folder / ".env").chmod(0o644)
    _, topics = examine()
    texts = [row["text"] for row in topics["keys"]]
    assert any("1 variable, 1 without a value" in text for text in texts)
    assert any("line 3 is not NAME=value" in text for text in texts)
    assert any("line 4: PATH may not be set" in text for text in texts)
    assert any(row["next_step"] == f"chmod 600 {folder / '.env'}" for row in topics["keys"]) or os.name == "nt"
    assert any(text == f"openai: OPENAI_API_KEY in {folder / '.env'}" for text in texts)
    assert "SECRET" not in json.dumps(topics)


def test_second_credential_that_is_missing_is_named(examine: Callable[[], Report], app: App, folder: Path):
    (folder / "providers").mkdir()
    (folder / "providers" / "two.py").write_text(TWO_CREDENTIALS)
    app.env["TWO_KEY"] = "abc"
    _, topics = examine()
    found = next(row for row in topics["keys"] if row["text"].startswith("two:"))
    assert found["status"] == "warning"
    assert found["next_step"] == "put TWO_GROUP=... into .env"


def test_key_that_cannot_be_sent_is_named(examine: Callable[[], Report], app: App):
    app.env["OPENAI_API_KEY"] = "“sk-SECRET”"
    _, topics = examine()
    assert any("openai" in row["text"] and row["status"] == "warning" for row in topics["keys"])
    assert "SECRET" not in json.dumps(topics)


def test_ollama_with_models_can_answer(examine: Callable[[], Report], app: App, fake_ollama: FakeOllama):
    app.env["OLLAMA_HOST"] = fake_ollama.url
    code, topics = examine()
    assert code == 0
    assert topics["Ollama"][0]["status"] == "ok"
    assert "3 models: qwen3:8b" in topics["Ollama"][0]["text"]


def test_ollama_of_the_configuration_is_asked_and_may_have_no_model(examine: Callable[[], Report], folder: Path):
    with FakeOllama(models=()) as fake:
        write_config(folder, {"provider_options": {"ollama": {"base_url": fake.url}}})
        _, topics = examine()
    assert "has no model" in topics["Ollama"][0]["text"]
    assert topics["Ollama"][0]["next_step"].startswith("ally models pull ollama:")


def test_server_that_accepts_and_never_answers_costs_half_a_second(examine: Callable[[], Report], app: App):
    with socket.create_server(("127.0.0.1", 0)) as server:
        app.env["OLLAMA_HOST"] = f"127.0.0.1:{server.getsockname()[1]}"
        begun = time.monotonic()
        _, topics = examine()
    assert "no answer within 0.5 s" in topics["Ollama"][0]["text"]
    assert time.monotonic() - begun < 10


def test_something_else_on_the_port_is_recognised(examine: Callable[[], Report], app: App, fake_openai: Any):
    app.env["OLLAMA_HOST"] = fake_openai.url
    _, topics = examine()
    assert topics["Ollama"][0]["status"] == "missing"


@pytest.mark.parametrize("host", ["https://ollama.example.com", "192.0.2.1.example.com"])
def test_server_beyond_the_local_network_is_not_asked(examine: Callable[[], Report], app: App, host: str):
    app.env["OLLAMA_HOST"] = host
    _, topics = examine()
    assert "was not asked" in topics["Ollama"][0]["text"]


def test_offline_asks_this_machine_only(run_ally: RunAlly):
    env = {"OLLAMA_HOST": "gpu.lan", "ALLY_PROVIDER": "openai", "OPENAI_API_KEY": "sk-x"}
    done = run_ally("doctor", "--json", "--offline", env=env)
    rows = {row["topic"]: row for row in json.loads(done.stdout)["findings"]}
    assert "was not asked: offline" in rows["Ollama"]["text"]
    assert (rows["provider"]["status"], rows["provider"]["next_step"]) == ("broken", "ally --provider local")


def test_unknown_provider_and_missing_key_are_told_for_the_agents_they_hit(examine: Callable[[], Report], folder: Path):
    write_config(folder, {"provider": "openai", "provider_per_model": {"code_gen": "nosuch"}})
    _, topics = examine()
    texts = {row["text"]: row for row in topics["provider"]}
    unknown = next(row for text, row in texts.items() if "there is no provider nosuch" in text)
    assert unknown["text"].startswith("code_gen:")
    no_key = next(row for text, row in texts.items() if "OPENAI_API_KEY is not set" in text)
    assert no_key["text"].startswith("general, brainstormer, web_searcher: openai")
    assert no_key["next_step"] == "put OPENAI_API_KEY=... into .env"


def test_plug_in_that_was_left_out_is_named_with_its_cause(examine: Callable[[], Report], folder: Path):
    (folder / "providers").mkdir()
    (folder / "providers" / "bad.py").write_text("import no_such_package_anywhere\n")
    _, topics = examine()
    broken = next(row for row in topics["plug-ins"] if row["status"] == "broken")
    assert str(folder / "providers" / "bad.py") in broken["text"]
    assert "no_such_package_anywhere" in broken["text"]


def test_the_real_command_in_an_empty_home(run_ally: RunAlly, closed_port: int):
    done = run_ally("doctor", env={"OLLAMA_HOST": f"127.0.0.1:{closed_port}"})
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert "configuration" in done.stdout


TWO_CREDENTIALS = """
from app.src.providers.base_provider import BaseProvider


class Two(BaseProvider):
    name = "two"

    def create_llm(self, model_name, temperature, api_key=None, **kwargs):
        raise NotImplementedError

    def get_required_env_vars(self):
        return ["TWO_KEY", "TWO_GROUP"]

    def validate_config(self, config):
        return True, None
"""


def test_the_embedder_of_this_machine(examine: Callable[[], Report]):
    assert examine()[1]["embeddings"][0]["text"] == "local, all-minilm-l6-v2, on this machine"


def test_which_embedders_there_are(examine: Callable[[], Report], app: App, folder: Path):
    app.env["COHERE_API_KEY"] = "k"
    [found] = examine()[1]["embedders"]
    here, elsewhere, keyless = found["text"].split("; ")
    assert here.startswith("on this machine: local, ")
    assert "ollama" in here
    assert elsewhere == "elsewhere: cohere"
    assert "openai" in keyless


def test_an_embedder_that_is_not_here_and_a_folder_that_is_none(examine: Callable[[], Report], app: App, folder: Path):
    write_config(folder, {"embedding_model": "bge-m3"})
    app.env["ALLY_EMBEDDING_MODELS_DIR"] = "not/a/whole/path"
    wrong, missing = examine()[1]["embeddings"]
    assert wrong["status"] == "warning"
    assert (missing["status"], missing["next_step"]) == ("missing", "fetch it: ally models pull bge-m3")
