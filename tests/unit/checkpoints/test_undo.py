import os
import shutil
import socket
import stat
from pathlib import Path

import pytest

from ally.storage.marks import MARK_S
from tests.unit.checkpoints.world import World, look


def test_a_shell_command_is_undone_byte_for_byte_with_untracked_ignored_and_deleted_files(world: World):
    world.write(".gitignore", "*.log\nbig/\n")
    world.write("debug.log", b"\x00\xff\r\n")
    world.write("big/kept.txt", "small ignored folders are covered")
    world.write("run.sh", "#!/bin/sh\n", 0o755)
    (world.root / "empty").mkdir(mode=0o750)
    (world.root / "link").symlink_to("run.sh")
    (world.root / "dangling").symlink_to("/nowhere/at/all")
    before = look(world.root)

    def command() -> None:
        (world.root / "debug.log").unlink()
        shutil.rmtree(world.root / "big")
        (world.root / "run.sh").chmod(0o644)
        (world.root / "empty").rmdir()
        (world.root / "link").unlink()
        (world.root / "link").write_text("no link any more")
        (world.root / "dangling").unlink()
        world.write("new/deep/file.txt", "new")

    changes = world.shell(command)
    assert {(change.path.name, change.kind) for change in changes} >= {
        ("debug.log", "deleted"),
        ("file.txt", "created"),
    }
    after = look(world.root)
    outcome = world.checkpoints.undo()
    assert (look(world.root), outcome.kept, outcome.label) == (before, (), "a message")
    assert world.checkpoints.redo().is_found
    assert look(world.root) == after
    assert world.checkpoints.undo().is_found
    assert look(world.root) == before


def test_names_that_are_no_text_come_back(world: World):
    for name in (b"\xff\xfe", b"two\nlines", "e\u0301".encode(), "\u00e9".encode(), b"\x1b[31m"):
        (world.root / os.fsdecode(name)).write_bytes(name)
    before = look(world.root)
    world.shell(lambda: [one.unlink() for one in world.root.iterdir()])
    world.checkpoints.undo()
    assert look(world.root) == before


def test_a_folder_replaced_by_a_file_and_a_file_by_a_folder(world: World):
    world.write("folder/inside", "1")
    world.write("file", "2")
    before = look(world.root)

    def command() -> None:
        shutil.rmtree(world.root / "folder")
        world.write("folder", "now a file")
        (world.root / "file").unlink()
        world.write("file/inside", "now a folder")

    world.shell(command)
    after = look(world.root)
    assert world.checkpoints.undo().kept == ()
    assert look(world.root) == before
    assert world.checkpoints.redo().kept == ()
    assert look(world.root) == after


def test_lines_the_user_edited_since_are_kept_beside_what_is_restored(world: World):
    path = world.write("a.txt", "one\ntwo\nthree\nfour\nfive\n")
    world.tool("a.txt", lambda: path.write_text("ONE\ntwo\nthree\nfour\nfive\n"))
    path.write_text("ONE\ntwo\nthree\nfour\nFIVE\n")
    outcome = world.checkpoints.undo()
    assert (outcome.merged, path.read_text()) == ((path,), "one\ntwo\nthree\nfour\nFIVE\n")
    world.checkpoints.redo()
    assert path.read_text() == "ONE\ntwo\nthree\nfour\nFIVE\n"


@pytest.mark.parametrize(
    ("agent", "user"), [(b"ONE\ntwo\n", b"mine\ntwo\n"), (b"\x00\x01", b"\x00\x02")], ids=["conflict", "binary"]
)
def test_what_cannot_be_merged_is_left_with_a_reason(world: World, agent: bytes, user: bytes):
    path = world.write("a.txt", "one\ntwo\n")
    world.tool("a.txt", lambda: path.write_bytes(agent))
    path.write_bytes(user)
    outcome = world.checkpoints.undo()
    assert path.read_bytes() == user
    assert [kept for kept, _ in outcome.kept] == [path]
    assert "since" in outcome.kept[0][1]


