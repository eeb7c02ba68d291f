"""Kills `ally kb add` at any moment, and looks at what is left.

`python -m tests.e2e.kb_kills SOURCE FOLDER 50` does it 50 times over a copy of the documents of SOURCE, in FOLDER; the
suite does it a few times.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ally.rag.stores.base import Collection
from ally.rag.stores.embedded import EmbeddedShelf

NAME = "docs"


@dataclass(frozen=True, slots=True)
class Left:
    """What a collection holds: the hash of each file by its path, all texts, and those without a vector."""

    files: frozenset[tuple[str, str]]
    texts: frozenset[str]
    waiting: frozenset[str]

    @classmethod
    def of(cls, collection: Collection) -> "Left":
        waiting = frozenset(text for _, text in collection.waiting(1_000_000))
        files = frozenset((state.path, state.sha256) for state in collection.files().values() if not state.problem)
        return cls(files, frozenset(stored.passage.searched for stored in collection.each()), waiting)


@dataclass
class Killer:
    """Indexes `source` into the home of `env`, and kills it within the `longest` seconds that it is given.

    Where it ends before, a tenth of the files is edited, so that the next one has something to do.
    """

    source: Path
    env: Mapping[str, str]
    chance: random.Random
    longest: float = 6.0
    edits: int = 0

    @property
    def shelf(self) -> Path:
        return Path(self.env["ALLY_HOME"]) / "kb"

    def kill_one(self) -> None:
        """Start it, kill it, and check what it leaves."""
        started = time.monotonic()
        child = self._start()
        moment = self.chance.uniform(0.2, self.longest)
        while time.monotonic() < started + moment and child.poll() is None:
            time.sleep(0.005)
        before = self.left()
        child.kill()
        _, errors = child.communicate()
        if child.returncode != -signal.SIGKILL:
            assert child.returncode == 0, errors
            self._edit()
        until = time.monotonic() + 30
        while session := _session(child.pid):
            assert time.monotonic() < until, f"these outlive it: {session}"
            time.sleep(0.02)
        self._check(before)

    def finish(self) -> Left:
        """Let it index what is missing; nothing waits afterwards."""
        child = self._start()
        _, errors = child.communicate(timeout=1200)
        assert child.returncode == 0, errors
        left = self.left()
        assert left is not None
        assert not left.waiting
        return left

    def _start(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "ally", "kb", "add", str(self.source), NAME]
        return subprocess.Popen(
            command,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def left(self) -> Left | None:
        """What a reader sees while it runs or after it; None before there is a collection."""
        with closing(EmbeddedShelf(self.shelf)) as shelf:
            if NAME not in shelf.names():
                return None
            with closing(shelf.open(NAME)) as collection:
                return Left.of(collection)

    def _check(self, before: Left | None) -> None:
        """It opens, all that a reader saw is there, and the next command finds it."""
        after = self.left()
        if before is None:
            return
        assert after is not None
        replaced = {path for path, _ in after.files - before.files}
        assert {path for path, _ in before.files} <= {path for path, _ in after.files}
        assert {path for path, _ in before.files - after.files} <= replaced
        lost = (before.texts - before.waiting) & after.waiting
        assert not lost, f"{len(lost)} texts have lost their vectors"
        listed = subprocess.run(
            [sys.executable, "-m", "ally", "kb", "list", "--json"], env=dict(self.env), capture_output=True, check=True
        )
        [facts] = json.loads(listed.stdout)
        assert (facts["name"], facts["files"]) == (NAME, len(after.files))

    def _edit(self) -> None:
        """A tenth of the files changes, so that there is work again."""
        self.edits += 1
        files = sorted(path for path in self.source.rglob("*") if path.is_file())
        for path in self.chance.sample(files, k=max(1, len(files) // 10)):
            with path.open("a") as file:
                file.write(f"\n\nAddition number {self.edits} to {path.name}.\n")


def _session(sid: int) -> list[int]:
    """The processes that are left of a session."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if int(fields[3]) == sid and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def same(first: Path, second: Path) -> int:
    """How many texts two homes have; they must be the same texts, with nearly the same vectors."""
    texts: list[dict[str, list[float]]] = []
    for home in (first, second):
        with closing(EmbeddedShelf(home / "kb")) as shelf, closing(shelf.open(NAME)) as collection:
            all_texts = sorted({stored.passage.searched for stored in collection.each()})
            vectors = collection.known_vectors(collection.facts().fingerprint, all_texts)
            texts.append({all_texts[place]: vector.tolist() for place, vector in vectors.items()})
            assert len(vectors) == len(all_texts)
    assert texts[0].keys() == texts[1].keys()
    for text, vector in texts[0].items():
        cosine = sum(one * other for one, other in zip(vector, texts[1][text], strict=True))
        assert cosine > 0.99, f"{cosine}: {text}"
    return len(texts[0])


def main() -> None:
    """Kill as often as the command line says, then compare with a run that was left alone."""
    source, folder, count = Path(sys.argv[1]), Path(sys.argv[2]).absolute(), int(sys.argv[3])
    shutil.copytree(source, folder / "source")
    killer = Killer(folder / "source", {**os.environ, "ALLY_HOME": str(folder / "killed")}, random.Random())
    for number in range(count):
        killer.kill_one()
        left = killer.left()
        there = (len(left.files), len(left.texts), len(left.waiting)) if left else (0, 0, 0)
        print(f"{number + 1} killed; files, texts, waiting: {there}", flush=True)
    killer.finish()
    alone = Killer(folder / "source", {**os.environ, "ALLY_HOME": str(folder / "alone")}, random.Random())
    alone.finish()
    print(f"{same(folder / 'killed', folder / 'alone')} texts, as in a run that was left alone")


if __name__ == "__main__":
    main()
