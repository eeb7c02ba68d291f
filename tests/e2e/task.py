"""Work that touches files of many kinds, and every state that the project may be in on the way."""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.rig import Files
from tests.fakes import Reply

Call = tuple[str, dict]
Change = Callable[[Files], None]


@dataclass(frozen=True)
class Step:
    """The calls of one answer, and what they make of the files, one change after the other."""

    calls: tuple[Call, ...]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Task:
    """Files as they are before, the answers that change them, and every state from before to after."""

    before: Files
    answers: list[Reply]
    states: list[Files]


def write(project: Path, files: Files) -> None:
    """Make the files."""
    for name, data in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(data)


def make_task(marker: str, chance: random.Random) -> Task:
    """The task in an order of its own; its commands sleep as long as `marker` says."""
    before: Files = {
        "small.txt": _rows(20, "\n", "utf-8"),
        "crlf.txt": _rows(800, "\r\n", "utf-8"),
        "latin.txt": _rows(4_000, "\n", "latin-1"),
        "big.txt": _rows(40_000, "\n", "utf-8"),
        "old.txt": b"moved by a command\n",
        "gone.txt": b"deleted\n" * 100,
        "same.txt": b"never touched\n",
    }
    first, *rest = _steps(marker)
    chance.shuffle(rest)
    steps = [first, *rest]
    states = [dict(before)]
    for change in (change for step in steps for change in step.changes):
        state = dict(states[-1])
        change(state)
        states.append(state)
    answers = [Reply(text="Next.", tool_calls=step.calls, piece_chars=1 << 16) for step in steps]
    return Task(before, [*answers, Reply(text="All done.")], states)


def _steps(marker: str) -> list[Step]:
    made = "a line of a new file\n" * 5_000
    whole = "all of it is new\n" * 60
    return [
        Step((("read", {"path": "small.txt"}), ("read", {"path": "crlf.txt"}))),
        Step(*_edits("crlf.txt", "<00007>", "<sieben, größer>", "utf-8")),
        Step(*_edits("latin.txt", "<00009>", "<neun, größer>", "latin-1")),
        Step(*_edits("big.txt", "<00011>", "<eleven>", "utf-8")),
        Step(
            *_both(_edits("big.txt", "<39999>", "<the last>", "utf-8"), _edits("latin.txt", "<00002>", "", "latin-1"))
        ),
        Step((("write", {"path": "new/deep/made.txt", "content": made}),), (_put("new/deep/made.txt", made.encode()),)),
        Step((("write", {"path": "small.txt", "content": whole}),), (_put("small.txt", whole.encode()),)),
        Step((("delete", {"path": "gone.txt"}),), (lambda files: files.pop("gone.txt") and None,)),
        Step((("shell", {"command": _command(marker)}),), (_moved,)),
        Step((("shell", {"command": f"test -d new; sleep {marker}", "background": True}),)),
    ]


def _command(marker: str) -> str:
    """Moves a file and leaves children behind: a plain one, one that ignores SIGTERM, one of a session of its own."""
    children = [f"sleep {marker}", f"bash -c 'trap \"\" TERM; sleep {marker}; true'"]
    if shutil.which("bwrap"):  # without a process namespace, one that left its session survives a kill of Ally
        children.append(f"setsid sleep {marker}")
    return "mv old.txt moved.txt; " + " ".join(f"{child} &" for child in children) + " sleep 0.15"


def _moved(files: Files) -> None:
    files["moved.txt"] = files.pop("old.txt")


def _put(name: str, data: bytes) -> Change:
    def change(files: Files) -> None:
        files[name] = data

    return change


def _edits(name: str, old: str, new: str, encoding: str) -> tuple[tuple[Call, ...], tuple[Change, ...]]:
    def change(files: Files) -> None:
        files[name] = files[name].replace(old.encode(encoding), new.encode(encoding))

    return (("edit", {"path": name, "edits": [{"old": old, "new": new}]}),), (change,)


def _both(
    one: tuple[tuple[Call, ...], tuple[Change, ...]], other: tuple[tuple[Call, ...], tuple[Change, ...]]
) -> tuple[tuple[Call, ...], tuple[Change, ...]]:
    return one[0] + other[0], one[1] + other[1]


def _rows(count: int, end: str, encoding: str) -> bytes:
    return "".join(f"<{number:05d}> eine größere Zeile mit Text, die lang ist{end}" for number in range(count)).encode(
        encoding
    )
