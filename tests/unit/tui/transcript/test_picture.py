"""Pictures in the transcript."""

import io
import struct
import zlib

import pytest
from PIL import Image
from textual.app import App

from ally.messages import Image as Sent
from ally.messages import ToolCall, ToolResult
from ally.tui.look import Look
from ally.tui.transcript.card import ToolCard
from ally.tui.transcript.picture import MAX_COLUMNS, MAX_ROWS, Picture
from ally.tui.transcript.picture_pixels import read
from tests.unit.tui.transcript.hostile import check

LOOK = Look()


def png(width, height, color=(255, 0, 0), mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, (width, height), color).save(file, "PNG")
    return file.getvalue()


def bomb():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("width", [1, 5, 40, 200])
@pytest.mark.parametrize("size", [(300, 200), (1, 1), (3, 900), (2_000, 2)])
def test_a_picture_is_drawn_within_its_room_and_named(size, width):
    strips = Picture(png(*size), "a\x1b[2Jb.png").lines(width, LOOK)
    check(strips, min(width, MAX_COLUMNS) if width < MAX_COLUMNS else width)
    assert 2 <= len(strips) <= MAX_ROWS + 1
    assert "▀" in strips[0].text


def test_colours_are_those_of_the_picture():
    top, *_ = Picture(png(2, 2, (0, 128, 255))).lines(20, LOOK)
    assert next(iter(top)).style.color.triplet == (0, 128, 255)
    clear = read(png(1, 1, (9, 9, 9, 0), "RGBA"), 10, 10)
    assert clear.rows == (((255, 255, 255),),)


def test_without_colours_there_is_a_line_of_facts():
    (line,) = Picture(png(30, 20), "a.png").lines(80, Look(has_color=False))
    assert line.text.startswith("[a.png, PNG, 30 x 20 pixels, ")


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", png(30, 20)[:-20], png(30, 20).replace(b"IDAT", b"JDAT"), b"\xff\xd8\xff\xe0" * 9, bomb()],
)
def test_what_cannot_be_decoded_is_said_and_not_tried(data):
    (line,) = Picture(data).lines(80, LOOK)
    assert any(word in line.text for word in ("damaged", "unknown", "too large"))


async def test_a_card_draws_its_picture_when_a_thread_has_decoded_it():
    card = ToolCard(ToolCall("c1", "read", {"path": "a.png"}))
    card.finish(ToolResult("c1", "[a.png]", "looked at a.png", images=(Sent(png(30, 20), "image/png"),)))
    changes = []
    card.on_change = lambda: changes.append(card.version)
    card.toggle()
    async with App().run_test() as pilot:
        assert card.lines(80, LOOK)[-1].text.strip() == "[picture …]"
        while not changes:
            await pilot.pause(0.01)
    assert "▀" in card.lines(80, LOOK)[-2].text
