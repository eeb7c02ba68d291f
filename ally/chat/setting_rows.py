"""The settings as a list to look through and to change, made from the schema of config.json."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, cast

from ally.app import App
from ally.chat.listing import in_home, shown
from ally.config.change import Change, plan_change, plan_removal
from ally.config.load import Loaded
from ally.config.merge import leaves
from ally.config.problems import KeyPath, value_at
from ally.config.schema import accepted, describe, json_schema
from ally.config.view import as_json, is_secret, masked
from ally.messages import JsonObject
from ally.storage.atomic import write_atomic

AT_ONCE = frozenset({"tui.theme", "tui.thinking", "tui.diff", "tui.notify", "tui.scrollback"})
"""Settings that a running chat follows; all others hold from the next start on."""

INSTEAD = {
    "provider": "/model and /provider change the running chat",
    "model": "/model changes the running chat",
    "models": "/model changes the running chat",
    "provider_per_model": "/provider changes the running chat",
    "permissions": "/permissions changes the running chat",
}
"""What changes the running chat, by the first part of the key."""

Kind = Literal["choice", "text", "json"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it stands. `text` is what an editor begins with: empty for a secret, which is never shown.

    `choices` are the values of a `choice`, as JSON. `refusal` says why it cannot be changed here, empty if it can.
    """

    keys: KeyPath
    kind: Kind
    shown: str
    text: str
    origin: str
    about: str
    accepts: str
    default: str
    choices: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def key(self) -> str:
        """The dotted key."""
        return ".".join(self.keys)

    @property
    def group(self) -> str:
        """What it is listed under."""
        outer, *inner = self.keys
        return outer if inner or self.kind == "json" else "general"

    @property
    def effect(self) -> str:
        """When a change is felt."""
        if self.key in AT_ONCE:
            return "It holds at once."
        instead = INSTEAD.get(self.keys[0], "")
        return "It holds from the next start on" + (f"; {instead}." if instead else ".")


def setting_rows(app: App) -> list[Setting]:
    """Every setting as the files are now, in the order of the schema.

    Raises:
        ConfigError: a file is broken.
    """
    loaded = app.load({})
    values = as_json(loaded.settings)
    return [_row(keys, values, loaded) for keys in _keys(json_schema(), values) if keys != ("$schema",)]


def change(app: App, setting: Setting, text: str) -> Change:
    """Set it to `text`, as an editor gives it, in the file that holds it, else in the user's own.

    Raises:
        ConfigError: it cannot have that value; nothing has changed then.
        StorageError: the file cannot be written.
    """
    meant = text if setting.kind != "text" else _as_json_text(setting.keys, text)
    done = plan_change(app.paths, app.checkout, app.env, setting.key, meant, for_user=True)
    _write(app, done)
    return done


def reset(app: App, setting: Setting) -> Change | None:
    """Take it out of the file that sets it; None if none does.

    Raises:
        ConfigError: another setting needs it; nothing has changed then.
        StorageError: the file cannot be written.
    """
    done = plan_removal(app.paths, app.checkout, app.env, setting.key)
    if done is not None:
        _write(app, done)
    return done


def _write(app: App, done: Change) -> None:
    write_atomic(done.file, done.content)
    with suppress(AttributeError):
        del app.loaded  # read anew when it is asked for


def _keys(schema: JsonObject, values: JsonObject, above: KeyPath = ()) -> Iterator[KeyPath]:
    for name, part in cast("dict[str, JsonObject]", schema["properties"]).items():
        keys = (*above, name)
        if "properties" in part:
            yield from _keys(part, values, keys)
            continue
        yield keys
        if "additionalProperties" in part and (there := value_at(values, keys)):
            yield from ((*keys, *rest) for rest, _ in leaves(cast(JsonObject, there)))


def _row(keys: KeyPath, values: JsonObject, loaded: Loaded) -> Setting:
    schema, value = describe(keys) or {}, value_at(values, keys)
    safe = masked(value, keys)
    kind = _kind(schema, value)
    choices = tuple(json.dumps(one) for one in _choices(schema) if one is not None)
    text = "" if value is None or safe != value else value if isinstance(value, str) else _dump(value)
    hides = isinstance(value, dict) and safe != value
    return Setting(
        keys=keys,
        kind=kind,
        shown=_short(safe),
        text=text,
        origin=_origin(keys, loaded),
        about=_about(keys),
        accepts="secret text" if is_secret(keys) else _accepts(schema),
        default=_default(schema),
        choices=choices if kind == "choice" else (),
        refusal="It holds secrets, which are not shown: its parts below can be changed one by one." if hides else "",
    )


def _kind(schema: JsonObject, value: object) -> Kind:
    if _choices(schema):
        return "choice"
    if "string" in schema.get("type", ()) or (not schema and isinstance(value, str)):
        return "text"
    return "json"


def _choices(schema: JsonObject) -> list[object]:
    if "enum" in schema:
        return list(schema["enum"])
    return [True, False] if "boolean" in schema.get("type", ()) else []


def _origin(keys: KeyPath, loaded: Loaded) -> str:
    key = ".".join(keys)
    found = {origin for name, origin in loaded.origins.items() if name == key or name.startswith(key + ".")}
    return ", ".join(in_home(origin) for origin in sorted(found)) or "default"


def _about(keys: KeyPath) -> str:
    """Its description; the parts of an object that have none share that of the object."""
    for length in range(len(keys), 0, -1):
        if text := (describe(keys[:length]) or {}).get("description", ""):
            return str(text)
    return ""


def _accepts(schema: JsonObject) -> str:
    return accepted(schema).replace(" in double quotes", "") if schema else "JSON, or text"


def _default(schema: JsonObject) -> str:
    return _short(schema.get("default"))


def _short(value: object) -> str:
    if value is None:
        return "not set"
    return shown(value) if value or not isinstance(value, dict | list | tuple) else "none"


def _as_json_text(keys: KeyPath, text: str) -> str:
    """A text that happens to look like JSON is a text all the same; an empty one unsets."""
    return json.dumps(text) if describe(keys) != {} or text.startswith('"') else text


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
