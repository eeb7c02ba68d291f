import asyncio
import binascii
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from ally.errors import ToolError
from ally.messages import Image
from ally.tools.builtin.read import ReadTool
from tests.unit.tools.files import agree, call, make_bench


def png(width: int = 3, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", binascii.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + b"\xff\0\0" * width for _ in range(min(height, 10))))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


JPEG = (
    b"\xff\xd8\xff\xe0\x00\x04JF\xff\xfe\x00\x03x\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 2, 3) + b"\x01\x01\x11\0"
    b"\xff\xda\0\x02abc\xff\xd9"
)
GIF = b"GIF89a" + struct.pack("<HH", 3, 2) + b"\0\0\0,;"
WEBP = (
    b"RIFF"
    + struct.pack("<I", 22)
    + b"WEBPVP8L"
    + struct.pack("<I", 9)
    + b"\x2f"
    + struct.pack("<I", 2 | 1 << 14)
    + b"1234\0"
)
PICTURES = {"image/png": png(), "image/jpeg": JPEG, "image/gif": GIF, "image/webp": WEBP}


async def test_lines_have_numbers_and_the_rest_is_told(tmp_path: Path):
    (tmp_path / "x").write_text("one\n\n\tthree\r\nfour")
    tool = ReadTool(make_bench(tmp_path))
    whole = await call(tool, path="x")
    assert (whole.for_model, whole.for_user) == ("1\tone\n2\t\n3\t\tthree\n4\tfour", "read x")
    part = await call(tool, path="x", offset=2, limit=2)
    assert part.for_model == "2\t\n3\t\tthree\n[lines 2-3 of 4; go on with offset 4]"
    assert part.for_user == "read x, lines 2-3 of 4"
    assert (await call(tool, path="x", offset=4, limit=9)).for_model == "4\tfour"


@pytest.mark.parametrize(("content", "lines"), [("a\nb", 2), ("a\nb\n", 2), ("a", 1), ("\n", 1)])
async def test_start_behind_the_end_says_how_many_lines_there_are(tmp_path: Path, content: str, lines: int):
    (tmp_path / "x").write_text(content)
    for offset in (lines + 1, 1000):
        with pytest.raises(ToolError, match=f"has only {lines} lines"):
            await call(ReadTool(make_bench(tmp_path)), path="x", offset=offset)


async def test_empty_file(tmp_path: Path):
    (tmp_path / "x").touch()
    assert (await call(ReadTool(make_bench(tmp_path)), path="x")).for_model == "[the file is empty]"


async def test_long_file_comes_in_windows_that_meet(tmp_path: Path):
    (tmp_path / "x").write_text("".join(f"line {number} ü\n" for number in range(1, 5001)))
    tool, offset, lines = ReadTool(make_bench(tmp_path)), 1, []
    while True:
        text = (await call(tool, path="x", offset=offset)).for_model
        *shown, last = text.split("\n")
        assert len(text) < 52_000
        lines += shown if last.startswith("[") else [*shown, last]
        if not last.startswith("["):
            break
        assert last.startswith(f"[lines {offset}-")
        assert "of 5000; go on with" in last
        offset = int(last.removesuffix("]").rsplit(" ", 1)[1])
    assert lines == [f"{number}\tline {number} ü" for number in range(1, 5001)]


async def test_long_lines_are_cut_with_a_mark(tmp_path: Path):
    (tmp_path / "x").write_text("a" * 2000 + "\r\n" + "b" * 2500 + "\nc\n")
    first, second, third = (await call(ReadTool(make_bench(tmp_path)), path="x")).for_model.split("\n")
    assert first == "1\t" + "a" * 2000
    assert second == "2\t" + "b" * 2000 + "… [500 more characters]"
    assert third == "3\tc"


@pytest.mark.parametrize(
    ("data", "text", "name"),
    [
        ("Grüße\r\n".encode("utf-16"), "1\tGrüße", "UTF-16-LE with BOM"),
        ("Grüße\n".encode("utf-32-be"), "1\tGrüße", "UTF-32-BE"),
        ("Grüße\rzwei".encode("latin-1"), "1\tGrüße\n2\tzwei", "Windows-1252"),
        ("größere Grüße\n".encode() + b"\xff", "1\tgrößere Grüße\n2\t\ufffd", "UTF-8 with invalid bytes"),
    ],
)
async def test_every_encoding_is_read_and_named(tmp_path: Path, data: bytes, text: str, name: str):
    (tmp_path / "x").write_bytes(data)
    said = (await call(ReadTool(make_bench(tmp_path)), path="x")).for_model
    assert said == f"{text}\n[the file is in {name}; it stays so when edited]"
    said.encode()


@pytest.mark.parametrize(("kind", "data"), PICTURES.items())
async def test_picture_is_looked_at_by_a_model_that_sees(tmp_path: Path, kind: str, data: bytes):
    (tmp_path / "no-suffix").write_bytes(data)
    seen = await call(ReadTool(make_bench(tmp_path, images=True)), path="no-suffix")
    assert seen.images == (Image(data, kind),)
    assert seen.for_model == f"[no-suffix, {kind}, 3 x 2 pixels]"
    with pytest.raises(ToolError, match="cannot see pictures"):
        await call(ReadTool(make_bench(tmp_path)), path="no-suffix")


@pytest.mark.parametrize(
    "data", [*(data[:-2] for data in PICTURES.values()), png(0, 1), png().replace(b"IDAT", b"IDAX")]
)
async def test_broken_picture_is_never_sent(tmp_path: Path, data: bytes):
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(ToolError, match="cut or damaged"):
        await call(ReadTool(make_bench(tmp_path, images=True)), path="x.png")


async def test_picture_that_services_refuse_is_never_sent(tmp_path: Path):
    tool = ReadTool(make_bench(tmp_path, images=True))
    (tmp_path / "wide.png").write_bytes(png(8001, 1))
    (tmp_path / "big.png").write_bytes(png() + b"\0" * 4_000_000)
    for name, message in (("wide.png", "more than 8000 a side"), ("big.png", r"larger than 3\.7 MB")):
        with pytest.raises(ToolError, match=message):
            await call(tool, path=name)


async def test_what_is_no_text_is_refused_with_a_reason(tmp_path: Path):
    tool = ReadTool(make_bench(tmp_path))
    (tmp_path / "program").write_bytes(b"\x7fELF\0\0\0" + bytes(range(256)) * 20)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path, message, hint in (
        ("program", r"binary data \(5\.1 kB\)", "shell"),
        ("folder", "is a folder", "list"),
        ("pipe", "is a pipe", ""),
        ("/dev/zero", "is a device", ""),
        ("/dev/tty", "is a device|No such device", ""),
    ):
        with pytest.raises(ToolError, match=message) as caught:
            await asyncio.wait_for(call(tool, path=path), 5)
        assert hint in caught.value.hint


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
async def test_files_under_proc_are_read_or_refused_and_never_waited_for(tmp_path: Path):
    tool = ReadTool(make_bench(tmp_path))
    assert "Name:" in (await call(tool, path="/proc/self/status")).for_model
    for path in ("/proc/self/mem", "/proc/self/environ", "/proc/kmsg", "/proc/self/pagemap"):
        with pytest.raises(ToolError):
            await asyncio.wait_for(call(tool, path=path), 5)


async def test_missing_file_is_told_with_the_nearest_names(tmp_path: Path):
    tool = ReadTool(make_bench(tmp_path))
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "Parser.py").touch()
    for path, message, hint in (
        ("src/parser.py", "src/parser.py does not exist", "Parser.py"),
        ("scr/parser.py", "there is no scr in", "src"),
        ("zzz", "zzz does not exist", "list"),
        ("src/Parser.py/x", "Parser.py is a file, not a folder", ""),
    ):
        with pytest.raises(ToolError, match=message) as caught:
            await call(tool, path=path)
        assert hint in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_file_that_may_not_be_read(tmp_path: Path):
    (tmp_path / "x").write_text("x")
    (tmp_path / "x").chmod(0)
    with pytest.raises(ToolError, match="Permission denied"):
        await call(ReadTool(make_bench(tmp_path)), path="x")