def test_an_edit_of_the_user_between_two_calls_of_one_step_survives(world: World):
    path = world.write("a.txt", "one\ntwo\nthree\nfour\nfive\n")
    world.tool("a.txt", lambda: path.write_text("ONE\ntwo\nthree\nfour\nfive\n"))
    path.write_text("ONE\ntwo\nmine\nfour\nfive\n")
    world.tool("a.txt", lambda: path.write_text("ONE\ntwo\nmine\nfour\nFIVE\n"))
    world.checkpoints.undo()
    assert path.read_text() == "one\ntwo\nmine\nfour\nfive\n"


def test_files_the_user_made_edited_or_deleted_are_left_alone(world: World):
    world.write("old", "old")
    world.write("gone", "gone")

    def command() -> None:
        world.write("new/agent", "agent")
        world.write("new/edited", "agent")
        world.write("gone", "changed")
        world.write("old", "changed")

    world.shell(command)
    world.write("new/mine", "mine")
    world.write("new/edited", "mine now")
    (world.root / "gone").unlink()
    outcome = world.checkpoints.undo()
    assert {name for name, _ in look(world.root).items()} == {b"old", b"new", b"new/mine", b"new/edited"}
    assert (world.root / "old").read_text() == "old"
    assert {path.name for path, _ in outcome.kept} == {"gone", "edited", "new"}


def test_heavy_folders_are_told_of_and_not_touched(world: World):
    world.write("node_modules/pkg/index.js", "1")
    world.write(".git/HEAD", "ref: x")
    world.write("env/pyvenv.cfg", "home = x")
    world.write("src/a.py", "1")

    def command() -> None:
        shutil.rmtree(world.root / "node_modules")
        world.write(".git/HEAD", "ref: y")
        world.write("env/lib/x.py", "new")
        world.write("src/a.py", "2")
        world.write("src/__pycache__/a.pyc", "x")

    changes = world.shell(command)
    notes = {change.path.name: (change.kind, bool(change.note)) for change in changes}
    assert notes == {
        "node_modules": ("deleted", True),
        ".git": ("changed", True),
        "env": ("changed", True),
        "a.py": ("changed", False),
    }
    outcome = world.checkpoints.undo()
    assert {path.name for path, _ in outcome.kept} == {"node_modules", ".git", "env"}
    assert (world.root / "src/a.py").read_text() == "1"
    assert (world.root / ".git/HEAD").read_text() == "ref: y"


def test_a_folder_that_was_covered_stays_covered_when_it_is_dressed_up_as_a_cache(world: World):
    world.write("src/a.py", "1")
    world.shell(lambda: world.write("src/CACHEDIR.TAG", "x"))
    world.checkpoints.begin("second")
    world.shell(lambda: shutil.rmtree(world.root / "src"))
    world.checkpoints.undo()
    assert (world.root / "src/a.py").read_text() == "1"


def test_a_path_whose_folder_became_a_link_is_refused(world: World, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("changed")
    path = world.write("folder/a.txt", "before")
    world.tool("folder/a.txt", lambda: path.write_text("changed"))
    shutil.rmtree(world.root / "folder")
    (world.root / "folder").symlink_to(outside)
    outcome = world.checkpoints.undo()
    assert (outside / "a.txt").read_text() == "changed"
    assert "link" in outcome.kept[0][1]


def test_paths_outside_the_root_and_through_links_are_covered_for_file_tools(world: World, tmp_path: Path):
    outside = tmp_path / "else" / "deep" / "a.txt"
    real = world.write("real.txt", "real")
    (world.root / "link.txt").symlink_to("real.txt")
    world.tool(outside, lambda: (outside.parent.mkdir(parents=True), outside.write_text("new")))
    world.tool("link.txt", lambda: real.write_text("through the link"))
    world.checkpoints.undo()
    assert not (tmp_path / "else").exists()
    assert (real.read_text(), (world.root / "link.txt").is_symlink()) == ("real", True)


def test_a_deleted_folder_comes_back_from_the_delete_tool(world: World):
    world.write("folder/sub/a.txt", "1", 0o600)
    (world.root / "folder/empty").mkdir()
    before = look(world.root)
    world.tool("folder", lambda: shutil.rmtree(world.root / "folder"))
    world.checkpoints.undo()
    assert look(world.root) == before


def test_special_and_unreadable_files_do_not_stop_it(world: World):
    os.mkfifo(world.root / "fifo", 0o600)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(world.root / "socket"))
        world.write("secret", "x", 0o000)
        world.write("a.txt", "1")
        world.shell(lambda: (world.write("a.txt", "2"), (world.root / "fifo").unlink()))
        world.checkpoints.undo()
    assert (world.root / "a.txt").read_text() == "1"
    assert stat.S_ISFIFO((world.root / "fifo").stat().st_mode)


