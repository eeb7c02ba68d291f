"""Which models a server on this machine or in this network has."""

import time
from typing import cast

from ally.egress.lookup import NoAnswer, get_json
from ally.messages import JsonObject

TIMEOUT_S = 0.3
"""Longest wait for a server."""

_REMEMBERED_S = 5.0

_answers: dict[str, tuple[float, list[JsonObject]]] = {}


def ollama_models(root: str, *, in_cloud: bool = True) -> list[str]:
    """Names of the chat models that the Ollama server at `root` has; empty if it does not answer.

    In its order, but models that run in Ollama's cloud come last, or not at all: the first one is to be one that
    stays here.
    """
    chat = [model for model in _rows(f"{root}/api/tags", "models") if _is_chat(model)]
    here = [str(model["name"]) for model in chat if not _is_remote(model)]
    return here + [str(model["name"]) for model in chat if in_cloud and _is_remote(model)]


def openai_models(base_url: str) -> list[str]:
    """Ids of the models that the OpenAI-compatible server at `base_url` has; empty if it does not answer."""
    return [str(model["id"]) for model in _rows(f"{base_url}/models", "data") if model.get("id")]


def forget() -> None:
    """Ask again next time, instead of repeating an answer of the last seconds."""
    _answers.clear()


def _is_chat(model: JsonObject) -> bool:
    name, details = model.get("name"), model.get("details")
    family = str(cast(JsonObject, details).get("family", "")) if isinstance(details, dict) else ""
    return isinstance(name, str) and bool(name) and "embed" not in name and "bert" not in family


def _is_remote(model: JsonObject) -> bool:
    return bool(model.get("remote_host") or model.get("remote_model")) or model["name"].endswith(("-cloud", ":cloud"))


def _rows(url: str, field: str) -> list[JsonObject]:
    now = time.monotonic()
    asked_at, rows = _answers.get(url, (-_REMEMBERED_S, []))
    if now - asked_at >= _REMEMBERED_S:
        rows = _ask(url, field)
        _answers[url] = now, rows
    return rows


def _ask(url: str, field: str) -> list[JsonObject]:
    try:
        found: object = get_json(url, TIMEOUT_S).get(field)
    except NoAnswer:
        return []
    rows = cast("list[object]", found) if isinstance(found, list) else []
    return [cast(JsonObject, row) for row in rows if isinstance(row, dict)]
