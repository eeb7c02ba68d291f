"""The folder in which each collection has a folder."""

import contextlib
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Generator
from hashlib import blake2b
from pathlib import Path

from ally.errors import StorageError, UnknownCollection
from ally.rag.stores.embedded.collection import DATABASE, LOCK, EmbeddedCollection, how_to_renew
from ally.rag.stores.embedded.opened import Sizes
from ally.storage.atomic import write_atomic
from ally.storage.lock import locked

_NAME = "name"
_HALF = ".half-"
"""Begins the name of a folder that is being made or removed."""


class EmbeddedShelf:
    """Implements `Shelf` in `folder`.

    A collection's folder appears and disappears whole, by being renamed; what a process left that died in between is
    removed by the next one that makes or removes a collection.
    """

    def __init__(self, folder: Path, sizes: Sizes | None = None) -> None:
        self._folder = folder
        self._sizes = sizes or Sizes()

    def names(self) -> list[str]:
        try:
            found = [_name_of(entry) for entry in self._folder.iterdir() if not entry.name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise _failed(self._folder, "read", exc) from exc
        return sorted((name for name in found if name), key=lambda name: (name.casefold(), name))

    def open(self, name: str) -> EmbeddedCollection:
        folder = self._folder_of(name)
        stored = _name_of(folder)
        if not stored:
            raise UnknownCollection(name, self.names())
        if not (folder / DATABASE).exists():
            hint = how_to_renew(name)
            raise StorageError(folder / DATABASE, f"The database of {name} is missing.", hint=hint)
        return EmbeddedCollection(folder, stored, self._sizes)

    def create(self, name: str) -> EmbeddedCollection:
        folder = self._folder_of(name)
        with self._changing():
            if not _name_of(folder):
                new = self._folder / f"{_HALF}{secrets.token_hex(6)}"
                EmbeddedCollection(new, name, self._sizes).close()
                write_atomic(new / _NAME, name.encode("utf-8", "surrogateescape"))
                new.rename(folder)
        return self.open(name)

    def delete(self, name: str) -> None:
        folder = self._folder_of(name)
        with self._changing(), contextlib.ExitStack() as stack:
            if not _name_of(folder):
                raise UnknownCollection(name, self.names())
            try:
                stack.enter_context(locked(folder / LOCK, timeout_s=0))
            except TimeoutError as exc:
                hint = "try again when that is done"
                raise StorageError(folder, f"{name} is being changed by another process.", hint=hint) from exc
            if os.name == "nt":
                stack.close()  # no folder is renamed there in which a file is open
            gone = folder.rename(self._folder / f"{_HALF}{secrets.token_hex(6)}")
        shutil.rmtree(gone, ignore_errors=True)

    def close(self) -> None:
        """Nothing is open."""

    def _folder_of(self, name: str) -> Path:
        """The same for names that only differ in how the system writes their accents."""
        plain = unicodedata.normalize("NFC", name)
        slug = re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-")[:32] or "collection"
        mark = blake2b(plain.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
        return self._folder / f"{slug}-{mark}"

    @contextlib.contextmanager
    def _changing(self) -> Generator[None, None, None]:
        """One process at a time makes and removes collections, so what is half done was left by a dead one."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._folder / ".lock"):
                for half in self._folder.glob(f"{_HALF}*"):
                    shutil.rmtree(half, ignore_errors=True)
                yield
        except OSError as exc:
            raise _failed(self._folder, "changed", exc) from exc


def _name_of(folder: Path) -> str:
    """The name of the collection in `folder`, "" if it holds none."""
    try:
        return (folder / _NAME).read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _failed(folder: Path, what: str, exc: OSError) -> StorageError:
    hint = "free some disk space" if exc.errno in {28, 122} else "change the permissions of the folder, or try again"
    return StorageError(folder, f"{folder} cannot be {what}: {exc.strerror or exc}.", hint=hint)
