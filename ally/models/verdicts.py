"""What checks on this machine found out about how models call tools."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

import msgspec

from ally.config.paths import Paths
from ally.errors import StorageError
from ally.storage.atomic import write_atomic
from ally.storage.lock import locked

Strategy = Literal["native", "schema", "text"]
"""How a model calls tools: by its service's own field, as JSON held to a schema, or as text that Ally reads."""

_LOCK_S = 2.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The way in which a model called tools best, and which probes it `passed` that way.

    `digest` names the weights and template that were checked, "" where the service has no name for them.
    """

    strategy: Strategy
    passed: Mapping[str, bool] = field(default_factory=dict[str, bool])
    checked_at: str = ""
    digest: str = ""


class Verdicts:
    """The verdicts of this user, in `file`. A file that cannot be read counts as empty."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def of_user(cls, paths: Paths) -> Self:
        """Those in the data folder."""
        return cls(paths.data / "models" / "verdicts.json")

    def find(self, provider: str, model: str, digest: str) -> Verdict | None:
        """The verdict on the very weights that `digest` names, or on `model` where there is no digest."""
        try:
            return _decode(self._file.read_bytes()).get(_key(provider, model, digest))
        except (OSError, msgspec.DecodeError, RecursionError):
            return None

    def strategy(self, provider: str, model: str, digest: str) -> Strategy | None:
        """How the model is to call tools, None if nobody checked it."""
        found = self.find(provider, model, digest)
        return found.strategy if found else None

    def keep(self, provider: str, model: str, verdict: Verdict) -> None:
        """Add `verdict`, in place of an older one on the same weights. A broken file is set aside first.

        Raises:
            StorageError: the file cannot be written.
        """
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._file.with_suffix(".lock"), timeout_s=_LOCK_S):
                verdicts = self._read_or_set_aside()
                verdicts[_key(provider, model, verdict.digest)] = verdict
                write_atomic(self._file, msgspec.json.format(msgspec.json.encode(verdicts), indent=1))
        except OSError as exc:
            text = f"{self._file} cannot be written: {exc.strerror or exc}"
            raise StorageError(self._file, text, hint="make room, or see who may write there") from exc

    def _read_or_set_aside(self) -> dict[str, Verdict]:
        try:
            return _decode(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, RecursionError):
            aside = f"{self._file.name}.broken-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
            with contextlib.suppress(OSError):
                self._file.rename(self._file.with_name(aside))
            return {}


def _decode(data: bytes) -> dict[str, Verdict]:
    return msgspec.json.decode(data, type=dict[str, Verdict])


def _key(provider: str, model: str, digest: str) -> str:
    # The same weights may be served by two servers, of which one has no field for tools.
    return f"{provider} {digest or model}"
