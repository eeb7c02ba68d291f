import os
import stat
import threading
from pathlib import Path

import pytest

from ally.errors import StorageError
from ally.storage.atomic import leftovers, replace_in, write_atomic


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_file_and_its_folders_are_private(tmp_path: Path):
    path = tmp_path / "a" / "b" / "ü.json"
    write_atomic(path, b"one")
    assert path.read_bytes() == b"one"
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700


def test_mode_is_for_new_files_and_an_existing_file_keeps_its_own(tmp_path: Path):
    path = tmp_path / "x"
    write_atomic(path, b"1", mode=0o644)
    assert mode(path) == 0o644
    path.chmod(0o640)
    write_atomic(path, b"2", mode=0o600)
    assert mode(path) == 0o640
    assert path.read_bytes() == b"2"


def test_umask_does_not_change_the_mode(tmp_path: Path):
    old = os.umask(0o077)
    try:
        write_atomic(tmp_path / "x", b"", mode=0o644)
    finally:
        os.umask(old)
    assert mode(tmp_path / "x") == 0o644


def test_symlink_stays_and_its_target_is_written(tmp_path: Path):
    real = tmp_path / "dotfiles" / "config.json"
    real.parent.mkdir()
    real.write_text("old")
    link = tmp_path / "config.json"
    link.symlink_to(Path("dotfiles/config.json"))
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [link, real.parent] or len(list(tmp_path.iterdir())) == 2


def test_link_to_nothing_makes_its_target(tmp_path: Path):
    (tmp_path / "link").symlink_to("later")
    write_atomic(tmp_path / "link", b"x")
    assert (tmp_path / "later").read_bytes() == b"x"


def test_folder_in_its_place_is_refused_and_nothing_is_left_behind(tmp_path: Path):
    (tmp_path / "x").mkdir()
    with pytest.raises(StorageError, match="it is a folder") as caught:
        write_atomic(tmp_path / "x", b"1")
    assert caught.value.path == tmp_path / "x"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


def test_loop_of_links_is_refused(tmp_path: Path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(StorageError, match="cannot be written"):
        write_atomic(tmp_path / "a", b"1")


def test_file_where_a_folder_should_be_is_refused_with_a_hint(tmp_path: Path):
    (tmp_path / "x").write_text("")
    with pytest.raises(StorageError) as caught:
        write_atomic(tmp_path / "x" / "y", b"1")
    assert caught.value.hint


def test_very_long_name(tmp_path: Path):
    name = "n" * 255
    write_atomic(tmp_path / name, b"1")
    assert (tmp_path / name).read_bytes() == b"1"
    with pytest.raises(StorageError):
        write_atomic(tmp_path / ("n" * 256), b"1")


def test_failing_write_leaves_the_old_content_and_no_temporary_file(tmp_path: Path):
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(TypeError):
        write_atomic(path, "no bytes")  # type: ignore[arg-type]  # the failure happens in the middle of writing
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_reader_never_sees_half_a_file(tmp_path: Path):
    path = tmp_path / "x"
    contents = {b"a" * 200_000, b"b" * 100_000}
    write_atomic(path, min(contents))
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(15):
        for content in contents:
            write_atomic(path, content)
    done.set()
    reader.join()
    assert seen <= contents


def test_writers_at_the_same_time_leave_one_whole_file(tmp_path: Path):
    path = tmp_path / "x"
    contents = [bytes([65 + number]) * 50_000 for number in range(8)]
    threads = [threading.Thread(target=write_atomic, args=(path, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_an_open_folder_is_written_even_when_its_path_leads_elsewhere_by_now(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    try:
        folder.rename(tmp_path / "moved")
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to("elsewhere")
        replace_in(handle, "x", b"1")
    finally:
        os.close(handle)
    assert (tmp_path / "moved" / "x").read_bytes() == b"1"
    assert not list((tmp_path / "elsewhere").iterdir())


def test_link_in_an_open_folder_is_refused(tmp_path: Path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="not a regular file"):
            replace_in(handle, "link", b"new")
    finally:
        os.close(handle)
    assert (tmp_path / "real").read_text() == "old"


def test_new_file_in_an_open_folder_has_the_permissions_of_the_umask(tmp_path: Path):
    handle, old = os.open(tmp_path, os.O_RDONLY), os.umask(0o027)
    try:
        replace_in(handle, "x", b"1")
    finally:
        os.umask(old)
        os.close(handle)
    assert mode(tmp_path / "x") == 0o640


def test_what_a_killed_writer_leaves_behind_is_known_by_name():
    ours = [".x.0123456789ab.tmp", "." + "n" * 40 + ".0123456789ab.tmp"]
    assert leftovers([*ours, ".y.0123456789ab.tmp", "x", ".x.tmp"], "x") == ours[:1]
    assert leftovers(ours, "n" * 200) == ours[1:]


def test_name_of_the_longest_kind_in_four_byte_characters(tmp_path: Path):
    path = tmp_path / ("😀" * 63)
    write_atomic(path, b"1")
    assert path.read_bytes() == b"1"
