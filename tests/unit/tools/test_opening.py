import fcntl
import itertools
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ally.errors import ToolArguments, ToolError
from ally.permissions.action import Grant
from ally.tools.base import Run
from ally.tools.builtin.delete import DeleteTool
from ally.tools.builtin.edit import EditTool
from ally.tools.builtin.read import ReadTool
from ally.tools.builtin.write import WriteTool
from ally.tools.opening import exclusive, granted, hold
from tests.unit.tools.files import make_bench

SECRET = "the secret"


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A working folder with `dir/x.txt`, and a folder outside with a secret file of that name."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "dir").mkdir(parents=True)
    outside.mkdir()
    (root / "dir" / "x.txt").write_text("safe")
    (outside / "x.txt").write_text(SECRET)
    return root, outside


@contextmanager
def swapping(root: Path, outside: Path) -> Iterator[None]:
    """Somebody who makes `dir` a link to the outside and back, as fast as possible."""
    over = threading.Event()
    (root / "link").symlink_to(outside)

    made = itertools.count()

    def move(source: str, target: str) -> None:
        try:
            (root / source).rename(root / target)
        except OSError:  # the tool made the folder just when it was away
            (root / target).rename(root / f"made{next(made)}")
            move(source, target)

    def swap() -> None:
        while not over.is_set():
            move("dir", "real")
            move("link", "dir")
            move("dir", "link")
            move("real", "dir")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def test_folder_that_becomes_a_link_is_never_read_through(places: tuple[Path, Path]):
    root, outside = places
    tool, run = ReadTool(make_bench(root)), Run(Grant((root / "dir" / "x.txt",)))
    seen: set[str] = set()
    with swapping(root, outside):
        for _ in range(1000):
            try:
                seen.add((await tool.run({"path": "dir/x.txt"}, run)).for_model)
            except ToolError as error:
                seen.add(error.message)
    assert not any(SECRET in text for text in seen)
    assert "1\tsafe" in seen


async def test_folder_that_becomes_a_link_is_never_written_through(places: tuple[Path, Path]):
    root, outside = places
    bench = make_bench(root)
    tools = {"write": WriteTool(bench), "edit": EditTool(bench), "delete": DeleteTool(bench)}
    run = Run(Grant((root / "dir" / "x.txt", root / "dir" / "new.txt")))
    calls = [
        ("write", {"path": "dir/new.txt", "content": "evil"}),
        ("edit", {"path": "dir/x.txt", "edits": [{"old": "safe", "new": "unsafe"}]}),
        ("edit", {"path": "dir/x.txt", "edits": [{"old": "unsafe", "new": "safe"}]}),
        ("delete", {"path": "dir/new.txt"}),
    ]
    done = 0
    with swapping(root, outside):
        for number in range(1000):
            name, args = calls[number % len(calls)]
            try:
                await tools[name].run(args, run)
                done += 1
            except ToolError:
                pass
    assert {entry.name: entry.read_text() for entry in outside.iterdir()} == {"x.txt": SECRET}
    assert done


async def test_path_that_leads_elsewhere_after_the_answer_is_refused(places: tuple[Path, Path]):
    root, outside = places
    bench = make_bench(root)
    run = Run(Grant((root / "dir" / "x.txt",)))
    (root / "dir" / "x.txt").unlink()
    (root / "dir" / "x.txt").symlink_to(outside / "x.txt")
    for tool, args in (
        (ReadTool(bench), {"path": "dir/x.txt"}),
        (WriteTool(bench), {"path": "dir/x.txt", "content": "evil"}),
        (EditTool(bench), {"path": "dir/x.txt", "edits": [{"old": "the", "new": "no"}]}),
        (DeleteTool(bench), {"path": "dir/x.txt"}),
    ):
        with pytest.raises(ToolError, match="is not what was agreed to"):
            await tool.run(args, run)
    assert (outside / "x.txt").read_text() == SECRET


async def test_without_an_agreement_nothing_is_opened(places: tuple[Path, Path]):
    with pytest.raises(ToolError, match="is not what was agreed to"):
        await ReadTool(make_bench(places[0])).run({"path": "dir/x.txt"}, Run())


@pytest.mark.parametrize("name", ["../outside/x.txt", "dir/../../outside/x.txt", "%2e%2e/outside/x.txt"])
def test_a_path_is_compared_after_it_was_resolved(places: tuple[Path, Path], name: str):
    root, _ = places
    with pytest.raises(ToolError, match="is not what was agreed to"):
        granted("read", root / name, Grant((root, root / "dir" / "x.txt", root / "../outside/x.txt")))
    assert granted("read", root / "dir" / ".." / "dir" / "x.txt", Grant((root / "dir" / "x.txt",)))


def test_link_in_the_path_is_not_followed_even_if_the_caller_believes_it_resolved(places: tuple[Path, Path]):
    root, outside = places
    (root / "way").symlink_to(outside)
    with pytest.raises(ToolError, match="leads elsewhere"), hold("read", root / "way" / "x.txt"):
        pass
    with hold("read", root / "way") as spot, pytest.raises(ToolError, match="leads elsewhere"):
        spot.read(10)


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", "x" * 5000, "a/" * 3000])
def test_what_is_no_path_is_refused_before_anybody_is_asked(tmp_path: Path, path: str):
    bench = make_bench(tmp_path)
    for tool in (ReadTool(bench), WriteTool(bench), EditTool(bench), DeleteTool(bench)):
        with pytest.raises(ToolArguments, match="is no path"):
            tool.action({"path": path})


def test_circle_of_links_leads_nowhere(tmp_path: Path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ToolError, match=r"leads nowhere|not what was agreed"):
        granted("read", tmp_path / "a", Grant((tmp_path,)))


def test_what_is_no_file_is_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{folder}/socket")
        finally:
            os.close(folder)
    for path, kind in (
        (tmp_path / "pipe", "a pipe"),
        (tmp_path / "socket", "a socket"),
        (Path("/dev/zero"), "a device"),
        (tmp_path, "a folder"),
        (Path("/"), "a folder"),
    ):
        with hold("read", path) as spot, pytest.raises(ToolError, match=kind):
            spot.read(10)


def test_file_where_a_folder_should_be(tmp_path: Path):
    (tmp_path / "x").write_text("")
    with (
        pytest.raises(ToolError, match=r"x is a file, not a folder"),
        hold("write", tmp_path / "x" / "y"),
    ):
        pass


def test_lock_keeps_others_out_and_says_so(tmp_path: Path):
    with (
        hold("edit", tmp_path / "a") as first,
        hold("edit", tmp_path / "a") as second,
        exclusive(first),
        pytest.raises(ToolError, match="locked"),
        exclusive(second, wait_s=0.05),
    ):
        pass
    with hold("edit", tmp_path / "a") as spot, exclusive(spot):
        spot.replace(b"1")
    assert (tmp_path / "a").read_bytes() == b"1"


def test_a_command_that_holds_the_folder_does_not_stop_a_write(tmp_path: Path):
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)  # as the sandbox does while a command, or a job in the background, runs there
    with hold("write", tmp_path / "a") as spot, exclusive(spot, wait_s=0.05):
        spot.replace(b"1")
    os.close(handle)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_writing_tidies_up_after_one_that_was_killed(tmp_path: Path):
    (tmp_path / ".a.0123456789ab.tmp").write_text("half")
    (tmp_path / ".b.0123456789ab.tmp").write_text("half")
    with hold("edit", tmp_path / "a") as spot:
        spot.replace(b"1")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".b.0123456789ab.tmp", "a"]
