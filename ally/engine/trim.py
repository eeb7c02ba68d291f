"""Tool results that would fill the model's window are cut in the middle and point to the whole."""

import os
import secrets
from pathlib import Path

from ally.engine.tokens import BYTES_PER_TOKEN

MAX_CHARS = 60_000
"""The longest result with a window that is large or unknown; tools keep to less by themselves."""

MAX_SHARE = 0.25
"""The most of the window that one result may take."""


def trim(text: str, window: int | None, spill: Path | None) -> str:
    """`text`, or its head and tail with the place of the whole in between.

    The whole is written to a file of its own in `spill`; without one, or where it cannot be written, the text says so.
    """
    limit = MAX_CHARS if window is None else min(MAX_CHARS, int(window * MAX_SHARE * BYTES_PER_TOKEN))
    if len(text) <= limit:
        return text
    place = _write(text, spill)
    whole = f"the whole is in {place}: read it in parts" if place else "the rest could not be kept"
    kept = max(limit - 200, 200)
    head, tail = text[: kept * 2 // 3], text[len(text) - kept // 3 :]
    return f"{head}\n[… {len(text) - len(head) - len(tail)} characters left out; {whole} …]\n{tail}"


def _write(text: str, spill: Path | None) -> Path | None:
    if spill is None:
        return None
    path = spill / f"result-{secrets.token_hex(4)}.txt"
    try:
        spill.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - a descriptor
            file.write(text)
    except OSError:
        return None
    return path
