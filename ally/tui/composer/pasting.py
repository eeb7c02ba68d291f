"""What is pasted: made safe without holding up the screen, and pictures found in it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from ally.tui.composer.blocks import Blocks, plain

_PIECE = 200_000


@dataclass(frozen=True, slots=True)
class Taken:
    """The mark of a picture from the clipboard, or why there is none."""

    mark: str = ""
    problem: str = ""


async def tidied(text: str) -> str:
    """`plain` text, with pauses for the screen where it is large."""
    if len(text) <= _PIECE:
        return plain(text)
    text = text.replace("\r\n", "\n")
    pieces: list[str] = []
    for at in range(0, len(text), _PIECE):
        pieces.append(plain(text[at : at + _PIECE]))
        await asyncio.sleep(0)
    return "".join(pieces)


async def pictures_in(text: str, root: Path | None, blocks: Blocks, around: str) -> str:
    """Marks for the pictures whose paths a paste consists of, as dragging files gives them; "" for other text."""
    if len(text) > 8_000 or not any(mark in text for mark in "./\\"):
        return ""
    from ally.chat.pictures import dropped  # late: most pastes are text

    pictures = await asyncio.to_thread(dropped, text, root or Path.cwd())
    marks = [blocks.picture(picture.mention, picture.about, around) for picture in pictures]
    return "".join(f"{mark} " for mark in marks)


async def from_clipboard(blocks: Blocks, around: str) -> Taken:
    """A mark for the picture that is on the clipboard."""
    from ally.chat.clipboard import clipboard_picture  # late: only a key asks for it
    from ally.chat.pictures import look
    from ally.errors import AllyError

    try:
        picture = look(await asyncio.to_thread(clipboard_picture))
    except AllyError as error:
        return Taken(problem=" ".join(filter(None, (error.message, error.hint))))
    return Taken(f"{blocks.picture(picture.mention, picture.about, around)} ") if picture else Taken(problem="?")
