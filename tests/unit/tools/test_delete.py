import os
from pathlib import Path

import pytest

from ally.errors import ToolError
from ally.tools.builtin.delete import DeleteTool
from ally.tools.builtin.read import ReadTool
from tests.unit.tools.files import call, make_bench


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "full" / "deep").mkdir(parents=True)
    (root / "full" / "deep" / "x").write_text("x")
    (root / "empty").mkdir()
    (root / "file").write_text("x")
    return root


async def test_file_and_empty_folder(root: Path):
    bench = make_bench(root)
    await call(ReadTool(bench), path="file")
    assert (await call(DeleteTool(bench), path="file")).for_model == "Deleted the file file."
    assert not bench.workspace.seen
    assert (await call(DeleteTool(bench), path="empty/")).for_model == "Deleted the folder empty/."
    assert os.listdir(root) == ["full"]  # noqa: PTH208 - no async way is needed here


async def test_full_folder_needs_to_be_asked_for(root: Path):
    tool = DeleteTool(make_bench(root))
    with pytest.raises(ToolError, match="not empty"):
        await call(tool, path="full")
    assert (root / "full" / "deep" / "x").exists()
    assert tool.preview({"path": "full", "recursive": True}) == "full holds 2 files and folders"
    await call(tool, path="full", recursive=True)
    assert not (root / "full").exists()


async def test_link_is_deleted_and_not_what_it_leads_to(root: Path, tmp_path: Path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x").write_text("x")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "dead").symlink_to("nothing")
    (root / "full" / "way").symlink_to(tmp_path / "outside")
    tool = DeleteTool(make_bench(root))
    assert (await call(tool, path="link", recursive=True)).for_model == "Deleted the link link."
    await call(tool, path="dead")
    await call(tool, path="full", recursive=True)
    assert (tmp_path / "outside" / "x").exists()
    assert not (root / "dead").is_symlink()


@pytest.mark.parametrize("path", [".", "..", "/", "~", "full/..", "../root", "../.", "full/../../root/."])
async def test_working_folder_and_what_holds_it_are_never_deleted(root: Path, path: str):
    with pytest.raises(ToolError, match="never deleted"):
        await call(DeleteTool(make_bench(root)), path=path, recursive=True)
    assert (root / "file").exists()


async def test_working_folder_by_another_name_is_never_deleted(root: Path, tmp_path: Path):
    (tmp_path / "other").symlink_to(tmp_path)
    with pytest.raises(ToolError, match="never deleted"):
        await call(DeleteTool(make_bench(root)), path="../other/root", recursive=True)
    assert (root / "file").exists()


@pytest.mark.parametrize("path", [".git", ".git/config", ".GIT/config", "full/.git", "full/.git/", ".git."])
async def test_data_of_git_is_never_deleted(root: Path, path: str):
    for folder in (root / ".git", root / "full" / ".git"):
        folder.mkdir()
        (folder / "config").write_text("")
    with pytest.raises(ToolError, match="never deleted"):
        await call(DeleteTool(make_bench(root)), path=path, recursive=True)
    with pytest.raises(ToolError, match=r"holds a Git repository \(full\)"):
        await call(DeleteTool(make_bench(root)), path="full", recursive=True)
    assert (root / "full" / ".git" / "config").exists()


async def test_missing_file_is_told_with_its_neighbours(root: Path):
    with pytest.raises(ToolError, match="files does not exist") as caught:
        await call(DeleteTool(make_bench(root)), path="files")
    assert caught.value.hint == "Near it: file."
