import os
import shutil
import stat
import threading
import time
from pathlib import Path

import pytest

from ally.checkpoints import Checkpoints, prune
from ally.checkpoints.merge import merge
from ally.errors import StorageError
from tests.unit.checkpoints.world import World, look


def size_of(store: Path) -> int:
    return sum(file.stat().st_size for file in store.rglob("*") if file.is_file())


def test_only_the_user_may_read_what_is_stored(world: World):
    world.write("secret", "x")
    world.shell(lambda: world.write("secret", "y"))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in world.store.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in world.store.glob("*")}
    assert (modes, folders) == ({0o600}, {0o700})


def test_nothing_is_written_before_the_first_capture(world: World):
    world.checkpoints.recover()
    assert not world.checkpoints.undo().is_found
    assert size_of(world.store) == 0


def test_a_damaged_content_is_never_restored(world: World):
    path = world.write("a.txt", "before" * 100)
    world.tool("a.txt", lambda: path.write_text("after"))
    for pack in world.store.rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        data[3] ^= 0xFF
        pack.write_bytes(data)
    outcome = world.checkpoints.undo()
    assert (path.read_text(), [kept for kept, _ in outcome.kept]) == ("after", [path])


def test_damaged_records_are_left_out_and_the_rest_works(world: World):
    path = world.write("a.txt", "0")
    world.shell(lambda: path.write_text("1"))
    world.checkpoints.begin("second")
    world.shell(lambda: path.write_text("2"))
    *_, last = sorted(world.store.glob("*/steps/*/*"))
    last.write_bytes(b"\x00torn")
    next(world.store.glob("*/index")).write_bytes(b"torn")
    (last.parent.parent.parent / "open" / "0-torn").write_bytes(b"torn")
    again = world.another("session-1")
    again.checkpoints.recover()
    again.shell(lambda: path.write_text("3"))
    again.checkpoints.undo()
    assert path.read_text() == "2"


def test_a_folder_with_too_many_files_is_told_once_and_file_tools_stay_covered(world: World):
    for number in range(30):
        world.write(f"{number}.txt", "x")
    checkpoints = Checkpoints(world.store, world.root, "small", max_entries=20)
    first, second = (checkpoints.capture("1", None) for _ in range(2))
    assert ("file tools" in first.notices[0], second.notices, checkpoints.record(first)) == (True, (), ())
    tool = World(world.root, world.store, checkpoints)
    tool.tool("1.txt", lambda: tool.write("1.txt", "y"))
    checkpoints.undo()
    assert (world.root / "1.txt").read_text() == "x"


def test_a_command_that_makes_very_many_files_leaves_the_others_restorable(world: World):
    world.write("a.txt", "before")
    world.write("node_modules/x", "1")
    checkpoints = Checkpoints(world.store, world.root, "small", max_entries=20)
    many = World(world.root, world.store, checkpoints)
    many.shell(lambda: [many.write(f"{number}.txt", "x") for number in range(30)] and many.write("a.txt", "after"))
    outcome = checkpoints.undo()
    assert ((world.root / "a.txt").read_text(), outcome.kept) == ("before", ())


def test_what_ally_itself_writes_in_the_root_is_neither_looked_into_nor_taken_back(tmp_path: Path):
    store, log = tmp_path / ".state" / "checkpoints", tmp_path / ".data" / "log.db"
    world = World(tmp_path, store, Checkpoints(store, tmp_path, "one", own=[tmp_path / ".data"]))
    world.checkpoints.begin("a message")
    world.write("a.txt", "before")
    world.write(".data/log.db", "said")
    changes = world.shell(lambda: (world.write("a.txt", "after"), world.write(".data/log.db", "said and done")))
    assert [change.path for change in changes] == [tmp_path / "a.txt"]
    outcome = world.checkpoints.undo()
    assert (outcome.restored, outcome.kept) == ((tmp_path / "a.txt",), ())
    assert ((tmp_path / "a.txt").read_text(), log.read_text()) == ("before", "said and done")
    world.checkpoints.redo()
    assert (tmp_path / "a.txt").read_text() == "after"


