"""Writing in the user's own editor, with the screen put aside."""

import asyncio
from typing import Any

from textual.app import App, SuspendNotSupported

from ally.errors import AllyError


async def edit_outside(app: App[Any], text: str) -> str | None:  # Any: whatever the application ends with
    """`text` as it comes back from the editor; None if it stays as it is. What runs behind the screen goes on."""
    from ally.chat.editor import edit  # heavy

    try:
        # Nothing may be drawn while the terminal belongs to the editor.
        with app.batch_update(), app.suspend():
            return await asyncio.to_thread(edit, text)
    except AllyError as error:
        app.notify(" ".join(filter(None, (error.message, error.hint))), severity="error", markup=False)
    except SuspendNotSupported:
        app.notify("This terminal cannot be handed to an editor.", severity="error", markup=False)
    return None
