import codecs
import os
from pathlib import Path

import pytest

from ally.errors import ToolError
from ally.tools.builtin.read import ReadTool
from ally.tools.builtin.write import WriteTool
from tests.unit.tools.files import call, make_bench


async def test_new_file_and_its_folders(tmp_path: Path):
    old = os.umask(0o022)
    try:
        done = await call(WriteTool(make_bench(tmp_path)), path="a/ü/new.py", content="x = 1\ny = 2")
    finally:
        os.umask(old)
    assert (tmp_path / "a/ü/new.py").read_bytes() == b"x = 1\ny = 2"
    assert (tmp_path / "a/ü/new.py").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "a/ü").stat().st_mode & 0o777 == 0o755
    assert done.for_model == "Wrote a/ü/new.py, a new file of 2 lines."


async def test_file_that_was_not_read_or_has_changed_is_not_overwritten(tmp_path: Path):
    bench = make_bench(tmp_path)
    read, write = ReadTool(bench), WriteTool(bench)
    (tmp_path / "x").write_text("mine\n")
    with pytest.raises(ToolError, match="exists and was not read"):
        await call(write, path="x", content="yours")
    await call(read, path="x")
    (tmp_path / "x").write_text("mine, changed\n")
    with pytest.raises(ToolError, match="changed by somebody"):
        await call(write, path="x", content="yours")
    assert (tmp_path / "x").read_text() == "mine, changed\n"
    await call(read, path="./x")
    assert (await call(write, path="x", content="yours\n")).for_model == "Wrote x: +1 -1 lines."
    await call(write, path="x", content="yours again\n")
    assert (tmp_path / "x").read_text() == "yours again\n"


async def test_what_was_read_through_a_link_may_be_written_by_its_own_name(tmp_path: Path):
    bench = make_bench(tmp_path)
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    await call(ReadTool(bench), path="link")
    await call(WriteTool(bench), path="real", content="new")
    await call(WriteTool(bench), path="link", content="newer")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "newer"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (codecs.BOM_UTF8 + b"a\r\n", codecs.BOM_UTF8 + "ä\r\nb\r\n".encode()),
        (codecs.BOM_UTF16_LE + "a\n".encode("utf-16-le"), codecs.BOM_UTF16_LE + "ä\nb\n".encode("utf-16-le")),
        ("é\r".encode("latin-1"), "ä\rb\r".encode("latin-1")),
        (b"a\r\nb\r\nc\n", "ä\r\nb\r\n".encode()),
        ("größte Größe\xff".encode() + b"\xff", "ä\nb\n".encode()),
        (b"", "ä\nb\n".encode()),
    ],
)
async def test_encoding_mark_and_line_ends_stay(tmp_path: Path, before: bytes, after: bytes):
    bench = make_bench(tmp_path)
    (tmp_path / "x").write_bytes(before)
    await call(ReadTool(bench), path="x")
    await call(WriteTool(bench), path="x", content="ä\nb\n")
    assert (tmp_path / "x").read_bytes() == after


async def test_what_the_encoding_cannot_hold_is_refused_and_the_file_stays(tmp_path: Path):
    bench = make_bench(tmp_path)
    (tmp_path / "x").write_bytes(b"caf\xe9")
    await call(ReadTool(bench), path="x")
    with pytest.raises(ToolError, match="Windows-1252 has no character '中'"):
        await call(WriteTool(bench), path="x", content="中")
    with pytest.raises(ToolError, match=r"U\+D800"):
        await call(WriteTool(bench), path="new/y", content="\ud800")
    assert (tmp_path / "x").read_bytes() == b"caf\xe9"


async def test_what_is_no_file_is_refused(tmp_path: Path):
    write = WriteTool(make_bench(tmp_path))
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        ("folder", "is a folder"),
        ("new/", "names a folder"),
        ("file/x", "file is a file, not a folder"),
        ("pipe", "is a pipe"),
        ("", "is no path"),
        ("a\0b", "is no path"),
        ("n" * 300, "File name too long"),
    ):
        with pytest.raises(ToolError, match=message):
            await call(write, path=path, content="x")


def test_preview_is_the_diff_and_changes_nothing(tmp_path: Path):
    bench = make_bench(tmp_path)
    tool = WriteTool(bench)
    assert (
        tool.preview({"path": "deep/new", "content": "a\nb\n"}) == "--- deep/new\n+++ deep/new\n@@ -0,0 +1,2 @@\n+a\n+b"
    )
    assert not (tmp_path / "deep").exists()
    (tmp_path / "x").write_text("a\n")
    with pytest.raises(ToolError, match="was not read"):
        tool.preview({"path": "x", "content": "b"})


async def test_preview_of_a_rewrite_is_bounded(tmp_path: Path):
    bench = make_bench(tmp_path)
    (tmp_path / "x").write_text("".join(f"old {number}\n" for number in range(30_000)))
    await call(ReadTool(bench), path="x")
    shown = WriteTool(bench).preview({"path": "x", "content": "new\n" * 30_000}).splitlines()
    assert len(shown) < 1_100
    assert "more lines" in shown[-1]


def test_action_names_the_path_as_written_and_absolute(tmp_path: Path):
    action = WriteTool(make_bench(tmp_path)).action({"path": "../x", "content": ""})
    assert (action.kind, action.subject, action.paths) == ("write", "../x", (tmp_path.resolve() / "../x",))


def test_device_is_no_file(tmp_path: Path):
    with pytest.raises(ToolError, match="is a device"):
        WriteTool(make_bench(tmp_path)).preview({"path": "/dev/full", "content": "x"})
