import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ally.models import servers
from ally.providers.connect import Choice
from ally.providers.default import default_choice

LOCAL = Choice("local")
CHAT = {"name": "qwen3:8b", "details": {"family": "qwen3"}}
CLOUD = [
    {"name": "gpt-oss:120b-cloud"},
    {"name": "glm-4.6:cloud"},
    {"name": "mine:latest", "remote_host": "https://ollama.com:443"},
]
EMBEDDERS = [
    {"name": "nomic-embed-text:latest", "details": {"family": "nomic-bert"}},
    {"name": "bge-m3", "details": {"family": "bert"}},
]


class _Server(ThreadingHTTPServer):
    body = b""
    status = 200
    pause_s = 0.0
    drip = False
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        time.sleep(self.server.pause_s)
        self.send_response(self.server.status)
        self.send_header("Location", "http://192.0.2.1/")
        self.end_headers()
        for piece in [bytes([byte]) for byte in self.server.body] if self.server.drip else [self.server.body]:
            self.wfile.write(piece)
            if self.server.drip:
                time.sleep(0.05)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        return


@pytest.fixture
def ollama() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.asked = []
    server.handle_error = lambda request, address: None  # a client that leaves early is expected
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def choose(server: _Server, models: object) -> Choice:
    server.body = json.dumps(models).encode()
    servers.forget()
    return default_choice({"OLLAMA_HOST": f"127.0.0.1:{server.server_port}"}, {})


def test_reachable_ollama_with_a_model_is_chosen(ollama: _Server):
    assert choose(ollama, {"models": [CHAT]}) == Choice("ollama", "qwen3:8b")
    assert sorted(ollama.asked) == ["/api/ps", "/api/tags", "/api/version"]


def test_address_of_the_options_wins(ollama: _Server):
    ollama.body = json.dumps({"models": [CHAT]}).encode()
    options = {"base_url": f"http://127.0.0.1:{ollama.server_port}/"}
    assert default_choice({"OLLAMA_HOST": "127.0.0.1:1"}, options) == Choice("ollama", "qwen3:8b")


@pytest.mark.parametrize(
    ("host", "said"),
    [("", []), ("http://192.168.77.1:11434", ["is on another machine"]), ("127.0.0.1:{port}", ["does not answer"])],
)
def test_an_ollama_that_the_user_named_is_not_left_out_in_silence(closed_port: int, host: str, said: list[str]):
    told: list[str] = []
    servers.forget()
    env = {"OLLAMA_HOST": host.format(port=closed_port)} if host else {}
    options = {} if host else {"base_url": ""}
    default_choice(env, options, told.append)
    assert len(told) == len(said)
    assert all(part in text for part, text in zip(said, told, strict=True))


def test_cloud_models_and_embedders_are_not_chosen(ollama: _Server):
    assert choose(ollama, {"models": [*CLOUD, *EMBEDDERS]}) == LOCAL
    assert choose(ollama, {"models": [*CLOUD, *EMBEDDERS, CHAT]}) == Choice("ollama", "qwen3:8b")


@pytest.mark.parametrize(
    "answer", [{"models": []}, {}, [], None, "x", {"models": None}, {"models": [5, {}, {"name": 7}, {"name": ""}]}]
)
def test_ollama_without_a_usable_model(ollama: _Server, answer: object):
    assert choose(ollama, answer) == LOCAL


@pytest.mark.parametrize("status", [301, 404, 500])
def test_other_status_than_200(ollama: _Server, status: int):
    ollama.status = status
    assert choose(ollama, {"models": [CHAT]}) == LOCAL


def test_body_that_is_no_json(ollama: _Server):
    ollama.body = b"<html>"
    assert default_choice({"OLLAMA_HOST": f"127.0.0.1:{ollama.server_port}"}, {}) == LOCAL


@pytest.mark.parametrize("slow", ["pause", "drip"])
def test_slow_server_costs_a_third_of_a_second_at_most(ollama: _Server, slow: str):
    ollama.pause_s, ollama.drip = (3.0, False) if slow == "pause" else (0.0, True)
    begun = time.monotonic()
    assert choose(ollama, {"models": [CHAT]}) == LOCAL
    assert time.monotonic() - begun < 0.6


def test_nobody_listens(closed_port: int):
    assert default_choice({"OLLAMA_HOST": f"127.0.0.1:{closed_port}"}, {}) == LOCAL


@pytest.mark.parametrize("host", ["192.168.1.5", "https://ollama.example.com", "gpu-box", "http://[bad"])
def test_other_machine_is_not_asked(host: str):
    assert default_choice({"OLLAMA_HOST": host}, {}) == LOCAL


def test_proxy_is_not_used(ollama: _Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    assert choose(ollama, {"models": [CHAT]}) == Choice("ollama", "qwen3:8b")
