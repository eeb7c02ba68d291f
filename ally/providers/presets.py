"""The services of presets.json, read strictly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Literal, cast, get_args, get_origin

from ally.errors import ConfigError
from ally.messages import JsonObject
from ally.providers.wire.target import Quirks

PRESETS = Path(__file__).with_name("presets.json")


@dataclass(frozen=True, slots=True)
class CompatibleSpec:
    """All that is known of one service.

    `env_vars[0]` holds the key; none: no key is sent. `api` is "responses" where chat completions are not offered, and
    such a service is reached through LangChain. `body` is sent with every request. `ended` says since when and why the
    service is gone. An empty `models` of a server in reach means that the server is asked.
    """

    name: str
    display_name: str
    base_url: str
    compatible: Literal["openai", "anthropic"] = "openai"
    api: Literal["chat", "responses"] = "chat"
    env_vars: tuple[str, ...] = ()
    default_model: str | None = None
    models: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: JsonObject = field(default_factory=dict[str, object])
    quirks: Quirks = field(default_factory=Quirks)
    context_window: int | None = None
    context_window_source: Literal["catalogue", "user"] = "catalogue"
    docs: str = ""
    ended: str = ""


@cache
def load_presets() -> dict[str, CompatibleSpec]:
    """The services that come with Ally, by name.

    Raises:
        ConfigError: presets.json is not what this module expects.
    """
    rows = json.loads(PRESETS.read_text(encoding="utf-8"))["services"]
    specs = [parse_preset(row) for row in rows]
    found = {spec.name: spec for spec in specs}
    if len(found) != len(specs):
        raise _broken("two services have the same name")
    return found


def presets_date() -> str:
    """The day on which addresses and models of presets.json were last looked up, e.g. 2026-11-22."""
    return str(json.loads(PRESETS.read_text(encoding="utf-8"))["as_of"])


def parse_preset(row: JsonObject) -> CompatibleSpec:
    """One row of presets.json.

    Raises:
        ConfigError: a field is unknown, missing or of another type.
    """
    given, name = dict(row), str(row.get("name"))
    quirks = Quirks(**_checked(Quirks, given.pop("quirks", {}), name))
    return replace(CompatibleSpec(**_checked(CompatibleSpec, given, name)), quirks=quirks)


def _checked(kind: type[Quirks] | type[CompatibleSpec], row: JsonObject, name: str) -> JsonObject:
    types = {each.name: each.type for each in fields(kind)}
    values: JsonObject = {}
    for key, value in row.items():
        if key not in types or not _fits(value, types[key]):
            raise _broken(f"{name}.{key} is unknown or of the wrong type")
        values[key] = tuple(cast("list[str]", value)) if isinstance(value, list) else value
    required = {"name", "display_name", "base_url"} if kind is CompatibleSpec else set[str]()
    if missing := required - set(values):
        raise _broken(f"{name} has no {', '.join(sorted(missing))}")
    return values


def _fits(value: object, annotation: object) -> bool:
    if get_origin(annotation) is Literal:
        return value in get_args(annotation)
    if get_origin(annotation) is tuple:
        return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[object]", value))
    if get_origin(annotation) in (dict, Mapping) or annotation is JsonObject:
        return isinstance(value, dict)
    options = get_args(annotation) or (annotation,)
    return any(type(value) is option for option in options)


def _broken(problem: str) -> ConfigError:
    return ConfigError(f"presets.json: {problem}.", file=PRESETS)
