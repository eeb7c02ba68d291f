import random
import subprocess
import sys
import time
from pathlib import Path

from ally.checkpoints import Checkpoints
from tests.unit.checkpoints.world import World, look

ROOT = Path(__file__).parents[3]


def start(store: Path, root: Path, session: str, *numbers: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "tests.unit.checkpoints.session", str(store), str(root), session]
    return subprocess.Popen([*words, *map(str, numbers)], cwd=ROOT, stdout=subprocess.PIPE)


def test_kills_leave_no_torn_file_and_nothing_that_cannot_be_undone(tmp_path: Path):
    root, store = tmp_path / "root", tmp_path / "store"
    (root / "one").mkdir(parents=True)
    for number in range(6):
        (root / "one" / f"{number}.txt").write_text(f"before {number}\n" * 500)
    before = look(root)
    chance = random.Random(7)
    for kill in range(16):
        with start(store, root, "one", kill) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.random() * 0.15)
            process.kill()
        checkpoints = Checkpoints(store, root, "one")
        checkpoints.recover()
        assert not list(store.glob("*/open/*[!p]"))
        while (outcome := checkpoints.undo()).is_found:
            assert outcome.kept == ()
        assert look(root) == before
    assert not list(root.rglob("*.tmp"))


def test_eight_processes_in_one_folder_undo_only_their_own(tmp_path: Path):
    root, store = tmp_path / "root", tmp_path / "store"
    root.mkdir()
    processes = [start(store, root, f"session-{number}", number, 6) for number in range(8)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    (root / "mine").write_text("mine")
    for number in range(8):
        checkpoints = Checkpoints(store, root, f"session-{number}")
        while checkpoints.undo().is_found:
            pass
    assert (root / "mine").read_text() == "mine"
    assert not list(store.glob("*/open/*"))


def test_a_call_of_another_session_is_not_taken_for_ones_own(world: World):
    path = world.write("theirs.txt", "1")
    other = world.another("session-2")

    def command() -> None:
        other.tool("theirs.txt", lambda: path.write_text("2"))
        world.write("mine.txt", "mine")

    changes = world.shell(command)
    assert [change.path.name for change in changes] == ["mine.txt"]
    world.checkpoints.undo()
    assert (path.read_text(), (world.root / "mine.txt").exists()) == ("2", False)


def test_a_call_that_was_never_recorded_becomes_a_step_with_a_warning(world: World):
    path = world.write("a.txt", "before")
    script = (
        "import os, sys; from pathlib import Path; from ally.checkpoints import Checkpoints\n"
        "store, root = map(Path, sys.argv[1:]); c = Checkpoints(store, root, 'session-1'); c.begin('killed')\n"
        "c.capture('1', None); (root / 'a.txt').write_text('after'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(world.store), str(world.root)], cwd=ROOT, check=False)
    world.checkpoints.recover()
    outcome = world.checkpoints.undo()
    assert (path.read_text(), outcome.label, len(outcome.notices)) == ("before", "killed", 1)


def test_what_a_tool_left_that_was_killed_while_it_wrote_is_removed_and_nothing_else(world: World):
    path = world.write("docs/a.txt", "before")
    script = (
        "import os, sys; from pathlib import Path; from ally.checkpoints import Checkpoints\n"
        "from ally.storage.atomic import replace_in\n"
        "store, root = map(Path, sys.argv[1:]); c = Checkpoints(store, root, 'session-1'); c.begin('killed')\n"
        "c.capture('1', [root / 'docs' / 'a.txt'])\n"
        "os.fsync = lambda handle: os.kill(os.getpid(), 9)\n"
        "replace_in(None, str(root / 'docs' / 'a.txt'), b'after')"
    )
    subprocess.run([sys.executable, "-c", script, str(world.store), str(world.root)], cwd=ROOT, check=False)
    mine = world.write("docs/.a.txt.mine.tmp", "mine")
    assert len(list(path.parent.iterdir())) == 3
    world.another("session-2").checkpoints.recover()
    assert sorted(path.parent.iterdir()) == [mine, path]
    assert path.read_text() == "before"


def test_half_written_snapshots_go_at_the_next_start_unless_somebody_is_writing(world: World):
    path = world.write("a.txt", "before")
    world.tool(path, lambda: path.write_text("after"))
    (packs,) = world.store.glob("*/packs")
    (packs / "1.pack.tmp").write_bytes(b"half")
    capture = world.another("session-2").checkpoints.capture("call", [path])
    world.checkpoints.recover()
    assert (packs / "1.pack.tmp").exists()
    world.another("session-2").checkpoints.record(capture)
    world.checkpoints.recover()
    assert not list(world.store.rglob("*.tmp"))
    world.checkpoints.undo()
    assert path.read_text() == "before"
