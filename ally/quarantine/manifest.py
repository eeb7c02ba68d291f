"""Remembers what each plug-in defines, so that a listing imports only those that changed."""

import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import cast

from ally.errors import StorageError
from ally.messages import JsonObject
from ally.quarantine.installed import EntryPoint
from ally.storage.atomic import write_atomic

FORMAT = 2
RETRY_FAILURE_AFTER_S = 600.0
MAX_FILE_BYTES = 20_000_000
MAX_PLUGINS = 1000
_BROKEN = (KeyError, TypeError, ValueError, AttributeError)


class Manifest:
    """The reports of earlier listings in one file of the cache. A missing or damaged file is an empty one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._data = _read(file)
        self._is_changed = False

    def find(self, plugin: str, digest: str) -> JsonObject | None:
        """The report of `plugin`, if it was made from the same `digest`; a failure also ends with its time."""
        try:
            known = self._plugins()[plugin]
            if known["digest"] != digest:
                return None
            report: object = known["report"]
            age_s = time.time() - known["at"]
            is_current = not known["report"]["problems"] or 0 <= age_s < RETRY_FAILURE_AFTER_S
        except _BROKEN:
            return None
        return cast(JsonObject, report) if is_current and isinstance(report, dict) else None

    def put(self, plugin: str, digest: str, report: JsonObject) -> None:
        """Remember `report`; `save` writes it."""
        plugins = self._plugins()
        plugins.pop(plugin, None)
        plugins[plugin] = {"digest": digest, "at": time.time(), "report": report}
        self._is_changed = True

    def entry_points(self, stamp: str) -> list[EntryPoint] | None:
        """The entry points found when the installed packages were those of `stamp`."""
        try:
            known = self._data["entry_points"]
            found = [EntryPoint(str(name), str(value), str(package)) for name, value, package in known["found"]]
            return found if known["stamp"] == stamp else None
        except _BROKEN:
            return None

    def put_entry_points(self, stamp: str, found: Sequence[EntryPoint]) -> None:
        """Remember `found`; `save` writes it."""
        self._data["entry_points"] = {"stamp": stamp, "found": [astuple(one) for one in found]}
        self._is_changed = True

    def save(self) -> None:
        """Write what changed. A cache that cannot be written only costs time."""
        if not self._is_changed:
            return
        plugins = self._plugins()
        for plugin in list(plugins)[:-MAX_PLUGINS]:
            del plugins[plugin]
        with contextlib.suppress(StorageError):
            write_atomic(self._file, json.dumps({**self._data, "format": FORMAT}).encode())
        self._is_changed = False

    def _plugins(self) -> JsonObject:
        plugins = self._data.get("plugins")
        if not isinstance(plugins, dict):
            plugins = self._data["plugins"] = {}
        return cast(JsonObject, plugins)


def _read(file: Path) -> JsonObject:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            return {}
        data = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return cast(JsonObject, data) if isinstance(data, dict) and data.get("format") == FORMAT else {}  # pyright: ignore[reportUnknownMemberType] - decoded JSON
