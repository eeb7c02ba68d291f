"""A SQLite file under everything that can be wrong with it."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ally.errors import StorageError
from ally.storage.sqlite import (
    DamagedDatabase,
    NewerDatabase,
    Schema,
    open_database,
    open_in_memory,
    set_aside,
)

COUNT = "SELECT count(*) FROM thing"
ROOT = Path(__file__).resolve().parents[3]

ONE = Schema(mark=7, migrations=(("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT)",),))
TWO = Schema(mark=7, migrations=(*ONE.migrations, ("ALTER TABLE thing ADD COLUMN size INTEGER DEFAULT 3",)))


def fill(file: Path, schema: Schema = ONE, rows: int = 1) -> None:
    database = open_database(file, schema)
    with database.write() as run:
        run.executemany("INSERT INTO thing (name) VALUES (?)", [("x" * 500,)] * rows)
    database.close()


def names(file: Path, schema: Schema = ONE) -> list[tuple[object, ...]]:
    database = open_database(file, schema)
    with database.read() as run:
        rows = run.execute("SELECT * FROM thing").fetchall()
    database.close()
    return rows


def test_a_new_file_and_its_folder_are_for_this_user_only(tmp_path: Path) -> None:
    file = tmp_path / "new" / "a.db"
    database = open_database(file, ONE)
    with database.write() as run:
        run.execute("INSERT INTO thing (name) VALUES ('a')")
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}
    database.close()


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    fill(file)
    file.chmod(0o644)
    fill(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_migrations_run_once_and_keep_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    fill(file)
    assert names(file, TWO) == [(1, "x" * 500, 3)]
    assert names(file, TWO) == [(1, "x" * 500, 3)]


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    fill(file)
    broken = Schema(7, (*ONE.migrations, ("CREATE TABLE other (id)", "NO SQL")))
    with pytest.raises(StorageError):
        open_database(file, broken)
    assert names(file) == [(1, "x" * 500)]


def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    fill(file, TWO)
    before = file.read_bytes()
    with pytest.raises(NewerDatabase, match="newer version"):
        open_database(file, ONE)
    assert file.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE theirs (id)")
    other.close()
    before = file.read_bytes()
    with pytest.raises(StorageError, match="another program"):
        open_database(file, ONE)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all" * 300, b"\0" * 8192, os.urandom(5000)])
def test_garbage_is_damaged_and_can_be_set_aside(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.db"
    file.write_bytes(content)
    with pytest.raises(DamagedDatabase):
        open_database(file, ONE)
    target = set_aside(file, ONE)
    assert target is not None
    assert target.read_bytes() == content
    assert target.name.startswith("a.db.broken-")
    assert names(file) == []


def test_a_folder_or_a_pipe_in_place_of_the_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(DamagedDatabase):
            open_database(tmp_path / name, ONE)
        assert set_aside(tmp_path / name, ONE) is not None
        assert names(tmp_path / name) == []


def test_a_sound_database_is_never_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    fill(file)
    assert set_aside(file, ONE) is None
    assert names(file) == [(1, "x" * 500)]


def test_a_damaged_page_is_noticed_and_the_log_moves_along(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    fill(file, rows=200)
    data = bytearray(file.read_bytes())
    data[4096 * 3 : 4096 * 5] = os.urandom(8192)
    file.write_bytes(data)
    (tmp_path / "a.db-wal").write_bytes(b"stale")
    with pytest.raises(DamagedDatabase):
        names(file)
    target = set_aside(file, ONE)
    assert target is not None
    assert not (tmp_path / "a.db-wal").exists()
    assert names(file) == []


def test_a_link_to_nowhere_is_refused_and_makes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(StorageError, match="link to nowhere"):
        open_database(file, ONE)
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_link_to_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    theirs = Path("/etc/passwd")
    if os.geteuid() == 0:
        theirs = tmp_path / "theirs"
        theirs.write_bytes(b"data of somebody")
        os.chown(theirs, 65534, 65534)
    before = theirs.read_bytes()
    file = tmp_path / "a.db"
    file.symlink_to(theirs)
    with pytest.raises(StorageError, match="another user"):
        open_database(file, ONE)
    assert theirs.read_bytes() == before


def test_a_link_of_ones_own_is_followed(tmp_path: Path) -> None:
    fill(tmp_path / "real.db")
    (tmp_path / "a.db").symlink_to(tmp_path / "real.db")
    assert names(tmp_path / "a.db") == [(1, "x" * 500)]


def test_a_block_that_raises_leaves_no_trace(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db", ONE)
    with pytest.raises(KeyboardInterrupt), database.write() as run:
        run.execute("INSERT INTO thing (name) VALUES ('a')")
        raise KeyboardInterrupt
    with database.write() as run:
        assert run.execute("SELECT count(*) FROM thing").fetchone() == (0,)
    database.close()


def test_errors_of_sqlite_are_storage_errors_with_the_file(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db", ONE)
    with pytest.raises(StorageError) as caught, database.write() as run:
        run.execute("NO SQL")
    assert caught.value.path == tmp_path / "a.db"
    database.close()


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        open_database(tmp_path / "file" / "a.db", ONE)


def test_a_full_disk_is_a_storage_error_that_says_so(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db", ONE)
    with database.read() as run:
        run.execute("PRAGMA max_page_count = 5")
    with pytest.raises(StorageError, match="full") as caught, database.write() as run:
        run.executemany("INSERT INTO thing (name) VALUES (?)", [("x" * 4000,)] * 20)
    assert caught.value.hint == "free some disk space"
    with database.write() as run:
        run.execute("INSERT INTO thing (name) VALUES ('small')")
    database.close()


def test_a_database_in_memory_has_the_schema() -> None:
    database = open_in_memory(TWO)
    with database.write() as run:
        run.execute("INSERT INTO thing (name) VALUES ('a')")
        assert run.execute("SELECT size FROM thing").fetchone() == (3,)
    database.close()


WORKER = """
import sys
from pathlib import Path
from ally.storage.sqlite import Schema, open_database

sys.stdin.readline()
one = ("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT)",)
two = ("ALTER TABLE thing ADD COLUMN size INTEGER DEFAULT 3",)
for _ in range(5):
    database = open_database(Path(sys.argv[1]), Schema(7, (one, two)))
    with database.write() as run:
        run.execute("INSERT INTO thing (name) VALUES ('a')")
    database.close()
"""


def test_eight_processes_migrate_one_file_at_once(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    fill(file)
    command = [sys.executable, "-c", WORKER, str(file)]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(8)]
    for worker in workers:
        worker.communicate("go\n", timeout=60)
    assert [worker.returncode for worker in workers] == [0] * 8
    assert len(names(file, TWO)) == 41


def test_opening_it_once_more_does_not_let_another_process_take_the_log_away(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    fill(file)
    writer = open_database(file, ONE)
    with writer.write() as run:
        run.execute("INSERT INTO thing (name) VALUES ('before')")
    open_database(file, ONE).close()
    command = [sys.executable, "-c", f"import sqlite3; print(*sqlite3.connect({str(file)!r}).execute({COUNT!r}))"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "(2,)\n"
    with writer.write() as run:
        run.execute("INSERT INTO thing (name) VALUES ('after')")
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "(3,)\n"
    writer.close()
    assert len(names(file)) == 3
