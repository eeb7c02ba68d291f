"""Which provider is used when nobody chose one: always one on this machine."""

import json
import time
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from ally.egress.location import classify
from ally.messages import JsonObject
from ally.providers.builtin.ollama import server
from ally.providers.connect import Choice

BUDGET_S = 0.3
MAX_ANSWER_BYTES = 4_000_000


def default_choice(env: Mapping[str, str], ollama_options: JsonObject) -> Choice:
    """Ollama, if it runs on this machine and has a model that runs there too; else the embedded engine.

    Asking takes 0.3 s at most. `ollama_options` are `provider_options.ollama`. An Ollama on another machine is not
    asked: it is used when it is chosen.
    """
    root = server(ollama_options, env)
    model = _first_local_model(_tags(root)) if classify(root) == "local" else None
    return Choice("ollama", model) if model else Choice("local")


def _first_local_model(tags: object) -> str | None:
    """The model used last that chats and does not run in Ollama's cloud."""
    models: object = cast(JsonObject, tags).get("models") if isinstance(tags, dict) else None
    for model in cast("list[object]", models) if isinstance(models, list) else []:
        if isinstance(model, dict) and _is_local_chat(found := cast(JsonObject, model)):
            return str(found["name"])
    return None


def _is_local_chat(model: JsonObject) -> bool:
    name = model.get("name")
    if not isinstance(name, str) or not name:
        return False
    is_cloud = name.endswith(("-cloud", ":cloud")) or bool(model.get("remote_host") or model.get("remote_model"))
    details: object = model.get("details")
    family = str(cast(JsonObject, details).get("family", "")) if isinstance(details, dict) else ""
    return not is_cloud and "embed" not in name and "bert" not in family


def _tags(root: str) -> object:
    """What `GET /api/tags` answers within the time, as decoded JSON, else None. No proxy, no redirects."""
    import http.client  # heavy

    parts = urlsplit(root)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    deadline = time.monotonic() + BUDGET_S
    connection = None
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=BUDGET_S)
        connection.request("GET", f"{parts.path}/api/tags", headers={"accept": "application/json"})
        response = connection.getresponse()
        body = bytearray()
        while response.status == 200 and len(body) <= MAX_ANSWER_BYTES:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return None
            if connection.sock is not None:
                connection.sock.settimeout(left_s)
            piece = response.read1(65536)
            if not piece:
                return json.loads(body)
            body += piece
    except (OSError, ValueError, RecursionError, http.client.HTTPException):
        return None
    finally:
        if connection is not None:
            connection.close()
    return None
