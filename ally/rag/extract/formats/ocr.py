"""Pictures: the words in them."""

import io
from importlib import import_module
from pathlib import Path
from typing import Any

from ally.errors import ExtractionError
from ally.rag.document import Extracted
from ally.rag.extract.packed import Composer
from ally.rag.extract.recognition import DPI, INSTALL, Bitmap, Recogniser, open_recogniser

_MOST_POINTS = 40_000_000
_TOO_LARGE = f"has more than {_MOST_POINTS:,} points"
_MOST_FRAMES = 200
_LONGEST_EDGE = 5_000


def extract(data: bytes, name: str) -> Extracted:
    """The words in a picture; in one of several pages, a part for each."""
    recogniser = open_recogniser()
    if recogniser is None:
        raise ExtractionError(Path(name), f"is a picture; to read the words in it: {INSTALL}")
    try:
        return _read(data, name, recogniser)
    finally:
        recogniser.close()


def _read(data: bytes, name: str, recogniser: Recogniser) -> Extracted:
    images: Any = import_module("PIL.Image")  # Any: its images have many types
    composer = Composer(name)
    try:
        image = images.open(io.BytesIO(data))
        frames = getattr(image, "n_frames", 1)
        for number in range(min(frames, _MOST_FRAMES)):
            if number and not recogniser.has_time():
                composer.note(f"only the first {number} of {frames} pages were read: there was no time for more")
                break
            image.seek(number)
            if image.width * image.height > _MOST_POINTS:
                raise ExtractionError(Path(name), _TOO_LARGE)
            if frames > 1:
                composer.begin_part(f"page {number + 1}")
            for line in recogniser.read(*_grey(image)).split("\n"):
                composer.add_line(line) if line.strip() else composer.set_apart()
    except images.DecompressionBombError as exc:
        raise ExtractionError(Path(name), _TOO_LARGE) from exc
    except (OSError, ValueError, SyntaxError) as exc:
        raise ExtractionError(Path(name), f"is damaged: {exc}") from exc
    return composer.document("picture")


def _grey(image: Any) -> tuple[Bitmap, int]:  # Any: as above
    """The picture in grey on white, and its resolution."""
    if "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        white = image.copy()
        white.paste((255, 255, 255, 255), (0, 0, *image.size))
        white.alpha_composite(image)
        image = white
    grey = image.convert("L")
    grey.thumbnail((_LONGEST_EDGE, _LONGEST_EDGE))
    dpi = image.info.get("dpi", (DPI, DPI))[0]
    return Bitmap(grey.tobytes(), grey.width, grey.height, grey.width), int(dpi) if 70 <= dpi <= 600 else DPI
