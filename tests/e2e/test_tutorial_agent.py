"""docs/tutorial-agent.md, step by step with the real command; the model is a script."""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from tests.conftest import RunAlly
from tests.e2e.conftest import PROMPT
from tests.e2e.page import Page
from tests.fakes import FakeOpenAI, Hang, Reply

needs_bubblewrap = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="the page shows a machine with bubblewrap, which is not installed"
)
PAGE = Page.of("tutorial-agent.md", re.compile(r"\.\.\.|\d[\d,]* +\d+%|(?<=(?:bout|came) )\d[\d,]*|█+"))
"""Not the same at every run are paths, times, counts of tokens."""

MEANWHILE = "and be brief"
"""What is typed while the model works, so that no prompt stands before it."""

REWORD = ("edit", {"path": "prices.py", "edits": [{"old": "less the", "new": "without the"}]})
TEST = ("shell", {"command": "python3 -m unittest"})


def repaired() -> list[Reply]:
    edit = {"old": "sum(prices) - discount", "new": "sum(prices) * (100 - discount) / 100"}
    return [
        Reply(tool_calls=[("read", {"path": "prices.py"}), ("read", {"path": "test_prices.py"})]),
        Reply(tool_calls=[("edit", {"path": "prices.py", "edits": [edit]})]),
        Reply(tool_calls=[TEST]),
        Reply(text="Repaired: the discount is in per cent now, and the test passes."),
    ]


SCRIPTS: dict[str, Callable[[], list[Reply]]] = {
    "The discount is not in per cent. Repair it and run the test.": repaired,
    "Run it again.": lambda: [Reply(tool_calls=[TEST]), Reply(text="It passes.")],
    "Write a README.": lambda: [
        Reply(tool_calls=[("write", {"path": "README.md", "content": "# Shop\n\nPrices.\n"})]),
        Reply(tool_calls=[("write", {"path": "GUIDE.md", "content": "# Shop\n\nPrices.\n"})]),
        Reply(text="Written as GUIDE.md."),
    ],
    "Free some disk space.": lambda: [
        Reply(tool_calls=[("shell", {"command": "rm -rf ~"})]),
        Reply(text="That cannot be done."),
    ],
    "Which keys are set?": lambda: [
        Reply(tool_calls=[("read", {"path": ".env"})]),
        Reply(text="I may not read .env."),
    ],
    "Does @GUIDE.md match @prices.py?": lambda: [Reply(text="It does.")],
    "Wait a little, then list the files.": lambda: [
        Reply(tool_calls=[("shell", {"command": "sleep 2; ls"})]),
        Reply(text="Two modules and a guide."),
    ],
    "Tell me everything about discounts.": lambda: [Reply(text="Discounts are", fault=Hang("finish"))],
    "/compact": lambda: [Reply(text="The user wants discounts in per cent.")],
}
"""What the model does about each message of the page."""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder of the page's first step."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, text in zip(("prices.py", "test_prices.py"), PAGE.blocks("python"), strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@needs_bubblewrap
def test_the_chat_of_the_page(spawn, lab: FakeOpenAI, run_ally: RunAlly, work: Path):
    (work / ".env").write_text("SHOP_KEY=1\n")
    chat = spawn(ready=False)
    for block in PAGE.blocks("text"):
        if block.startswith(("> ", "Ally ... ")):
            for line in block.splitlines():
                if line == MEANWHILE:
                    chat.sendline(line)
                elif line == f"> {MEANWHILE}":
                    PAGE.see(chat, line)
                else:
                    PAGE.play(chat, line, lambda said: lab.script(*SCRIPTS.get(said, list)()))
    chat.expect(PROMPT)
    chat.sendeof()
    chat.expect(pexpect.EOF)
    assert "* (100 - discount) / 100" in (work / "prices.py").read_text()
    assert not (work / "README.md").exists()
    listed = run_ally("sessions", cwd=work).stdout
    heading, row = PAGE.printed_after("ally sessions\n").splitlines()
    assert heading in listed
    assert row.rpartition("...")[2].strip() in listed


def test_the_commands_without_a_terminal(lab: FakeOpenAI, run_ally: RunAlly, work: Path):
    allowing = ("--permission-mode", "bypass") if shutil.which("bwrap") is None else ()
    lab.script(
        *(Reply(tool_calls=[REWORD]), Reply(text="I was not allowed to change prices.py.")),
        *(Reply(tool_calls=[REWORD]), Reply(tool_calls=[TEST]), Reply(text="Reworded; the test still passes.")),
        *(Reply(tool_calls=[REWORD]), Reply(text="Nothing may be changed in this mode.")),
    )
    denied, allowed, as_json = [
        shlex.split(line) for block in PAGE.blocks("bash") for line in re.findall("ally (-p.*)", block)
    ]
    refused = run_ally(*denied, cwd=work)
    printed = PAGE.printed_after(shlex.join(denied).replace("'", '"')).splitlines()
    assert (refused.stderr.splitlines(), refused.stdout.splitlines()) == (printed[:-1], printed[-1:])
    assert "less the" in (work / "prices.py").read_text()

    done = run_ally(*allowed, *allowing, cwd=work)
    assert done.stdout == PAGE.printed_after("--allow 'edit(prices.py)'")
    assert "without the" in (work / "prices.py").read_text()

    result = json.loads(run_ally(*as_json, cwd=work).stdout)
    for key, value in json.loads(PAGE.blocks("json")[0]).items():
        assert same(value, result[key]), key


def same(shown: object, real: object) -> bool:
    """Whether `real` holds what is shown of it."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return all(same(value, real[key]) for key, value in shown.items())
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) == len(real) and all(map(same, shown, real))
    return shown == real


@needs_bubblewrap
@pytest.mark.parametrize("command", re.findall(r"^ally (permissions test .*)$", PAGE.text, re.MULTILINE))
def test_what_rules_say(command: str, run_ally: RunAlly, work: Path):
    said = run_ally(*shlex.split(command), cwd=work).stdout.splitlines()
    for line in PAGE.printed_after(command).splitlines():
        assert line in said


def test_every_flag_of_the_page_exists(run_ally: RunAlly):
    known = run_ally("-h").stdout
    named = set(re.findall(r"(?<!\w)(--[a-z][a-z-]+)", PAGE.text)) - {"--format"}  # of `ally sessions export`
    assert {flag for flag in named if flag not in known} == set()
