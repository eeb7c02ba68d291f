import asyncio
import os
from pathlib import Path

import pytest

from ally.errors import ToolArguments, ToolError
from ally.tools.builtin.find import MAX_RESULTS, FindTool
from tests.unit.tools.bench import call, make_bench, write


async def find(root: Path, pattern: str, **args: object) -> list[str]:
    return (await call(FindTool(make_bench(root)), pattern=pattern, **args)).for_model.splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, a_dot_py="", src__b_dot_py="", src__deep__c_dot_py="", src__d_dot_ts="", out__e_dot_py="")
    (tmp_path / ".gitignore").write_text("/out\n")
    return tmp_path


async def test_patterns_with_and_without_folders(tree: Path):
    assert await find(tree, "*.py") == ["a.py", "src/b.py", "src/deep/c.py"]
    assert await find(tree, "src/*.{py,ts}") == ["src/b.py", "src/d.ts"]
    assert await find(tree, "**/*.py", path="src") == ["src/b.py", "src/deep/c.py"]
    assert await find(tree, "d*/") == ["src/deep/"]


async def test_ignored_files_only_when_asked_for_and_said_when_nothing_is_found(tree: Path):
    assert "out/e.py" in await find(tree, "*.py", ignored=True)
    assert "ignored true" in (await find(tree, "e.py"))[0]


async def test_the_newest_come_first(tree: Path):
    for age, name in enumerate(["src/b.py", "a.py", "src/deep/c.py"]):
        os.utime(tree / name, (1_000_000 - age, 1_000_000 - age))
    assert await find(tree, "*.py", newest=True) == ["src/b.py", "a.py", "src/deep/c.py"]


async def test_many_results_are_bounded(tmp_path: Path):
    for number in range(MAX_RESULTS + 3):
        (tmp_path / f"{number:04}.x").touch()
    lines = await find(tmp_path, "*.x")
    assert len(lines) == MAX_RESULTS + 1
    assert lines[-1].startswith("[3 more")


async def test_links_are_named_and_lead_nowhere(tmp_path: Path):
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    write(outside, secret_dot_py="")
    root.mkdir()
    (root / "link.py").symlink_to(outside / "secret.py")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    assert await find(root, "**/*.py") == ["link.py"]


async def test_a_place_outside_is_shown_as_such(tmp_path: Path):
    root = tmp_path / "root"
    root.mkdir()
    write(tmp_path / "other", x_dot_py="")
    assert await find(root, "*.py", path="../other") == [f"{tmp_path}/other/x.py"]


async def test_what_cannot_be_searched_is_an_error(tree: Path):
    with pytest.raises(ToolArguments, match="pattern"):
        await find(tree, "")
    with pytest.raises(ToolError, match="does not exist"):
        await find(tree, "*", path="nowhere")


async def test_a_cancelled_search_stops_walking(tmp_path: Path):
    for folder in range(30):
        (tmp_path / f"{folder}").mkdir()
        for number in range(100):
            (tmp_path / f"{folder}" / f"{number}").touch()
    task = asyncio.create_task(find(tmp_path, "*"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
