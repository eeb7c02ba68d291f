"""Kills processes at any moment while they write, and looks at what is left.

`python -m tests.contract.store_kills embedded FOLDER 200` does it 200 times; the suite does it a few times.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.contract.stores import STORES, Store, check, embed, put, state_of

ROOT = Path(__file__).resolve().parents[2]
POOL = [f"passage {number}" for number in range(40)]


@dataclass(frozen=True, slots=True)
class Step:
    """One change. All changes are the same in each process: a step is known by its number."""

    kind: str
    path: str
    target: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, number: int) -> "Step":
        chance = random.Random(number)
        kind = chance.choice(("put", "put", "put", "put", "remove", "move", "skip"))
        lines = (f"step {number}", *chance.choices(POOL, k=chance.randrange(12)))
        return cls(kind, f"/{chance.randrange(9)}", f"/{chance.randrange(9)}", lines)

    def apply(self, files: dict[str, tuple[str, ...]]) -> None:
        """What it makes of the files; a skipped one has no lines."""
        match self.kind:
            case "put":
                files[self.path] = self.lines
            case "skip":
                files[self.path] = ()
            case "move" if self.path in files:
                files[self.target] = files.pop(self.path)
            case "remove":
                files.pop(self.path, None)


def write(store: Store, place: str, first: int, output: int) -> None:
    """Make all steps from `first` on, and say of each when it is safe. Never ends."""
    collection = store.open(place).open("docs")
    known = set(collection.files())
    for number in range(first, sys.maxsize, 40):
        with collection.writing():
            for current in range(number, number + 40):
                step = Step.of(current)
                match step.kind:
                    case "put":
                        put(collection, step.path, *step.lines)
                    case "skip":
                        collection.skip(state_of(step.path, problem="no text"))
                    case "move" if step.path in known:
                        collection.move(step.path, state_of(step.target))
                    case _:
                        collection.remove([step.path] if step.kind == "remove" else [])
                if current % 5 == 0:
                    known = set(collection.files())
                    os.write(output, f"{current}\n".encode())
                else:
                    files: dict[str, tuple[str, ...]] = dict.fromkeys(known, ())
                    step.apply(files)
                    known = set(files)
                if current % 7 == 0:
                    embed(collection, at_once=4)
            collection.tidy()


def serve() -> None:
    """Start a writer for each line `STORE FIRST OUTPUT PLACE`; forked, because importing takes longer than writing."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        name, first, output, place = line.rstrip("\n").split(" ", 3)
        if pid := os.fork():
            print(pid, flush=True)
            continue
        write(STORES[name], place, int(first), os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))


@dataclass
class Killer:
    """Starts writers on one collection and kills them; `done` is the number of steps that must be there."""

    store: Store
    place: str
    folder: Path
    server: "subprocess.Popen[str]"
    chance: random.Random
    done: int = 0
    files: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def kill_one(self) -> None:
        """Let a writer write for a moment, kill it, and check what it leaves."""
        output = self.folder / f"output-{self.done}"
        output.touch()
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(f"{self.store.name} {self.done} {output} {self.place}\n")
        self.server.stdin.flush()
        pid = int(self.server.stdout.readline())
        until = time.monotonic() + 60
        wanted = self.chance.randrange(1, 12)
        while output.read_text().count("\n") < wanted:
            assert time.monotonic() < until, "it writes nothing"
            time.sleep(0.002)
        time.sleep(self.chance.random() / 50)
        os.kill(pid, signal.SIGKILL)
        while _is_alive(pid):
            time.sleep(0.001)
        self.check(int(output.read_text().splitlines()[-1]) + 1)

    def check(self, safe: int) -> None:
        """What is there is what some step left, and none before the last that was safe; everything fits together."""
        shelf = self.store.open(self.place)
        collection = shelf.open("docs")
        there: dict[str, tuple[str, ...]] = dict.fromkeys(collection.files(), ())
        for stored in collection.each():
            there[stored.path] = (*there[stored.path], stored.passage.text)
        while self.done < safe:
            self._step()
        while there != self.files:
            assert self.done < safe + 2000, f"no step leaves {there}"
            self._step()
        with collection.writing():
            check(collection)
            embed(collection)
            check(collection)
        collection.close()
        shelf.close()

    def _step(self) -> None:
        Step.of(self.done).apply(self.files)
        self.done += 1


@contextmanager
def killer(store: Store, place: str, folder: Path, seed: int = 1) -> Iterator[Killer]:
    """Make the collection, and a process that forks writers."""
    shelf = store.open(place)
    shelf.create("docs").close()
    shelf.close()
    command = [sys.executable, "-c", "from tests.contract.store_kills import serve; serve()"]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Killer(store, place, folder, server, random.Random(seed))
    finally:
        server.communicate(timeout=60)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    """Kill as often as the command line says."""
    name, folder, count = sys.argv[1:]
    store = STORES[name]
    with killer(store, store.place(Path(folder) / "knowledge"), Path(folder), seed=time.time_ns()) as one:
        for number in range(int(count)):
            one.kill_one()
            print(f"{number + 1} killed, {one.done} steps, all there", flush=True)


if __name__ == "__main__":
    main()
