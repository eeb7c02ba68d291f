"""The pixels of a picture file, small and safely."""

import io
from dataclasses import dataclass
from typing import Any

from ally.tools.pictures import measure, media_type

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
"""More are not decoded: a few bytes may claim a picture that takes all memory."""

_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}
Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Pixels:
    """What a picture is, in words, and its rows of red, green and blue (0 to 255); no rows if it cannot be drawn."""

    about: str
    rows: tuple[tuple[Color, ...], ...] = ()


def read(data: bytes, width: int, height: int) -> Pixels:
    """The picture within `width` by `height` pixels, its first frame; on white where it is transparent.

    Never fails: a broken or huge file, and one where Pillow is missing, has only words.
    """
    kind = _FORMATS.get(media_type(data[:16]))
    if kind is None:
        return Pixels("picture of an unknown kind")
    facts = measure(data) if len(data) <= MAX_BYTES else None
    about = f"{kind}, {facts.width} x {facts.height} pixels" if facts else kind
    if facts is None or not 0 < facts.width * facts.height <= MAX_PIXELS:
        return Pixels(f"{about}, damaged or too large to be shown")
    try:
        from PIL import Image  # heavy
    except ImportError:
        return Pixels(f"{about}, drawn where the extra `images` is installed")
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            if image.width * image.height > MAX_PIXELS:
                return Pixels(f"{about}, too large to be shown")
            return Pixels(about, _rows(image, width, height))
    except Exception:  # noqa: BLE001  # boundary: decoders fail in many ways on broken files
        return Pixels(f"{about}, damaged")


def _rows(image: Any, width: int, height: int) -> tuple[tuple[Color, ...], ...]:  # Any: Pillow is an extra
    image.draft("RGB", (width, height))
    image.thumbnail((width, height))
    whole = image.convert("RGBA")
    pixels = whole.tobytes()
    across = whole.width
    return tuple(
        tuple(_on_white(*pixels[at : at + 4]) for at in range(4 * across * y, 4 * across * (y + 1), 4))
        for y in range(whole.height)
    )


def _on_white(red: int, green: int, blue: int, alpha: int) -> Color:
    rest = 255 - alpha
    return ((red * alpha) // 255 + rest, (green * alpha) // 255 + rest, (blue * alpha) // 255 + rest)