BIG = """
import asyncio, sys
from pathlib import Path
from ally.tools.builtin.read import ReadTool
from tests.unit.tools.files import call, make_bench

async def main(folder):
    tool = ReadTool(make_bench(folder))
    print((await call(tool, path="big")).for_model.splitlines()[-1][-60:])
    print((await call(tool, path="wide")).for_model.splitlines()[-1][-60:])
    peak = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    print(int(peak[0].split()[1]) // 1024)  # ru_maxrss would count the memory of who started this process

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured another way there")
def test_file_of_a_gigabyte_is_not_loaded(tmp_path: Path):
    with (tmp_path / "big").open("wb") as file:
        file.write(b"a line of text\n" * 100_000)
        file.truncate(1_000_000_000)
    with (tmp_path / "wide").open("wb") as file:  # one line, without any end
        for _ in range(60):
            file.write(b"x" * 1_000_000)
    done = subprocess.run(
        [sys.executable, "-c", BIG, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    big, wide, peak_mb = done.stdout.splitlines()
    assert "[lines 1-2000 of a file of 1.0 GB; go on with offset 2001]" in big
    assert wide.endswith("… [59998000 more characters]")
    assert int(peak_mb) < 150


async def test_window_deep_in_a_large_file(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"".join(b"%09d\r\n" % number for number in range(1, 1_000_001)))
    tool = ReadTool(make_bench(tmp_path))
    shown = (await call(tool, path="x", offset=999_999, limit=1)).for_model
    assert shown == "999999\t000999999\n[lines 999999-999999 of a file of 11.0 MB; go on with offset 1000000]"
    assert (await call(tool, path="x", offset=1_000_000)).for_model == "1000000\t001000000"
    with pytest.raises(ToolError, match="has only 1000000 lines"):
        await call(tool, path="x", offset=1_000_001)


async def test_cancelled_read_stops(tmp_path: Path):
    with (tmp_path / "x").open("wb") as file:
        file.write(b"\n" * 70_000)
        file.truncate(30_000_000_000)
    tool = ReadTool(make_bench(tmp_path))
    task = asyncio.create_task(tool.run({"path": "x", "offset": 90_000}, agree(tool, {"path": "x"})))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


def test_schema_is_the_same_each_time(tmp_path: Path):
    one, other = ReadTool(make_bench(tmp_path)), ReadTool(make_bench(tmp_path, images=True))
    assert one.spec == other.spec
    assert one.spec.description
