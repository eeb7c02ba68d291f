"""Puts layers of settings on top of each other and remembers which one each value came from."""

from collections.abc import Iterator
from typing import cast

from ally.config.problems import KeyPath
from ally.config.settings import AGENTS
from ally.messages import JsonObject

ADDING_UP: frozenset[KeyPath] = frozenset({("permissions", "ask"), ("permissions", "deny")})
"""Lists that no layer can shorten: what one forbids stays forbidden. The origin then names all the layers."""


class Layers:
    """The merged values so far: the path of each leaf with its value, and with the name of the layer it came from."""

    def __init__(self) -> None:
        self._leaves: dict[KeyPath, tuple[object, str]] = {}

    @property
    def values(self) -> JsonObject:
        """The values as they would stand in one file."""
        result: JsonObject = {}
        for keys, (value, _) in self._leaves.items():
            here = result
            for key in keys[:-1]:
                here = here.setdefault(key, {})
            here[keys[-1]] = value
        return result

    @property
    def origins(self) -> dict[str, str]:
        """The dotted key of every value and the name of its layer."""
        return {".".join(keys): origin for keys, (_, origin) in self._leaves.items()}

    def add(self, layer: JsonObject, origin: str, *, is_for_all: bool = False) -> None:
        """Merge a layer in normal form over what is there.

        `is_for_all`: its provider and its model hold for every agent.
        """
        provider_before = self._get("provider")
        before = {agent: self._provider(agent) for agent in AGENTS}
        if is_for_all and "provider" in layer:
            self._drop("provider_per_model")
        if is_for_all and "model" in layer:
            self._drop("models")
        for keys, value in leaves(layer):
            if keys in ADDING_UP and keys in self._leaves:
                self._add_up(keys, cast("list[object]", value), origin)
            else:
                self._put(keys, value, origin)
        # A model belongs to the provider that it was chosen for.
        if "model" not in layer and _differ(provider_before, self._get("provider")):
            self._drop("model")
        for agent in AGENTS:
            if agent not in layer.get("models", {}) and _differ(before[agent], self._provider(agent)):
                self._drop("models", agent)

    def source(self, keys: KeyPath) -> str:
        """The layer that the value at `keys` or, if there is none, its nearest parent came from; "" if none did."""
        for length in range(len(keys), 0, -1):
            for path, (_, origin) in self._leaves.items():
                if path[:length] == keys[:length]:
                    return origin
        return ""

    def _get(self, *keys: str) -> object:
        return self._leaves.get(keys, (None, ""))[0]

    def _provider(self, agent: str) -> object:
        return self._get("provider_per_model", agent) or self._get("provider")

    def _put(self, keys: KeyPath, value: object, origin: str) -> None:
        below = [path for path in self._leaves if path[: len(keys)] == keys]
        if value == {} and below:  # objects are merged, and this one adds nothing
            return
        for path in below:
            del self._leaves[path]
        for length in range(len(keys)):
            self._leaves.pop(keys[:length], None)
        self._leaves[keys] = (value, origin)

    def _add_up(self, keys: KeyPath, values: list[object], origin: str) -> None:
        before, below = self._leaves[keys]
        known = cast("list[object]", before)
        self._put(keys, [*known, *(value for value in values if value not in known)], f"{below}, {origin}")

    def _drop(self, *keys: str) -> None:
        for path in [path for path in self._leaves if path[: len(keys)] == keys]:
            del self._leaves[path]


def leaves(values: JsonObject, parent: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """(path, value) of everything that is not an object with something in it."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(cast(JsonObject, value), (*parent, key))
        else:
            yield (*parent, key), value


def _differ(old: object, new: object) -> bool:
    return bool(old) and bool(new) and old != new