def test_a_file_too_large_to_store_is_said_and_left(world: World):
    path = world.root / "large"
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    big = world.write("big", b"0123456789" * 1_000_000)
    capture = world.checkpoints.capture("1", None)
    assert "1 files are not stored" in capture.notices[0]
    with path.open("r+b") as file:
        file.write(b"x")
    big.unlink()
    changes = world.checkpoints.record(capture)
    assert {change.path.name: bool(change.note) for change in changes} == {"large": True, "big": False}
    outcome = world.checkpoints.undo()
    assert [kept for kept, _ in outcome.kept] == [path]
    assert big.read_bytes() == b"0123456789" * 1_000_000


def test_a_second_change_of_equal_length_within_one_tick_is_seen(world: World):
    path = world.write("a.txt", "1")
    world.shell(lambda: path.write_text("2"))
    found = path.stat()
    path.write_text("3")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    world.checkpoints.begin("next")
    world.shell(path.unlink)
    world.checkpoints.undo()
    assert path.read_text() == "3"


def test_a_store_that_cannot_be_written_does_not_stand_in_the_way(world: World):
    world.store.write_text("a file where the folder should be")
    capture = world.checkpoints.capture("1", None)
    assert "cannot be undone" in capture.notices[0]
    assert world.checkpoints.record(capture) == ()


def test_a_capture_can_be_stopped(world: World):
    for number in range(3_000):
        (world.root / f"{number}").write_bytes(b"%d" % number * 300)
    failed: list[StorageError] = []

    def capture() -> None:
        try:
            world.checkpoints.capture("1", None)
        except StorageError as exc:
            failed.append(exc)

    thread = threading.Thread(target=capture)
    thread.start()
    while thread.is_alive():
        world.checkpoints.stop()
        time.sleep(0.001)
    assert failed
    world.shell((world.root / "1").unlink)
    world.checkpoints.undo()
    assert (world.root / "1").read_bytes() == b"1" * 300


def test_pruning_takes_the_oldest_steps_and_never_an_open_capture(world: World):
    path = world.write("a.bin", os.urandom(50_000))
    for number in range(10):
        world.checkpoints.begin(f"{number}")
        world.tool("a.bin", lambda: path.write_bytes(os.urandom(50_000)))
    last = path.read_bytes()
    world.checkpoints.begin("last")
    capture = world.checkpoints.capture("1", None)
    prune(world.store, 150_000, every_s=0)
    assert size_of(world.store) > 500_000
    path.unlink()
    world.checkpoints.record(capture)
    prune(world.store, 150_000, every_s=0)
    assert size_of(world.store) < 250_000
    assert (world.checkpoints.undo().label, path.read_bytes()) == ("last", last)
    world.checkpoints.begin("after")
    world.shell(lambda: path.write_bytes(b"2"))
    world.checkpoints.undo()
    assert path.read_bytes() == last


def test_pruning_runs_once_a_day(world: World):
    path = world.write("a.bin", "1")
    world.tool("a.bin", lambda: path.write_bytes(os.urandom(50_000)))
    prune(world.store)
    prune(world.store, 0)
    assert world.checkpoints.undo().is_found
    prune(world.store, 0, every_s=0)
    assert not world.checkpoints.redo().is_found


def test_the_root_itself_deleted_comes_back(world: World):
    world.write("folder/a.txt", "1")
    before = look(world.root)
    world.shell(lambda: shutil.rmtree(world.root))
    world.checkpoints.undo()
    assert look(world.root) == before


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        (b"a\nb\nc\n", b"A\nb\nc\n", b"a\nb\nC\n", b"A\nb\nC\n"),
        (b"a\r\nb\r\nc", b"a\r\nb\r\nC", b"A\r\nb\r\nc", b"A\r\nb\r\nC"),
        (b"a\nb\nc\n", b"a\nX\nc\n", b"a\nX\nc\n", b"a\nX\nc\n"),
        (b"a\nb\nc\n", b"a\nX\nc\n", b"a\nY\nc\n", None),
        (b"a\nb\nc\n", b"A\nb\nc\n", b"a\nB\nc\n", None),
        (b"a\nb\nc\n", b"new\na\nb\nc\n", b"a\nb\nc\nnew\n", b"new\na\nb\nc\nnew\n"),
        (b"", b"x\n", b"y\n", None),
        (b"a\0", b"a\0", b"b", None),
    ],
)
def test_merging(base: bytes, ours: bytes, theirs: bytes, merged: bytes | None):
    assert merge(base, ours, theirs) == merged
