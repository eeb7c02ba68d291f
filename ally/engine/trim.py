"""Tool results that would fill the model's window are cut in the middle and point to the whole."""

from pathlib import Path

from ally.engine.tokens import BYTES_PER_TOKEN
from ally.tools.output import Limits, Output

MAX_BYTES = 60_000
"""The longest result with a window that is large or unknown; tools keep to less by themselves."""

MAX_SHARE = 0.25
"""The most of the window that one result may take."""


def trim(text: str, window: int | None, spill: Path | None) -> str:
    """`text`, or its head and tail with the place of the whole in between.

    The whole is written to a file of its own in `spill`; without one, or where it cannot be written, the text says so.
    """
    limit = MAX_BYTES if window is None else min(MAX_BYTES, round(window * MAX_SHARE * BYTES_PER_TOKEN))
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= limit:
        return text
    output = Output(spill, "result", Limits(lines=limit, size_bytes=limit // 2))
    output.feed(data)
    output.close()
    return output.take()
