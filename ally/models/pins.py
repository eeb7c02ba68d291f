"""The one context window that every call of a model on an Ollama server asks for.

The server loads a model anew whenever a request asks for another window than it was loaded with, which takes seconds to
minutes. So all processes and agents of Ally ask for the same one, kept in a file.
"""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

from ally.config.paths import Paths
from ally.egress.location import classify
from ally.errors import StorageError
from ally.models.facts import FactSource
from ally.models.fit import LEAST_WINDOW, STEP, fit_window
from ally.models.memory import available_bytes
from ally.models.servers.ollama import Described, full_name
from ally.storage.atomic import write_atomic
from ally.storage.lock import locked

LARGEST = 32_768
"""Context is memory: no model gets more than this unasked."""

UNMEASURED = 16_384
"""The window of a model in memory that cannot be looked at: on another machine or on a graphics card."""

WORTH_KEEPING = 8_192
"""A model that is loaded with at least this much stays as it is."""

_LOCK_S = 0.2


@dataclass(frozen=True, slots=True)
class Pin:
    """Tokens of context to ask for, and who says so."""

    num_ctx: int
    source: FactSource


class Pins:
    """The pins of this user, in `file`. One that cannot be read counts as empty, one that cannot be written is left."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def of_user(cls, paths: Paths) -> Self:
        """Those in the cache folder."""
        return cls(paths.cache / "ollama-windows.json")

    def find(self, root: str, model: str) -> int | None:
        """The pin of `model` on the server at `root`."""
        return self._read().get(_key(root, model))

    def keep(self, root: str, model: str, num_ctx: int, *, over: bool = False) -> int:
        """Pin `num_ctx` and give back what is pinned now: the pin of who was first, unless this one goes `over` it."""
        key = _key(root, model)
        known = self._read().get(key)
        if known is not None and (known == num_ctx or not over):
            return known
        with contextlib.suppress(OSError, StorageError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._file.with_suffix(".lock"), timeout_s=_LOCK_S):
                pins = self._read()
                known = pins.get(key)
                if known is None or over:
                    pins[key] = known = num_ctx
                    write_atomic(self._file, json.dumps(pins, indent=1).encode())
        return num_ctx if known is None or over else known

    def _read(self) -> dict[str, int]:
        try:
            value: object = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        pairs = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        return {key: pin for key, pin in pairs.items() if type(pin) is int and pin > 0}


def choose(root: str, model: str, described: Described, wanted: int | None, pins: Pins) -> Pin | None:
    """The window to ask for; None for a model that the server passes on to a cloud, which fixes it there.

    What the user `wanted` counts first, then the Modelfile, then what the model is loaded with, if that is worth
    keeping, then the pin there is, and else what fits into memory. `source` is "guess" until the server has shown that
    it serves as much.
    """
    facts, loaded = described.facts, described.loaded
    if wanted:  # the server would lower it to what the model was trained for
        return Pin(min(wanted, facts.trained_window or wanted), "user")
    if facts.is_remote:
        return None
    if described.num_ctx:
        return Pin(described.num_ctx, "server")
    now = loaded.context_window if loaded else None
    if now is not None and now >= WORTH_KEEPING:
        # A larger one is somebody else's wish, and holds only as long as the model is loaded so.
        return Pin(pins.keep(root, model, now, over=True) if now <= LARGEST else now, "server")
    pinned = pins.find(root, model) or pins.keep(root, model, _fitting(root, described))
    most = facts.trained_window or pinned
    return Pin(min(pinned, most), "server" if now == min(pinned, most) else "guess")


def _fitting(root: str, described: Described) -> int:
    facts, loaded = described.facts, described.loaded
    is_here = classify(root) == "local"
    on_card = loaded is not None and loaded.vram_bytes > 0
    most = _rounded(min(LARGEST if is_here and not on_card else UNMEASURED, facts.trained_window or LARGEST))
    free = available_bytes() if is_here else None
    if free is not None:
        # Loading it anew gives back what it holds, but for what is on the card.
        free += (loaded.size_bytes - loaded.vram_bytes) if loaded else 0
        free -= 0 if on_card else facts.size_bytes or 0
    return fit_window(facts.kv_bytes_per_token, free, most=most, least=LEAST_WINDOW)


def _rounded(tokens: int) -> int:
    return tokens // STEP * STEP or tokens


def _key(root: str, model: str) -> str:
    return f"{root} {full_name(model)}"
