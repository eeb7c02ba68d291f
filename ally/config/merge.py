"""Puts layers of settings on top of each other and remembers which one each value came from."""

from copy import deepcopy
from typing import cast

from ally.config.settings import AGENTS
from ally.messages import JsonObject

DEFAULT = "default"


class Layers:
    """The merged values so far; `origins` maps the dotted key of every value to the name of its layer."""

    def __init__(self) -> None:
        self.values: JsonObject = {}
        self.origins: dict[str, str] = {}

    def add(self, layer: JsonObject, origin: str) -> None:
        """Merge a layer in normal form over what is there."""
        self._apply(layer, origin, is_for_all=False)

    def override(self, layer: JsonObject, origin: str) -> None:
        """Merge a variable or flag: its provider or model holds for every agent."""
        self._apply(layer, origin, is_for_all=True)

    def _apply(self, layer: JsonObject, origin: str, *, is_for_all: bool) -> None:
        provider_before = self.values.get("provider")
        before = {agent: self._provider(agent) for agent in AGENTS}
        if is_for_all and "provider" in layer:
            self._drop("provider_per_model")
        if is_for_all and "model" in layer:
            self._drop("models")
        self._merge(self.values, layer, origin, "")
        # A model belongs to the provider that it was chosen for.
        if "model" not in layer and _differ(provider_before, self.values.get("provider")):
            self._drop("model")
        own = cast(JsonObject, layer.get("models", {}))
        for agent in AGENTS:
            if agent not in own and _differ(before[agent], self._provider(agent)):
                self._drop("models", agent)

    def _provider(self, agent: str) -> object:
        return cast(JsonObject, self.values.get("provider_per_model", {})).get(agent) or self.values.get("provider")

    def _merge(self, target: JsonObject, layer: JsonObject, origin: str, prefix: str) -> None:
        for key, value in layer.items():
            dotted = prefix + key
            if isinstance(value, dict) and isinstance(target.get(key), dict):
                self._merge(target[key], cast(JsonObject, value), origin, f"{dotted}.")
                continue
            self._forget(dotted)
            own = deepcopy(cast(object, value))
            target[key] = own
            self._remember(dotted, own, origin)

    def _remember(self, dotted: str, value: object, origin: str) -> None:
        if isinstance(value, dict) and value:
            for key, inner in cast(JsonObject, value).items():
                self._remember(f"{dotted}.{key}", inner, origin)
        else:
            self.origins[dotted] = origin

    def _forget(self, dotted: str) -> None:
        for key in [key for key in self.origins if key == dotted or key.startswith(dotted + ".")]:
            del self.origins[key]

    def _drop(self, *keys: str) -> None:
        parent = self.values
        for key in keys[:-1]:
            parent = cast(JsonObject, parent.get(key, {}))
        parent.pop(keys[-1], None)
        self._forget(".".join(keys))


def _differ(old: object, new: object) -> bool:
    return bool(old) and bool(new) and old != new
