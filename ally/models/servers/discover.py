"""Which servers run at the addresses that are known, all asked at the same time."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ally.egress.location import classify
from ally.egress.offline import is_enabled
from ally.messages import JsonObject
from ally.models.facts import Server
from ally.models.servers import fields, llamacpp, lmstudio, ollama, openai_like, vllm
from ally.models.servers.answers import TIMEOUT_S, Headers, ask, is_silent, root_of, within

if TYPE_CHECKING:
    from ally.config.settings import Endpoint

USUAL = {
    "lmstudio": "http://127.0.0.1:1234/v1",
    "llamacpp": "http://127.0.0.1:8080/v1",
    "localai": "http://127.0.0.1:8080/v1",
    "vllm": "http://127.0.0.1:8000/v1",
}
"""Where servers listen unless told otherwise, by Ally's names for them; Ollama's is in its variable."""

_List = Callable[[str, Headers | None], Server | None]
_OWNERS: dict[str, _List] = {
    "llamacpp": llamacpp.list_models,
    "vllm": vllm.list_models,
    "library": lambda root, _: ollama.list_models(root),
    "organization_owner": lmstudio.list_models,
}
_LISTS: tuple[_List, ...] = tuple(_OWNERS[owner] for owner in ("organization_owner", "library", "llamacpp"))


def discover(
    env: Mapping[str, str],
    options: Mapping[str, JsonObject] | None = None,
    endpoints: "Mapping[str, Endpoint] | None" = None,
    timeout_s: float = TIMEOUT_S,
) -> list[Server]:
    """The servers that answer within `timeout_s`: at the usual addresses of this machine, and where the user has some.

    `env` has OLLAMA_HOST, `options` are `provider_options` by provider, `endpoints` those of config.json. A server in
    the local network is asked only if the user configured it, and not offline; one in the cloud never.
    """
    found: dict[str, Server] = {}
    names = known_addresses(env, options or {}, endpoints or {})

    def look(root: str) -> None:
        server = _identify(root, None)
        if server is not None:
            found[root] = replace(server, provider=_best_name(server, names[root]))

    threads = [threading.Thread(target=look, args=(root,), daemon=True, name="discover") for root in names]
    until = time.monotonic() + timeout_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return [found[root] for root in names if root in found]


def find_server(url: str, headers: Headers | None = None, timeout_s: float = TIMEOUT_S) -> Server | None:
    """What runs at `url`, with or without its version prefix; None if nothing usable answers in time.

    `provider` is empty if it is a server of no known kind. `headers` are sent along, e.g. a key. A server in the cloud
    is not asked.
    """
    return within(timeout_s, lambda: _identify(url, headers)) if classify(url) != "cloud" else None


def known_addresses(
    env: Mapping[str, str], options: Mapping[str, JsonObject], endpoints: "Mapping[str, Endpoint]"
) -> dict[str, list[str]]:
    """Ally's names for the servers at each address that may be asked: those of the user first, then the usual ones."""
    given = {name.lower(): _address_in(choices) for name, choices in options.items()}
    addresses = [(name.lower(), endpoint.base_url) for name, endpoint in endpoints.items()]
    addresses.append(("ollama", ollama.server({"base_url": given.pop("ollama", "")}, env)))
    addresses += [(name, given.pop(name, "") or usual) for name, usual in USUAL.items()]
    addresses += [(name, address) for name, address in given.items() if address]
    found: dict[str, list[str]] = {}
    for name, address in addresses:
        location = classify(address)
        if location == "local" or (location == "lan" and not is_enabled()):
            found.setdefault(root_of(address), []).append(name)
    return found


def _address_in(choices: JsonObject) -> str:
    return fields.text(choices, "base_url") or fields.text(choices, "endpoint")


def _identify(url: str, headers: Headers | None) -> Server | None:
    """What answers at `url`: the list of models that all of them have mostly says whose it is."""
    root = root_of(url)
    listing = f"{root}/v1/models"
    rows = fields.rows(ask(listing, headers) or {}, "data")
    if is_silent(listing, headers):  # it would be as silent to every other question
        return None
    owners = {fields.text(row, "owned_by") for row in rows}
    likely = [_OWNERS[owner] for owner in _OWNERS if owner in owners]
    for list_models in dict.fromkeys((*likely, *_LISTS)):
        server = list_models(root, headers)
        if server is not None:
            return server
    return openai_like.list_models(url, headers)


def _best_name(server: Server, names: list[str]) -> str:
    """Of several names for one address that of its kind, else the one for servers of any kind."""
    return server.kind if server.kind in names else names[-1]
