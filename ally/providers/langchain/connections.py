"""The HTTP connections under a LangChain object."""

import asyncio
from collections.abc import Iterator
from typing import Any

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


def _transports(core: object) -> Iterator[object]:
    seen: set[int] = set()
    layer = [core]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for one in layer:
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            own: dict[str, object] = getattr(one, "__dict__", {})
            if "_transport" in own and "_mounts" in own:
                mounted: Any = own["_mounts"]  # Any: httpx is duck-typed
                yield from (found for found in (own["_transport"], *mounted.values()) if found is not None)
                continue
            private: dict[str, object] = getattr(one, "__pydantic_private__", None) or {}
            held = {**own, **private}
            inner += [held[name] if name in held else _plain_property(one, name) for name in LINKS]
        layer = inner


def _plain_property(one: object, name: str) -> object:
    """Follows `client.aio` of Google's SDK, a property; nothing else is computed for this."""
    return getattr(one, name, None) if name == "aio" else None
