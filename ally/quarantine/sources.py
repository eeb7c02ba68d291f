"""Reading plug-in files without running them: the bytes, what they depend on, and the names they claim."""

import hashlib
import os
import re
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from ally import __version__
from ally.plugins import PluginFolder

MAX_SOURCE_BYTES = 1_000_000

_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(
    r"""def\s+name\s*\([^)]*\)[^:]*:(?:(?!\bdef\b).)*?\breturn\s*["']([^"'\n]+)["']   # the property of the guide
    | ^[ \t]+name(?:\s*:[^=\n]+)?\s*=\s*["']([^"'\n]+)["']                          # a class attribute
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_URL = re.compile(r"https?://[^\s\"'`<>{})]+")


class Unreadable(Exception):
    """The file cannot be a plug-in; the text says why."""


def read_source(file: Path) -> bytes:
    """The bytes of a plug-in file.

    Raises:
        Unreadable: it is not a regular file, too large, or cannot be read.
    """
    try:
        found = file.stat()
        if stat.S_ISDIR(found.st_mode):
            raise Unreadable("it is a folder, not a file")
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("it is not a regular file")
        if found.st_size > MAX_SOURCE_BYTES:
            raise Unreadable(f"it is larger than {MAX_SOURCE_BYTES // 1_000_000} MB")
        return file.read_bytes()
    except FileNotFoundError as exc:
        raise Unreadable("it is a link to a file that does not exist") from exc
    except OSError as exc:
        raise Unreadable(f"it cannot be read: {exc.strerror or exc}") from exc


def digest_of(source: bytes, helpers: Mapping[str, bytes], surroundings: str) -> str:
    """Changes with everything that a plug-in's description may depend on.

    That is its source, its helper files, the versions of Ally and Python, the installed packages (`surroundings`) and
    the environment variables that it names.
    """
    digest = hashlib.sha256(f"{__version__}\n{sys.version}\n{sys.prefix}\n{surroundings}\n".encode())
    for name, content in sorted({"": source, **helpers}.items()):
        digest.update(f"{name}\n{len(content)}\n".encode("utf-8", "surrogateescape") + content)
    words = {word.decode("ascii") for content in (source, *helpers.values()) for word in _WORD.findall(content)}
    for name in sorted(word for word in words & os.environ.keys() if len(word) > 2):
        digest.update(f"{name}={os.environ[name]}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def helpers_of(folder: PluginFolder) -> dict[str, bytes]:
    """The `_*.py` files of a folder, which every plug-in in it may import."""
    found: dict[str, bytes] = {}
    for file in folder.private_files():
        try:
            found[str(file.relative_to(folder.path))] = read_source(file)
        except Unreadable as exc:
            found[str(file.relative_to(folder.path))] = str(exc).encode()
    return found


def claimed_names(source: bytes, stem: str) -> frozenset[str]:
    """The names of plug-ins that a file which cannot be imported seems to define; its own name if none can be seen."""
    text = source.decode("utf-8", "replace")
    found = {(match[1] or match[2]).lower() for match in _NAME.finditer(text)}
    return frozenset(found or {stem.lower()})


def addresses_in(source: bytes) -> list[str]:
    """The URLs that a file writes down anywhere."""
    return _URL.findall(source.decode("utf-8", "replace"))
