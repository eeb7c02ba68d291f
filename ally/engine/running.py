"""Running one call that was allowed: what it may change is captured before and recorded after."""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ally.engine.conversation import Conversation
from ally.engine.trim import trim
from ally.errors import AllyError
from ally.events import Event, Notice, ToolProgress
from ally.messages import BadToolCall, ToolCall, ToolResult
from ally.permissions.action import Action, Grant
from ally.tools.base import Run, Tool

if TYPE_CHECKING:
    from ally.checkpoints import Capture, Checkpoints


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that was allowed, with exactly what it may do."""

    call: ToolCall
    tool: Tool
    action: Action
    grant: Grant

    @property
    def changes_files(self) -> bool:
        """Whether files may be different afterwards."""
        return self.action.kind in ("write", "delete") or (self.action.kind == "run" and not self.grant.is_read_only)

    @property
    def may_run_beside_others(self) -> bool:
        """Whether it only looks, and is no command."""
        return self.action.is_read_only


async def run_ready(talk: Conversation, ready: Ready, emit: Callable[[Event], None]) -> ToolResult:
    """What the tool gave back, or why it failed.

    A cancelled call records what it had changed by then.
    """
    checkpoints = talk.checkpoints if ready.changes_files else None
    captured = await _capture(checkpoints, ready) if checkpoints else None
    for text in captured.notices if captured else ():
        emit(Notice(text))
    try:
        return await _run(talk, ready, emit)
    finally:
        if checkpoints and captured:
            for change in await asyncio.to_thread(checkpoints.record, captured):
                if change.note:
                    emit(Notice(f"{change.path}: {change.note}"))


async def _capture(checkpoints: "Checkpoints", ready: Ready) -> "Capture":
    # Both forms: what was granted is resolved, and deleting a link takes the link itself.
    paths = None if ready.action.kind == "run" else tuple(dict.fromkeys((*ready.action.paths, *ready.grant.paths)))
    try:
        return await asyncio.to_thread(checkpoints.capture, ready.call.id, paths)
    except asyncio.CancelledError:
        checkpoints.stop()
        raise


async def _run(talk: Conversation, ready: Ready, emit: Callable[[Event], None]) -> ToolResult:
    call = ready.call
    loop = asyncio.get_running_loop()
    is_over = False

    def progress(text: str) -> None:
        def tell() -> None:
            if not is_over:
                emit(ToolProgress(call.id, text))

        loop.call_soon_threadsafe(tell)

    try:
        output = await ready.tool.run(call.args, Run(ready.grant, progress))
    except AllyError as error:
        return failed(call, f"{error.message} {error.hint}".strip())
    except Exception as error:  # noqa: BLE001  # boundary: a fault of one tool must not end the conversation
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename.rsplit('/', 1)[-1]}:{last.lineno}"
        return failed(call, f"A fault in the tool itself, {type(error).__name__} at {where}: {error}")
    finally:
        await asyncio.sleep(0)  # progress told from other threads comes before the end
        is_over = True
    text = trim(output.for_model, talk.model.profile.context_window, talk.spill)
    return ToolResult(call.id, text, output.for_user, output.is_error, call.name, output.images, output.sources)


def failed(call: ToolCall | BadToolCall, text: str) -> ToolResult:
    """The result of a call that did not do what it should."""
    return ToolResult(call.id, text, is_error=True, name=call.name)
