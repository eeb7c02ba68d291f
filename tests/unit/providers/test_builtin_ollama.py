import time

import pytest

from ally.models import servers
from ally.providers.builtin.ollama import OllamaProvider, host_url, server
from tests.fakes import FakeOllama
from tests.fakes.server import Exchange, Server

HOSTS = {
    "": "http://127.0.0.1:11434",
    "  ": "http://127.0.0.1:11434",
    "127.0.0.1": "http://127.0.0.1:11434",
    "127.0.0.1:8000": "http://127.0.0.1:8000",
    "0.0.0.0": "http://127.0.0.1:11434",
    "0.0.0.0:11435": "http://127.0.0.1:11435",
    ":11435": "http://127.0.0.1:11435",
    "http://0.0.0.0:11434": "http://127.0.0.1:11434",
    "localhost": "http://localhost:11434",
    "gpu-box": "http://gpu-box:11434",
    "gpu-box:9000": "http://gpu-box:9000",
    "example.com:": "http://example.com:11434",
    "http://gpu-box": "http://gpu-box:80",
    "https://ollama.example.com": "https://ollama.example.com:443",
    "https://ollama.example.com:8443/": "https://ollama.example.com:8443",
    "https://example.com/ollama": "https://example.com:443/ollama",
    "::1": "http://[::1]:11434",
    "[::1]": "http://[::1]:11434",
    "[::1]:8000": "http://[::1]:8000",
    "::": "http://[::1]:11434",
    "[::]:11434": "http://[::1]:11434",
    "http://[fe80::1]:11434": "http://[fe80::1]:11434",
    '"127.0.0.1:8000"': "http://127.0.0.1:8000",
    " 127.0.0.1:8000 ": "http://127.0.0.1:8000",
    ' " 1.2.3.4 " ': "http://1.2.3.4:11434",
    "'1.2.3.4'": "http://1.2.3.4:11434",
    "https://1.2.3.4": "https://1.2.3.4:443",
    "[::1]:1337": "http://[::1]:1337",
    ":0": "http://127.0.0.1:11434",
    ":66000": "http://127.0.0.1:11434",
    ":-1": "http://127.0.0.1:11434",
    "127.0.0.1:http": "http://127.0.0.1:11434",
    "127.0.0.1:70000": "http://127.0.0.1:11434",
    "127.0.0.1:-1": "http://127.0.0.1:11434",
}


def provider_at(url: str) -> OllamaProvider:
    provider = OllamaProvider()
    provider.use_server(url)
    return provider


@pytest.fixture(autouse=True)
def forget_answers() -> None:
    servers.forget()


@pytest.mark.parametrize(("spelled", "meant"), HOSTS.items())
def test_ollama_host_in_every_spelling_that_ollama_takes(spelled: str, meant: str) -> None:
    assert host_url({"OLLAMA_HOST": spelled}) == meant


def test_without_ollama_host_it_is_the_usual_port_of_this_machine() -> None:
    assert host_url({}) == "http://127.0.0.1:11434"


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/api"])
def test_base_url_of_the_options_wins_over_the_environment(tail: str) -> None:
    env = {"OLLAMA_HOST": "elsewhere:1"}
    assert server({"base_url": f"http://gpu:11434{tail}"}, env) == "http://gpu:11434"
    assert server({"endpoint": f"http://gpu:11434{tail}"}, env) == "http://gpu:11434"


def test_a_useless_ollama_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "ftp://gpu")
    is_valid, problem = OllamaProvider().validate_config({"model_name": "m"})
    assert not is_valid
    assert problem == "OLLAMA_HOST must look like https://host/v1"
    for option in ("base_url", "endpoint"):  # then it is not used
        assert OllamaProvider().validate_config({"model_name": "m", option: "http://gpu"}) == (True, None)


def test_models_are_those_the_server_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama() as fake:
        monkeypatch.setenv("OLLAMA_HOST", fake.url)
        provider = OllamaProvider()
        models = provider.get_available_models()
        assert models
        assert provider.get_default_model() == models[0]


def test_the_server_of_the_configuration_is_asked_not_that_of_the_environment() -> None:
    with FakeOllama() as fake:
        assert provider_at(fake.url).get_available_models()
        assert provider_at(fake.url).base_url == fake.url


def test_no_server_means_no_models_but_still_a_default(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{closed_port}")
    assert OllamaProvider().get_available_models() == []
    assert OllamaProvider().get_default_model() == "qwen3:8b"


def test_a_hosted_address_is_never_asked_while_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "https://ollama.com")
    assert OllamaProvider().get_available_models() == []


@pytest.mark.parametrize("how", ["hangs", "html", "wrong shape", "error", "drips", "endless"])
def test_a_server_that_misbehaves_has_no_models_and_costs_no_time(how: str) -> None:
    with Misbehaving(how) as strange:
        before = time.monotonic()
        assert provider_at(strange.url).get_available_models() == []
        assert time.monotonic() - before < 3 * servers.TIMEOUT_S


def test_a_model_that_chats_here_is_the_default() -> None:
    with FakeOllama(models=["nomic-embed-text:latest", "gpt-oss:120b-cloud", "qwen3:4b"]) as fake:
        assert provider_at(fake.url).get_available_models() == ["qwen3:4b", "gpt-oss:120b-cloud"]
        assert provider_at(fake.url).get_default_model() == "qwen3:4b"


def test_an_answer_is_not_asked_for_twice_in_a_row() -> None:
    with FakeOllama() as fake:
        provider = provider_at(fake.url)
        models = provider.get_available_models()
        models.clear()
    assert provider.get_available_models() != []


class Misbehaving(Server):
    def __init__(self, how: str) -> None:
        self.how = how
        super().__init__()

    def handle(self, exchange: Exchange) -> None:
        match self.how:
            case "hangs":
                exchange.hang()
            case "html":
                exchange.send(200, b"<html>It works!</html>", "text/html")
            case "wrong shape":
                exchange.send_json(200, {"models": "none", "data": [["id"]]})
            case "error":
                exchange.send_json(500, {"error": "out of memory"})
            case _:
                exchange.open_body(200, "application/json", chunked=True, headers={})
                piece = b" " * (1 if self.how == "drips" else 100_000)
                while True:
                    exchange.write_body(piece)
                    exchange.pause(0.05 if self.how == "drips" else 0)
