"""The guide's four example files, dropped in unchanged and used with the real command."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conftest import RunAlly
from tests.fakes import KEY, FakeOpenAI, Recorded, Reply
from tests.fakes.proxy import TlsProxy
from tests.guide.samples import GUIDE, PACKAGES, drop, example

SHA256 = "ddc1004b53710da8bcb1fead42a1411cd4a1fe8db8591f63474a01882cb63bab"
HOSTS = {"together": "api.together.xyz", "groq": "api.groq.com"}
WEATHER = ("get_weather", {"city": "Paris"})


@pytest.fixture
def fake() -> FakeOpenAI:
    server = FakeOpenAI(models=["m-1", "myllm-base", "myllm-code"])
    server.lenient = True
    return server


@pytest.fixture
def packages(checkout: Path, ally_environment: Callable[[Path], dict[str, str]]) -> dict[str, str]:
    """The environment that adds the stand-ins for integration packages."""
    return {"PYTHONPATH": os.pathsep.join([ally_environment(checkout)["PYTHONPATH"], str(PACKAGES)])}


def listed(run_ally: RunAlly, name: str) -> dict[str, object]:
    rows = json.loads(run_ally("providers", "list", "--json").stdout)
    return next(row for row in rows if row["name"] == name)


def assert_listed(run_ally: RunAlly, name: str, file: Path) -> None:
    """It is listed as it describes itself."""
    row = listed(run_ally, name)
    expected = {
        "myllm": ("MyLLM", ["MYLLM_API_KEY"], "myllm-base", 3),
        "together": ("Together AI", ["TOGETHER_API_KEY"], None, 3),
        "groq": ("Groq", ["GROQ_API_KEY"], "llama-3.3-70b-versatile", 4),
        "localai": ("LocalAI (Self-Hosted)", [], None, 0),
    }[name]
    assert (row["display_name"], row["required_env_vars"], row["default_model"]) == expected[:3]
    assert len(row["available_models"]) == expected[3]  # type: ignore[arg-type] - a list in JSON
    assert (row["origin"], row["path"], row["error"]) == ("custom", str(file), None)


def assert_names_its_key(done: CompletedProcess[str], name: str) -> None:
    """It says which variable is missing."""
    assert done.returncode != 0
    assert f"{name.upper()}_API_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def bearer(call: Recorded) -> str:
    return call.headers["authorization"]


def test_the_document_is_the_users_own_byte_for_byte() -> None:
    assert hashlib.sha256(GUIDE.read_bytes()).hexdigest() == SHA256


def test_myllm_answers_through_a_completion_llm(
    checkout: Path, run_ally: RunAlly, packages: dict[str, str], fake: FakeOpenAI
) -> None:
    file = drop(checkout, "myllm.py", example("myllm"))
    assert_listed(run_ally, "myllm", file)
    assert_names_its_key(run_ally("-p", "hi", "--provider", "myllm", "--model", "m", env=packages), "myllm")
    (checkout / ".env").write_text(f"MYLLM_API_KEY={KEY}\n", encoding="utf-8")
    config = {"provider": "myllm", "model": "myllm-code", "temperatures": {"general": 0.25}}
    config["provider_options"] = {"myllm": {"max_tokens": 77}}
    (checkout / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with fake:
        fake.script(Reply("Grüße aus der Ferne"))
        done = run_ally("-p", "hi", "--output-format", "json", env={**packages, "MYLLM_URL": fake.base_url})
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["provider"], answer["model"]) == ("myllm", "myllm-code")
    assert answer["result"] == "Grüße aus der Ferne"
    assert fake.calls[0].json["model"] == "myllm-code"
    assert (fake.calls[0].json["temperature"], fake.calls[0].json["max_tokens"]) == (0.25, 77)
    assert "tools" not in fake.calls[0].json
    assert bearer(fake.calls[0]) == f"Bearer {KEY}"


def test_myllm_uses_its_default_model_and_passes_the_check(
    checkout: Path, run_ally: RunAlly, packages: dict[str, str], fake: FakeOpenAI
) -> None:
    drop(checkout, "myllm.py", example("myllm"))
    env = {**packages, "MYLLM_API_KEY": KEY}
    with fake:
        done = run_ally("providers", "check", "myllm", "--json", env={**env, "MYLLM_URL": fake.base_url})
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row for row in rows.values() if row["verdict"] == "fail"] == []
    assert {rows[name]["verdict"] for name in ("init", "invoke", "stream", "wrong key")} == {"pass"}
    assert rows["tool call"]["verdict"] == "not supported"
    assert {call.json["model"] for call in fake.calls} == {"myllm-base"}


@pytest.mark.parametrize("name", HOSTS)
def test_an_example_with_a_fixed_address_sends_its_key_only_there(
    checkout: Path, run_ally: RunAlly, tmp_path: Path, fake: FakeOpenAI, name: str
) -> None:
    file = drop(checkout, f"{name}.py", example(name))
    assert_listed(run_ally, name, file)
    assert_names_its_key(run_ally("-p", "hi", "--provider", name, "--model", "m", env={"OPENAI_API_KEY": KEY}), name)
    keys = {
        "TOGETHER_API_KEY": "key-of-together-1",
        "GROQ_API_KEY": "key-of-groq-22",
        "OPENAI_API_KEY": "key-of-openai",
    }
    (checkout / ".env").write_text("".join(f"{key}={value}\n" for key, value in keys.items()), encoding="utf-8")
    fake.key = keys[f"{name.upper()}_API_KEY"]
    with fake, TlsProxy(fake) as proxy:
        done = run_ally("-p", "hi", "--provider", name, "--model", "m-1", env=proxy.environment(tmp_path))
    assert (done.stdout.strip(), done.returncode) == ("You said: hi", 0), done.stderr
    assert {host.partition(":")[0] for host in proxy.visited} == {HOSTS[name]}
    assert {bearer(call) for call in fake.calls} == {f"Bearer {fake.key}"}
    assert not any(other in str(call.headers) for call in fake.requests for other in keys.values() if other != fake.key)
    assert not any(value in done.stdout + done.stderr for value in keys.values())


def test_localai_takes_its_address_from_the_provider_options_and_passes_the_whole_check(
    checkout: Path, run_ally: RunAlly, fake: FakeOpenAI
) -> None:
    file = drop(checkout, "localai.py", example("localai"))
    assert_listed(run_ally, "localai", file)
    fake.key = None
    options = {"base_url": fake.base_url, "top_p": 0.5, "max_tokens": 99}
    config = {"provider": "localai", "model": "m-1", "provider_options": {"localai": options}}
    (checkout / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with fake:
        done = run_ally("-p", "hi", "--temperature", "0", env={"OPENAI_API_KEY": "key-of-openai"})
        check = run_ally("providers", "check", "localai", "--model", "m-1", "--json")
    assert (done.stdout.strip(), done.returncode) == ("You said: hi", 0), done.stderr
    sent = fake.calls[0].json
    assert (sent["model"], sent["top_p"], sent["temperature"]) == ("m-1", 0.5, 0)
    assert 99 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))
    assert bearer(fake.calls[0]) == "Bearer not-needed"
    assert "key-of-openai" not in str(fake.calls[0].headers)
    rows = {row["name"]: row for row in json.loads(check.stdout)}
    assert [row["name"] for row in rows.values() if row["verdict"] != "pass"] == ["wrong key"]
    assert rows["wrong key"]["verdict"] == "not supported"


def test_an_example_without_its_package_names_the_install_line(checkout: Path, run_ally: RunAlly) -> None:
    drop(checkout, "myllm.py", example("myllm"))
    done = run_ally("-p", "hi", "--provider", "myllm", env={"MYLLM_API_KEY": KEY})
    assert done.returncode != 0
    assert "-m pip install langchain-community" in done.stderr


def test_offline_an_example_reaches_only_this_machine_and_a_broken_one_leaves_it_alone(
    checkout: Path, run_ally: RunAlly, fake: FakeOpenAI
) -> None:
    drop(checkout, "myllm.py", example("myllm").replace('return "myllm"', 'return "myllm'))
    drop(checkout, "together.py", example("together"))
    drop(checkout, "localai.py", example("localai"))
    (checkout / "config.json").write_text(
        json.dumps({"provider_options": {"localai": {"base_url": fake.base_url}}}), encoding="utf-8"
    )
    fake.key = None
    with fake:
        here = run_ally("--offline", "-p", "hi", "--provider", "localai", "--model", "m-1", guarded=False)
        env = {"TOGETHER_API_KEY": KEY}
        away = run_ally("--offline", "-p", "hi", "--provider", "together", "--model", "m-1", env=env, guarded=False)
    assert (here.stdout.strip(), here.returncode) == ("You said: hi", 0), here.stderr
    assert away.returncode != 0
    assert "Offline mode: refused to contact api.together.xyz" in away.stderr
    assert "SyntaxError" in run_ally("providers", "list").stdout


def test_an_example_works_from_the_users_own_folder(run_ally: RunAlly, home: Path, fake: FakeOpenAI) -> None:
    folder = home / ".config" / "ally" / "providers"
    folder.mkdir(parents=True)
    (folder / "localai.py").write_text(example("localai"), encoding="utf-8")
    config = {"provider": "localai", "model": "m-1", "provider_options": {"localai": {"base_url": fake.base_url}}}
    (folder.parent / "config.json").write_text(json.dumps(config), encoding="utf-8")
    fake.key = None
    with fake:
        done = run_ally("-p", "hi")
    assert (done.stdout.strip(), done.returncode) == ("You said: hi", 0), done.stderr
    assert listed(run_ally, "localai")["origin"] == "user"


def test_a_key_in_main_py_wins_over_the_variable(
    checkout: Path, run_ally: RunAlly, tmp_path: Path, fake: FakeOpenAI
) -> None:
    drop(checkout, "together.py", example("together"))
    main = checkout / "main.py"
    line = '    "minimax": os.getenv("MINIMAX_API_KEY"),\n'
    text = main.read_text(encoding="utf-8")
    assert line in text
    main.write_text(text.replace(line, line + '    "together": os.getenv("MY_OWN_NAME"),\n'), encoding="utf-8")
    with fake, TlsProxy(fake) as proxy:
        env = {**proxy.environment(tmp_path), "MY_OWN_NAME": KEY, "TOGETHER_API_KEY": "key-of-the-variable"}
        done = run_ally("-p", "hi", "--provider", "together", "--model", "m-1", env=env)
    assert (done.stdout.strip(), done.returncode) == ("You said: hi", 0), done.stderr
    assert bearer(fake.calls[0]) == f"Bearer {KEY}"
