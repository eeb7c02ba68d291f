"""`python -m tests.fuzz_screen 10000`: so many hostile texts through the real program on a pseudo-terminal.

They come as answers, thinking, arguments and output of tools, errors of the service, messages of the user and names of
files. What the program writes to the terminal is taken apart; exit code 1 if anything but text and painting is in it.
"""

import itertools
import json
import os
import random
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks.tui_programs import environment_of, list_own, settle
from benchmarks.tui_use_terminal import Use
from benchmarks.warm_agents import fill
from tests.fakes import Failure, FakeOpenAI, Reply
from tests.painted import hostile, stray

PER_MESSAGE = 50
_KEYS = ("\x0f", "\x1b[5~", "\x1b[6~", "\x14", "@", "\x7f", "\x1b[1;3A", "\x1b")
_UNSENDABLE = re.compile("[\ud800-\udfff]")


class Said:
    """The answers; `count` texts were given out so far."""

    def __init__(self, work: Path, texts: Iterator[str]) -> None:
        self.count = self.asked = 0
        self._work, self._texts = work, texts
        self._lock = threading.Lock()

    def take(self, count: int) -> list[str]:
        """The next texts."""
        with self._lock:
            taken = list(itertools.islice(self._texts, count))
            self.count += len(taken)
        return taken

    def __call__(self, request: object) -> Reply | Failure:
        self.asked += 1
        texts = self.take(PER_MESSAGE)
        joined = _UNSENDABLE.sub("?", "\n\n".join(texts))
        match self.asked % 6:
            case 0:
                return Failure("bad_request", joined[:2000])
            case 1:
                (self._work / "hostile.bin").write_bytes("\n".join(texts).encode("utf-8", "surrogatepass"))
                return Reply(
                    joined[:300], tool_calls=[("shell", {"command": "cat hostile.bin; head -c 300 /dev/urandom"})]
                )
            case 2:
                return Reply("", tool_calls=[("write", {"path": f"f{self.asked}.txt", "content": joined})])
            case 3:
                return Reply("x", tool_calls=[(texts[0][:20], {"a": joined}), ("read", {"path": joined[:200]})])
            case 4:
                return Reply(joined, thinking=joined, piece_chars=7)
            case _:
                return Reply(joined, piece_chars=3)


def run(count: int) -> int:
    """Feed so many texts; the number of bytes that were obeyed or lost the program."""
    chance = random.Random(7)
    agent = next(program.agent for program in list_own() if program.title == "ally")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, FakeOpenAI(key=None, models=["*"]) as fake:
        home = Path(folder)
        settle(agent, home, fake.base_url)
        said = Said(home / "work", hostile(chance, count))
        fake.always(said)
        _name_files(home / "work", said.take(200))
        words = [fill(word, home, fake.base_url) for word in [*agent.words, "--permission-mode", "bypass"]]
        use = Use(words, environment_of(agent, home, fake.base_url), home / "work")
        written: list[str] = []
        try:
            use.wait_for_keys()
            _feed(use, said, count, chance, written)
            is_alive = not use.is_over
        finally:
            use.close()
    found = stray("".join(written), is_whole=True)
    figures = {"texts": said.count, "written": sum(map(len, written)), "stray": len(found), "alive": is_alive}
    print(json.dumps(figures), *map(repr, found[:20]), sep="\n")
    return 0 if is_alive and not found else 1


def _feed(use: Use, said: Said, count: int, chance: random.Random, written: list[str]) -> None:
    while said.count < count and not use.is_over:
        before = said.asked
        text = _UNSENDABLE.sub("?", "".join(said.take(1))).replace("\x1b", "")
        use.press(f"\x1b[200~m {text}\x1b[201~")
        use.press("\r")
        for _ in range(100):
            written.append(use.read(0.02))
            if said.asked > before and not written[-1]:
                break
        use.press(chance.choice(_KEYS))
        if said.asked % 10 == 0:
            use.press("\x15\x1b[200~/sessions\x1b[201~\r")
            _read(use, written)
            use.press("\x1b")
        if said.asked % 9 == 0:
            use.resize(chance.choice((30, 80, 140)), chance.choice((8, 24, 50)))
        use.press("\x15")
        _read(use, written)


def _read(use: Use, written: list[str]) -> None:
    while text := use.read(0.05):
        written.append(text)


def _name_files(work: Path, texts: list[str]) -> None:
    for text in texts:
        name = text.replace("/", "_").encode("utf-8", "surrogatepass").replace(b"\0", b"")[:200]
        if name.strip(b"."):
            with open(os.fsencode(work) + b"/" + name, "wb"):  # noqa: PTH123 - a name of bytes
                pass


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
