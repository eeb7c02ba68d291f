import os
from pathlib import Path

import pytest

from ally.errors import ToolError
from ally.permissions.action import Grant
from ally.tools.base import Run
from ally.tools.builtin.list import MAX_ENTRIES, ListTool
from tests.unit.tools.bench import call, make_bench


async def listing(root: Path, **args: object) -> list[str]:
    return (await call(ListTool(make_bench(root)), **args)).for_model.splitlines()


async def test_folders_sizes_links_and_hidden_files_by_name(tmp_path: Path):
    (tmp_path / "Sub").mkdir()
    (tmp_path / "b.txt").write_text("12345")
    (tmp_path / ".hidden").write_bytes(b"x" * 12_300)
    (tmp_path / "a").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    assert await listing(tmp_path) == [
        ".hidden  12.3k",
        "a -> /etc/passwd",
        "b.txt  5",
        "pipe  [special file]",
        "Sub/",
    ]


async def test_names_that_could_deceive_are_escaped(tmp_path: Path):
    for name in ("two\nlines", "\x1b[31mred", "gnp\u202etxt.exe", os.fsdecode(b"no\xffutf8"), "früh 日本"):
        (tmp_path / name).touch()
    shown = await listing(tmp_path)
    assert {line.rpartition("  ")[0] for line in shown} == {
        "two\\nlines",
        "\\x1b[31mred",
        "gnp\\u202etxt.exe",
        "no\\xffutf8",
        "früh 日本",
    }


async def test_a_long_listing_is_bounded_and_says_how_many_are_left(tmp_path: Path):
    for number in range(MAX_ENTRIES + 7):
        (tmp_path / f"f{number:04}").touch()
    lines = await listing(tmp_path)
    assert len(lines) == MAX_ENTRIES + 1
    assert lines[-1].startswith("[7 more")


async def test_an_empty_folder_says_so(tmp_path: Path):
    assert await listing(tmp_path) == ["[the folder is empty]"]


@pytest.mark.parametrize(("path", "said"), [("nothing", "does not exist"), ("file", "not a folder")])
async def test_what_is_no_folder_is_an_error_that_helps(tmp_path: Path, path: str, said: str):
    (tmp_path / "file").touch()
    with pytest.raises(ToolError, match=said) as caught:
        await listing(tmp_path, path=path)
    assert caught.value.hint


async def test_a_folder_that_became_a_link_since_it_was_allowed_is_refused(tmp_path: Path):
    tool = ListTool(make_bench(tmp_path))
    (tmp_path / "sub").mkdir()
    allowed = tmp_path / "sub"
    run = Run(Grant(paths=(allowed.resolve(),)))
    allowed.rmdir()
    allowed.symlink_to("/etc")
    with pytest.raises(ToolError, match="agreed"):
        await tool.run({"path": "sub"}, run)
