"""Pictures in files: which kind, how large, and whether they are whole.

A service refuses a request with a broken or huge picture, and every later one of that session with it, so only what is
surely a picture goes there.
"""

import zlib
from dataclasses import dataclass

MAX_BYTES = 3_700_000
"""Five million characters in base64, which every service takes."""
MAX_PIXELS = 8_000
"""The longest side that every service takes."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture file says of itself: sides in pixels."""

    width: int
    height: int


def media_type(head: bytes) -> str:
    """`image/png` and such by the first bytes of a file, "" if it is no picture of a kind that models take."""
    if head.startswith(_PNG):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return ""


def measure(data: bytes) -> Facts | None:
    """The size of a whole picture; None if it is cut or damaged."""
    try:
        match media_type(data):
            case "image/png":
                return _png(data)
            case "image/jpeg":
                return _jpeg(data)
            case "image/gif":
                whole = data.rstrip(b"\0").endswith(b";")
                return Facts(_little(data, 6, 2), _little(data, 8, 2)) if whole else None
            case "image/webp":
                return _webp(data)
            case _:
                return None
    except IndexError:
        return None


def _png(data: bytes) -> Facts | None:
    at, seen_data = len(_PNG), False
    while at + 12 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 8 + size
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4]):
            return None
        seen_data = seen_data or kind == b"IDAT"
        if kind == b"IEND":
            return Facts(int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) if seen_data else None
        at = end + 4
    return None


def _jpeg(data: bytes) -> Facts | None:
    if b"\xff\xd9" not in data[-1024:]:
        return None
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_SIZES:
            return Facts(int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7]))
        if marker == 0xFF or marker in _JPEG_BARE:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


def _webp(data: bytes) -> Facts | None:
    if _little(data, 4, 4) + 8 > len(data) or len(data) < 30:
        return None
    match data[12:16]:
        case b"VP8 ":
            return Facts(_little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF)
        case b"VP8L":
            bits = _little(data, 21, 4)
            return Facts((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X":
            return Facts(_little(data, 24, 3) + 1, _little(data, 27, 3) + 1)
        case _:
            return None


def _little(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
