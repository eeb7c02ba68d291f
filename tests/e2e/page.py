"""The pages of docs that tests play: what a page shows, and whether it is what comes."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pexpect

from tests.conftest import ROOT
from tests.e2e.conftest import PROMPT

ASKED = re.compile(r"(.*(?:or what to do instead: |\[y/N\] ))(.+)")

NUMBERS = re.compile(r"\.\.\.|█+|(?<![\w:.,-])\d[\d,.]*(?![\w:.,])")
"""What is not the same at every run: what a page leaves out, bars, and numbers that stand by themselves."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of docs. `different` finds what is not the same at every run."""

    text: str
    different: re.Pattern[str] = NUMBERS

    @classmethod
    def of(cls, name: str, different: re.Pattern[str] = NUMBERS) -> "Page":
        """The page in that file of docs."""
        return cls((ROOT / "docs" / name).read_text(encoding="utf-8"), different)

    def blocks(self, language: str) -> list[str]:
        """All of its blocks in a language."""
        return re.findall(rf"^```{language}\n(.*?)^```", self.text, re.MULTILINE | re.DOTALL)

    def printed_after(self, command: str) -> str:
        """The block that follows the one with `command`."""
        after = self.text.partition(command)[2]
        return re.split(r"^```\w+\n", after, flags=re.MULTILINE)[1].partition("```")[0]

    def play(self, chat: pexpect.spawn, line: str, say: Callable[[str], object]) -> None:
        """Type what the user types in a line of a transcript, and see the rest of it printed.

        `say` is told each message before it is sent.
        """
        if line == "^C":
            chat.sendintr()
        elif line.startswith("> "):
            chat.expect(PROMPT)
            say(line[2:])
            chat.sendline(line[2:])
        elif asked := ASKED.match(line):
            chat.expect_exact(asked[1])
            chat.sendline(asked[2])
        else:
            self.see(chat, line)

    def see(self, chat: pexpect.spawn, line: str) -> None:
        """Wait until a line is printed."""
        for part in self._parts(line):
            chat.expect_exact(part)

    def lacking(self, shown: str, output: str) -> list[str]:
        """The lines of the block `shown` that `output` does not have, or not in this order."""
        lines = iter(output.splitlines())
        return [line for line in shown.splitlines() if not any(self._is(line, real) for real in lines)]

    def _is(self, line: str, real: str) -> bool:
        pattern = ".*".join(re.escape(" ".join(part.split())) for part in self._parts(line))
        return re.search(pattern, " ".join(real.split())) is not None

    def _parts(self, line: str) -> Iterator[str]:
        return filter(None, map(str.strip, self.different.split(line)))
