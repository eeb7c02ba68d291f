"""Working in the user's own editor, with the screen put aside."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from textual.app import App, SuspendNotSupported

from ally.errors import AllyError

T = TypeVar("T")


async def edit_outside(app: App[Any], text: str) -> str | None:  # Any: whatever the application ends with
    """`text` as it comes back from the editor; None if it stays as it is. What runs behind the screen goes on."""
    from ally.chat.editor import edit  # heavy

    return await _outside(app, partial(edit, text))


async def look_outside(app: App[Any], path: Path, line: int) -> None:  # Any: as above
    """Open a file in the editor, at that line."""
    from ally.chat.editor import look_at  # heavy

    await _outside(app, partial(look_at, path, line))


async def _outside(app: App[Any], work: Callable[[], T]) -> T | None:  # Any: as above
    try:
        # Nothing may be drawn while the terminal belongs to the editor.
        with app.batch_update(), app.suspend():
            return await asyncio.to_thread(work)
    except AllyError as error:
        app.notify("\n→ ".join(filter(None, (error.message, error.hint))), severity="error", markup=False)
    except SuspendNotSupported:
        app.notify(
            "An editor needs a terminal, which a browser is not: write the text here.", severity="error", markup=False
        )
    return None
