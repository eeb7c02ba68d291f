"""A session that works until it is killed; started as `python -m tests.unit.checkpoints.session STORE ROOT ID SEED`."""

import random
import sys
from pathlib import Path

from ally.checkpoints import Checkpoints


def work(store: Path, root: Path, session: str, seed: int, rounds: int) -> None:
    """Change files of this session's own folder by shell and file tools, undo, redo."""
    chance = random.Random(seed)
    checkpoints = Checkpoints(store, root, session)
    folder = root / session
    for number in range(rounds):
        checkpoints.begin(f"{number}")
        path = folder / f"{chance.randrange(6)}.txt"
        text = f"{number} of {session}\n" * chance.randrange(1, 2_000)
        capture = checkpoints.capture(f"{number}", None if chance.random() < 0.5 else [path])
        folder.mkdir(exist_ok=True)
        path.write_text(text) if chance.random() < 0.8 else path.unlink(missing_ok=True)
        checkpoints.record(capture)
        if chance.random() < 0.4:
            checkpoints.undo()
        if chance.random() < 0.2:
            checkpoints.redo()


if __name__ == "__main__":
    where, what, name, start, *times = sys.argv[1:]
    print("ready", flush=True)
    work(Path(where), Path(what), name, int(start), int(*times or ["1000000"]))