def test_a_folder_that_was_closed_is_opened_again_and_its_files_restored(world: World):
    path = world.write("folder/a.txt", "1")
    before = look(world.root)
    world.tool("folder/a.txt", lambda: path.write_text("2"))
    world.shell(lambda: path.parent.chmod(0o000))
    assert world.checkpoints.undo().kept == ()
    assert look(world.root) == before


def test_files_in_a_folder_that_could_not_be_read_before_are_not_taken_for_new(world: World):
    path = world.write("folder/mine.txt", "mine")
    path.parent.chmod(0o000)
    world.shell(lambda: path.parent.chmod(0o755))
    world.checkpoints.undo()
    path.parent.chmod(0o755)
    assert path.read_text() == "mine"


def test_steps_go_back_and_forth_and_a_new_change_drops_the_way_forward(world: World):
    path = world.write("a.txt", "0")
    for number in "123":
        world.checkpoints.begin(number)
        world.tool("a.txt", lambda number=number: path.write_text(number))
    assert [world.checkpoints.undo().label, world.checkpoints.undo().label, path.read_text()] == ["3", "2", "1"]
    assert [world.checkpoints.redo().label, path.read_text()] == ["2", "2"]
    world.checkpoints.begin("4")
    world.tool("a.txt", lambda: path.write_text("4"))
    assert not world.checkpoints.redo().is_found
    assert [world.checkpoints.undo().label, world.checkpoints.undo().label, world.checkpoints.undo().label] == [*"421"]
    assert (path.read_text(), world.checkpoints.undo().is_found) == ("0", False)


def test_steps_without_changes_vanish_and_a_change_taken_back_is_none(world: World):
    path = world.write("a.txt", "0")
    world.shell(lambda: None)
    world.tool("a.txt", lambda: path.write_text("1"))
    world.tool("a.txt", lambda: path.write_text("0"))
    assert not world.checkpoints.undo().is_found


def test_a_resumed_session_can_still_go_back(world: World):
    path = world.write("a.txt", "0")
    world.tool("a.txt", lambda: path.write_text("1"))
    assert not world.another("session-2").checkpoints.undo().is_found
    assert world.another("session-1").checkpoints.undo().is_found
    assert path.read_text() == "0"


def test_a_diff_shows_lines_modes_and_binary_files(world: World):
    path = world.write("a.txt", "one\ntwo")
    binary = world.write("b.bin", b"\0")
    world.shell(lambda: (path.write_text("one\nTWO\n"), path.chmod(0o755), binary.write_bytes(b"\0\1")))
    text = world.checkpoints.diff()
    assert "-two\n\\ No newline at end of file\n+TWO\n" in text
    assert "mode 644 → 755" in text
    assert "binary, 1 → 2 bytes" in text


def test_what_the_sandbox_needs_in_the_folder_for_a_while_is_no_change(world: World):
    def command() -> None:
        (world.root / ".git").mkdir()
        os.utime(world.root / ".git", (MARK_S, MARK_S))
        (world.root / "new.txt").write_text("new")

    assert [change.path.name for change in world.shell(command)] == ["new.txt"]
    assert world.checkpoints.undo().kept == ()
    assert (world.root / ".git").is_dir()
