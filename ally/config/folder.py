"""The settings that a folder brings along in `.ally/config.json`: they may only tighten what the user set.

It is read only where the user trusts the folder. It may add to `permissions.ask` and `permissions.deny`, choose a
stricter `permissions.mode`, and set `temperatures`. Everything else in it, providers, endpoints, options and whatever
allows more, is left out with a notice; a file that cannot be read is an error, for it may hold a denial.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from ally.config.jsonfile import JsonFile
from ally.config.merge import Layers, leaves
from ally.config.normal import normal_form
from ally.messages import JsonObject

FILE = Path(".ally/config.json")
LENIENT_FIRST = ("bypass", "accept-edits", "ask", "plan")


@dataclass(frozen=True, slots=True)
class Tightening:
    """What a folder's file adds. `layer` holds whole lists, `ask` and `deny` only its own entries, which come last in
    them; `below` tells where the entries before came from."""

    file: Path
    layer: JsonObject = field(default_factory=dict[str, object])
    ask: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    below: Mapping[str, str] = field(default_factory=dict[str, str])
    notices: tuple[str, ...] = ()


def tighten(file: JsonFile, below: Layers) -> Tightening:
    """What of `file` holds on top of the layers `below`.

    Raises:
        ConfigError: an unknown key or a wrong value.
    """
    values = normal_form(file.data, file)
    before: JsonObject = below.values.get("permissions", {})
    layer: JsonObject = {}
    permissions: JsonObject = {}
    notices: list[str] = []
    for keys, value in leaves(values):
        match keys:
            case ("$schema",):
                pass
            case ("temperatures", *_):
                layer["temperatures"] = values["temperatures"]
            case ("permissions", "ask" | "deny" as effect):
                permissions[effect] = [*before.get(effect, ()), *cast(list[str], value)]
            case ("permissions", "mode") if _is_stricter(str(value), str(before.get("mode", "ask"))):
                permissions["mode"] = value
            case _:
                notices.append(f"{file.place(keys)}: {'.'.join(keys)} is left out; a folder may only tighten.")
    if permissions:
        layer["permissions"] = permissions
    return Tightening(file.path, layer, _own(values, "ask"), _own(values, "deny"), below.origins, tuple(notices))


def _own(values: JsonObject, effect: Literal["ask", "deny"]) -> tuple[str, ...]:
    return tuple(values.get("permissions", {}).get(effect, ()))


def _is_stricter(mode: str, than: str) -> bool:
    return LENIENT_FIRST.index(mode) >= LENIENT_FIRST.index(than)
