"""Words in pictures, read by Tesseract in this process, if the extra `ocr` is installed."""

import os
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import resource

INSTALL = "pip install 'ally-assistant[ocr]'"
DPI = 200
"""At which pages are drawn to be read: 300 takes a quarter longer, and read a manual no better."""
_FOLDERS = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
_SUFFIX = ".traineddata"
_NO_LANGUAGES = frozenset(["osd", "equ"])
_MOST_LANGUAGES = 3
"""Each further one takes as long again."""
_LEAST_CONFIDENCE = 40
"""Of 100; below are photographs and ornaments."""
_SHARE_OF_TIME = 0.7
_MOST_S = 60.0


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A grey picture, a byte for each point, its rows `stride` bytes apart."""

    data: bytes
    width: int
    height: int
    stride: int


class Recogniser:
    """Reads pictures, as long as the process still has time for the rest of its work."""

    def __init__(self, engine: Any) -> None:  # Any: tesserocr's classes are native
        self._engine = engine
        self._until = _deadline()

    def has_time(self) -> bool:
        """Whether another page may be begun."""
        return time.process_time() < self._until

    def read(self, picture: Bitmap, dpi: int = DPI) -> str:
        """The words in a picture, line by line; "" if there hardly are any."""
        self._engine.SetImageBytes(picture.data, picture.width, picture.height, 1, picture.stride)
        self._engine.SetSourceResolution(dpi)
        text: str = self._engine.GetUTF8Text()
        return text if self._engine.MeanTextConf() >= _LEAST_CONFIDENCE else ""

    def close(self) -> None:
        """Free its memory."""
        self._engine.End()


def open_recogniser() -> Recogniser | None:
    """A recogniser for the languages that are installed; None without the extra, or without any language."""
    folder = _best_folder()
    if folder is None or find_spec("tesserocr") is None:
        return None
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # before it is loaded: the process may have no threads
    tesserocr: Any = import_module("tesserocr")  # Any: as above
    languages = "+".join(_languages(folder)[:_MOST_LANGUAGES])
    return Recogniser(tesserocr.PyTessBaseAPI(path=str(folder), lang=languages))


def data_folders() -> list[str]:
    """Where what Tesseract knows of languages lies: what comes with Python packages, and what systems install."""
    # Not by `sys.prefix`: a process that was started without `site` does not know its environment.
    packages = [Path(entry) for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    roots = [root for entry in packages for root in list(entry.parents)[1:3]]
    candidates = [
        os.environ.get("TESSDATA_PREFIX", ""),
        *(str(root / "share" / "tessdata") for root in roots),
        *_FOLDERS,
    ]
    return list(dict.fromkeys(folder for folder in candidates if folder and Path(folder).is_dir()))


def _best_folder() -> Path | None:
    """The one that knows the most languages; Tesseract looks in one only."""
    folders = [Path(folder) for folder in data_folders()]
    return max((folder for folder in folders if _languages(folder)), key=lambda one: len(_languages(one)), default=None)


def _languages(folder: Path) -> list[str]:
    names = {file.name.removesuffix(_SUFFIX) for file in folder.glob(f"*{_SUFFIX}")} - _NO_LANGUAGES
    return sorted(names, key=lambda name: (name != "eng", name))


def _deadline() -> float:
    """Until when, in CPU time of the process, pages may be begun."""
    begun = time.process_time()
    left = _MOST_S
    if sys.platform != "win32":
        soft, _ = resource.getrlimit(resource.RLIMIT_CPU)
        left = _MOST_S if soft == resource.RLIM_INFINITY else soft - begun
    return begun + left * _SHARE_OF_TIME
