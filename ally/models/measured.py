"""How fast the models of this machine were when they were last measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from ally.config.paths import Paths
from ally.errors import StorageError
from ally.storage.atomic import write_atomic
from ally.storage.lock import locked

_LOCK_S = 2.0


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second of one request with a prompt of `prompt_tokens`; None where too little came to tell.

    `by`: the server reported its own times, or Ally looked at the clock.
    """

    prompt_tokens: int
    prefill_per_s: float | None
    generation_per_s: float | None
    by: Literal["server", "clock"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One model on one server, as it ran on `measured_at` (ISO 8601, UTC).

    `memory_bytes` is what it took with `context_window` tokens of context, `vram_bytes` the part of it on a graphics
    card. `load_s` is None for a model that was in memory already. `pushed_out` are the models that left memory for it.
    `is_native`: it calls tools by its service's own field. `note` says why something is missing.
    """

    provider: str
    model: str
    measured_at: str
    digest: str = ""
    parameters: int | None = None
    is_native: bool = True
    size_bytes: int | None = None
    kv_bytes_per_token: int = 0
    context_window: int | None = None
    trained_window: int | None = None
    memory_bytes: int | None = None
    vram_bytes: int | None = None
    load_s: float | None = None
    speeds: tuple[Speed, ...] = ()
    pushed_out: tuple[str, ...] = ()
    note: str = ""

    @property
    def prefill_per_s(self) -> float | None:
        """Tokens of a prompt read in a second, by the longest prompt that tells."""
        return next((speed.prefill_per_s for speed in reversed(self.speeds) if speed.prefill_per_s), None)

    @property
    def generation_per_s(self) -> float | None:
        """Tokens written in a second, by the longest prompt that tells."""
        return next((speed.generation_per_s for speed in reversed(self.speeds) if speed.generation_per_s), None)

    def answer_s(self, prompt_tokens: int, answer_tokens: int) -> float:
        """Seconds until the last word of an answer; infinite if it was not measured."""
        if not self.prefill_per_s or not self.generation_per_s:
            return math.inf
        return prompt_tokens / self.prefill_per_s + answer_tokens / self.generation_per_s


class _File(msgspec.Struct):
    models: list[Measured] = []


class Measurements:
    """What was measured last, by provider and model, in `file`. A file that cannot be read counts as empty."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def of_user(cls, paths: Paths) -> "Measurements":
        """Those in the data folder."""
        return cls(paths.data / "measured.json")

    def find(self, provider: str, model: str, digest: str = "") -> Measured | None:
        """The last measurement of a model; None also if `digest` says that the model is another one by now."""
        found = self._read().get((provider, model))
        return None if found is None or (digest and found.digest and found.digest != digest) else found

    def keep(self, measured: Sequence[Measured]) -> None:
        """Keep these in place of what was known of the same models; one without any speed replaces nothing.

        Raises:
            StorageError: they cannot be written.
        """
        new = {(one.provider, one.model): one for one in measured if one.speeds}
        if not new:
            return
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._file.with_suffix(".lock"), timeout_s=_LOCK_S):
                models = [*(self._read() | new).values()]
                write_atomic(self._file, msgspec.json.format(msgspec.json.encode(_File(models))))
        except OSError as exc:
            text = f"{self._file} cannot be written: {exc.strerror or exc}"
            raise StorageError(self._file, text, hint="make room, or see who may write there") from exc

    def _read(self) -> dict[tuple[str, str], Measured]:
        try:
            models = msgspec.json.decode(self._file.read_bytes(), type=_File).models
        except (OSError, msgspec.MsgspecError, RecursionError):
            return {}
        return {(one.provider, one.model): one for one in models}
