import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from ally.config.settings import Endpoint
from ally.models.servers import discover, find_server, forget
from ally.models.servers.discover import USUAL, known_addresses
from ally.providers.presets import load_presets
from tests.fakes import FakeLlamaCpp, FakeLMStudio, FakeOllama, FakeOpenAI, FakeVLLM
from tests.unit.models.servers.misbehaving import HOWS, Misbehaving

NEVER_S = 5.0
"""Far beyond the limit, so that a busy machine changes nothing, and far below what waiting would take."""


@pytest.fixture(autouse=True)
def forget_answers() -> None:
    forget()


@pytest.fixture
def nowhere(closed_port: int) -> dict[str, dict[str, object]]:
    """Options that lead every usual address to a port where nobody listens."""
    return {name: {"base_url": f"http://127.0.0.1:{closed_port}/v1"} for name in (*USUAL, "ollama")}


def test_all_servers_are_found_wherever_the_user_has_them(nowhere: dict[str, dict[str, object]]) -> None:
    with (
        FakeLlamaCpp() as llama,
        FakeLMStudio() as studio,
        FakeVLLM() as many,
        FakeOllama() as ollama,
        FakeOpenAI(key=None) as lab,
    ):
        options = {**nowhere, "LMStudio": {"endpoint": studio.base_url}, "llamacpp": {"base_url": llama.base_url}}
        del options["lmstudio"], options["ollama"]
        options["openai"] = {"base_url": many.base_url + "/"}
        endpoints = {"lab": Endpoint(base_url=lab.base_url)}
        found = discover({"OLLAMA_HOST": urlsplit(ollama.url).netloc}, options, endpoints)
        assert [(server.provider, server.kind, server.url) for server in found] == [
            ("lab", "openai", lab.url),
            ("ollama", "ollama", ollama.url),
            ("lmstudio", "lmstudio", studio.url),
            ("llamacpp", "llamacpp", llama.url),
            ("openai", "vllm", many.url),
        ]
        assert all(server.models for server in found)


def test_two_kinds_that_use_one_port_are_told_apart(nowhere: dict[str, dict[str, object]]) -> None:
    for fake, provider in ((FakeLlamaCpp(), "llamacpp"), (FakeOpenAI(key=None), "localai"), (FakeVLLM(), "localai")):
        with fake:
            both = {"base_url": fake.base_url}
            found = discover({}, {**nowhere, "llamacpp": both, "localai": both})
            assert [server.provider for server in found] == [provider]


@pytest.mark.parametrize("how", HOWS)
def test_a_port_that_misbehaves_costs_no_more_than_its_time(how: str, nowhere: dict[str, dict[str, object]]) -> None:
    with Misbehaving(how) as strange, FakeLMStudio() as studio:
        options = {**nowhere, "vllm": {"base_url": strange.url}, "lmstudio": {"base_url": studio.base_url}}
        before = time.monotonic()
        found = discover({}, options)
        assert time.monotonic() - before < NEVER_S
        assert [server.provider for server in found if server.models] == ["lmstudio"]
        before = time.monotonic()
        find_server(strange.url)
        assert time.monotonic() - before < NEVER_S


def test_a_port_that_accepts_and_never_answers(nowhere: dict[str, dict[str, object]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = f"http://127.0.0.1:{listener.getsockname()[1]}"
        before = time.monotonic()
        assert discover({"OLLAMA_HOST": silent}, {**nowhere, "lmstudio": {"base_url": silent}}) == []
        assert time.monotonic() - before < NEVER_S


def test_nothing_runs(nowhere: dict[str, dict[str, object]]) -> None:
    assert discover({}, nowhere) == []


def test_what_is_asked_when_nothing_is_configured() -> None:
    assert known_addresses({}, {}, {}) == {
        "http://127.0.0.1:11434": ["ollama"],
        "http://127.0.0.1:1234": ["lmstudio"],
        "http://127.0.0.1:8080": ["llamacpp", "localai"],
        "http://127.0.0.1:8000": ["vllm"],
    }
    presets = load_presets()
    assert {name: presets[name].base_url for name in USUAL} == USUAL


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost:11500", "0.0.0.0", ":11500", "[::1]", "http://localhost:11500/", " '127.0.0.1:11500' "],
)
def test_ollama_host_in_its_spellings_is_asked(host: str) -> None:
    assert ["ollama"] in known_addresses({"OLLAMA_HOST": host}, {}, {}).values()


CLOUD = {"base_url": "https://api.example.com/v1"}
LAN = {"base_url": "http://192.168.1.20:8000/v1"}
OFFLINE = """
from ally.egress import offline
from ally.models.servers.discover import known_addresses
offline.enable()
print(*known_addresses({}, {"vllm": {"base_url": "http://192.168.1.20:8000/v1"}}, {}))
"""


def test_the_cloud_is_never_asked_and_the_network_where_it_was_configured() -> None:
    options = {"vllm": LAN, "groq": CLOUD, "lmstudio": CLOUD}
    found = known_addresses({"OLLAMA_HOST": "https://ollama.com"}, options, {})
    assert list(found) == ["http://127.0.0.1:8080", "http://192.168.1.20:8000"]
    assert find_server("https://api.example.com/v1") is None


def test_offline_only_this_machine_is_asked() -> None:
    done = subprocess.run([sys.executable, "-c", OFFLINE], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["http://127.0.0.1:11434", "http://127.0.0.1:1234", "http://127.0.0.1:8080"]


@pytest.mark.parametrize("url", ["", "lmstudio", "ftp://127.0.0.1", "http://[", "http://127.0.0.1:99999", "http://:1"])
def test_an_address_that_is_none_is_passed_over(url: str, nowhere: dict[str, dict[str, object]]) -> None:
    assert find_server(url) is None
    assert discover({}, {**nowhere, "other": {"base_url": url}, "another": {"base_url": 5}}) == []


def test_a_silent_port_is_waited_for_once_not_for_each_question() -> None:
    with Misbehaving("hangs") as strange:
        assert [find_server(strange.url, timeout_s=NEVER_S) for _ in range(3)] == [None] * 3
        assert [request.path for request in strange.requests] == ["/v1/models"]


def test_a_server_that_refuses_a_question_is_not_asked_it_again_at_once() -> None:
    with Misbehaving("error") as strange:
        assert [find_server(strange.url, timeout_s=NEVER_S) for _ in range(3)] == [None] * 3
        paths = [request.path for request in strange.requests]
    assert sorted(paths) == sorted([*set(paths), "/api/ps", "/api/ps"])  # what is in memory may change with any request
