"""The HTTP connections under a LangChain object."""

import asyncio
from collections.abc import Iterator
from typing import Any

from ally.errors import BadReply

LINKS = (
    "root_async_client",
    "root_client",
    "async_client",
    "client",
    "_async_client",
    "_client",
    "aio",
    "_api_client",
    "_async_httpx_client",
    "_httpx_client",
)
"""The attributes that lead from the classes of the partner packages to the httpx clients inside."""
MAX_DEPTH = 6
_FIRST = "ally.first"


async def close_connections(core: object) -> None:
    """Close what is open and idle.

    The clients themselves stay open: LangChain shares one between all models of the same address.
    """
    for transport in list(_transports(core)):
        close: Any = getattr(transport, "aclose", None) or getattr(transport, "close", None)  # Any: httpx is duck-typed
        try:
            done = close()
            if asyncio.iscoroutine(done):
                await done
        except Exception:  # noqa: BLE001, S112 - boundary: a connection of an earlier event loop cannot be closed any more
            continue


def stay_at_the_service(core: object) -> None:
    """Let no redirect carry the prompt and the key to another host; the SDKs follow each.

    A redirect within the service, or to its https, is followed as before.
    """
    _stay_with_httpx(core)
    for client in _clients(core):
        is_async = hasattr(client, "aclose")
        hook = _check_hop_async if is_async else _check_hop
        hooks: Any = getattr(client, "event_hooks", None)  # Any: httpx is duck-typed
        if isinstance(hooks, dict) and hook not in hooks["request"]:
            client.event_hooks = {**hooks, "request": [*hooks["request"], hook]}


def _stay_with_httpx(core: object) -> None:
    """Google's SDK sends through aiohttp where that is installed, past everything that is checked here.

    A client that was given to it comes first; it is given the one that it has made itself.
    """
    for one in _reached(core):
        options: Any = getattr(one, "_http_options", None)  # Any: an object of the SDK
        client: object = getattr(one, "_async_httpx_client", None)
        if client is not None and getattr(options, "httpx_async_client", client) is None:
            options.httpx_async_client = client


async def _check_hop_async(request: Any) -> None:  # Any: httpx is duck-typed
    _check_hop(request)


def _check_hop(request: Any) -> None:  # Any: httpx is duck-typed
    """Called before each hop; a redirected request has the extensions of the one before."""
    here = (request.url.scheme, request.url.host, request.url.port)
    first = request.extensions.setdefault(_FIRST, here)
    is_upgrade = here[:2] == ("https", first[1]) and first[0] == "http"
    if here != first and not is_upgrade:
        raise BadReply(
            f"{first[1]} points to {here[1]}, which is not asked: the key and the prompt are for {first[1]}.",
            hint="set base_url to the final address",
        )


def _transports(core: object) -> Iterator[object]:
    for client in _clients(core):
        mounted: Any = client._mounts  # Any: httpx is duck-typed
        yield from (found for found in (client._transport, *mounted.values()) if found is not None)


def _clients(core: object) -> Iterator[Any]:  # Any: httpx is duck-typed
    return (one for one in _reached(core) if _is_client(one))


def _is_client(one: object) -> bool:
    own: dict[str, object] = getattr(one, "__dict__", {})
    return "_transport" in own and "_mounts" in own


def _reached(core: object) -> Iterator[Any]:  # Any: objects of strangers
    """Everything that `LINKS` lead to; what lies inside an httpx client is not looked at."""
    seen: set[int] = set()
    layer = [core]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for one in layer:
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            yield one
            if not _is_client(one):
                own: dict[str, object] = getattr(one, "__dict__", {})
                private: dict[str, object] = getattr(one, "__pydantic_private__", None) or {}
                held = {**own, **private}
                inner += [held[name] if name in held else _plain_property(one, name) for name in LINKS]
        layer = inner


def _plain_property(one: object, name: str) -> object:
    """Follows `client.aio` of Google's SDK, a property; nothing else is computed for this."""
    return getattr(one, name, None) if name == "aio" else None
