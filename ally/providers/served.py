"""Which models a server on this machine or in this network has, asked without making anybody wait."""

import json
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from ally.egress.location import classify
from ally.messages import JsonObject

TIMEOUT_S = 0.2
"""Longest wait, whatever the server or the name look-up does."""

_LARGEST_ANSWER = 4_000_000
_REMEMBERED_S = 5.0

_answers: dict[str, tuple[float, list[str]]] = {}


def ollama_models(root: str) -> list[str]:
    """Names of the chat models that the Ollama server at `root` has; empty if it does not answer.

    In its order, but models that run in Ollama's cloud come last: the first one is to be one that stays here.
    """
    return _ask(f"{root}/api/tags", _chat_models)


def openai_models(base_url: str) -> list[str]:
    """Ids of the models that the OpenAI-compatible server at `base_url` has; empty if it does not answer."""
    return _ask(f"{base_url}/models", lambda answer: [model["id"] for model in answer["data"]])


def _chat_models(answer: JsonObject) -> list[str]:
    models = [model for model in answer["models"] if "embed" not in model["name"]]
    chat = [model for model in models if "bert" not in str(model.get("details", {}).get("family"))]
    return [model["name"] for model in sorted(chat, key=_is_remote)]


def _is_remote(model: JsonObject) -> bool:
    return bool(model.get("remote_host")) or model["name"].endswith(("-cloud", ":cloud"))


def forget() -> None:
    """Ask again next time, instead of repeating an answer of the last seconds."""
    _answers.clear()


def _ask(url: str, read: Callable[[JsonObject], list[str]]) -> list[str]:
    now = time.monotonic()
    asked_at, models = _answers.get(url, (-_REMEMBERED_S, []))
    if now - asked_at < _REMEMBERED_S:
        return list(models)
    models = _ask_now(url, read)
    _answers[url] = (now, models)
    return list(models)


def _ask_now(url: str, read: Callable[[JsonObject], list[str]]) -> list[str]:
    if classify(url) == "cloud":
        return []
    found: list[str] = []
    # A thread, because looking up a name cannot be given a time limit.
    asking = threading.Thread(target=_look, args=(url, read, found), daemon=True)
    asking.start()
    asking.join(TIMEOUT_S)
    return [] if asking.is_alive() else found


def _look(url: str, read: Callable[[JsonObject], list[str]], found: list[str]) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        # Refused at once when nothing listens, so that the HTTP modules are not even loaded then.
        socket.create_connection((parts.hostname or "", port), timeout=TIMEOUT_S).close()
        found.extend(str(name) for name in read(json.loads(_get(url))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        found.clear()


def _get(url: str) -> bytes:
    """The body of a 200 answer that is complete within the time limit; proxies and redirects are not followed."""
    import http.client  # heavy

    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    deadline = time.monotonic() + TIMEOUT_S
    try:
        connection.request("GET", parts.path, headers={"accept": "application/json"})
        response = connection.getresponse()
        body = bytearray()
        while response.status == 200 and (piece := response.read1(65536)):
            body += piece
            if time.monotonic() > deadline or len(body) > _LARGEST_ANSWER:
                raise TimeoutError(url)
        return bytes(body)
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
