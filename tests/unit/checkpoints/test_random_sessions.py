"""Sessions of random changes by an agent, with a user who edits files of their own in between."""

import contextlib
import os
import random
import shutil
from pathlib import Path

import pytest

from ally.checkpoints import Checkpoints
from tests.unit.checkpoints.world import State, look

NAMES = ("a.txt", "b.py", "dir", "sub", os.fsdecode(b"\xff\xfebad"), "new\nline", "e\u0301", "l", ".env")
TARGETS = ("a.txt", "/etc/passwd", "nowhere", "..", "dir")


class Hand:
    """Changes something below a folder, again and again."""

    def __init__(self, seed: int, root: Path) -> None:
        self.random = random.Random(seed)
        self.root = root

    def path(self) -> Path:
        return self.root.joinpath(*self.random.choices(NAMES, k=self.random.randint(1, 3)))

    def change(self) -> None:
        path = self.path()
        with contextlib.suppress(OSError):
            match self.random.randrange(10):
                case 0 | 1 | 2 | 3:
                    self.write(path)
                case 4:
                    path.unlink()
                case 5:
                    self.clear(path)
                case 6:
                    path.rename(self.path())
                case 7:
                    if not path.is_symlink():
                        path.chmod(self.random.choice((0o700, 0o755, 0o711)))
                case 8:
                    path.symlink_to(self.random.choice(TARGETS))
                case _:
                    os.mkfifo(path) if self.random.random() < 0.2 else path.mkdir(parents=True)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            return
        path.write_bytes(b"".join(b"line %d\n" % self.random.randrange(9) for _ in range(self.random.randrange(20))))

    def clear(self, path: Path) -> None:
        if path.is_dir():
            shutil.rmtree(path)

    def use_file_tool(self, checkpoints: Checkpoints) -> None:
        path = self.path()
        capture = checkpoints.capture("tool", [path])
        with contextlib.suppress(OSError):
            if not any(one.is_symlink() for one in (path, *path.parents)):
                self.write(path) if self.random.random() < 0.6 else self.clear(path)
        checkpoints.record(capture)

    def edit_as_user(self) -> None:
        name = f"mine-{self.random.randrange(4)}"
        (self.root / name).write_text(f"{self.random.random()}")


def split(state: State) -> tuple[State, State]:
    """What belongs to the agent, and what to the user."""
    theirs = {name: node for name, node in state.items() if name.startswith(b"mine-")}
    return {name: node for name, node in state.items() if name not in theirs}, theirs


@pytest.mark.parametrize("seed", range(50))
def test_every_step_goes_back_and_forth_exactly_and_the_users_files_stay(seed: int, tmp_path: Path):
    root = tmp_path / "root"
    root.mkdir()
    hand = Hand(seed, root)
    for _ in range(25):
        hand.change()
    checkpoints = Checkpoints(tmp_path / "store", root, "session")
    states = [split(look(root))[0]]
    for step in range(3):
        checkpoints.begin(f"message {step}")
        for _ in range(hand.random.randint(1, 3)):
            hand.edit_as_user()
            if hand.random.random() < 0.5:
                hand.use_file_tool(checkpoints)
            else:
                capture = checkpoints.capture("shell", None)
                for _ in range(hand.random.randint(1, 6)):
                    hand.change()
                checkpoints.record(capture)
        if (state := split(look(root))[0]) != states[-1]:
            states.append(state)
    for state in states[-2::-1]:
        hand.edit_as_user()
        mine = split(look(root))[1]
        assert checkpoints.undo().kept == ()
        assert split(look(root)) == (state, mine)
    assert not checkpoints.undo().is_found
    for state in states[1:]:
        assert checkpoints.redo().kept == ()
        assert split(look(root))[0] == state
    assert not checkpoints.redo().is_found
