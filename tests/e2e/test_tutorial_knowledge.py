"""docs/tutorial-knowledge.md, step by step with the real command and the real embedder; the model is a script."""

import json
import re
import shlex
from pathlib import Path

import pytest

from ally.permissions.trust import Trust
from tests.conftest import RunAlly
from tests.e2e.conftest import PROMPT
from tests.e2e.page import Page
from tests.fakes import FakeOpenAI, Reply
from tests.fakes.embeddings import FakeOllamaEmbedder

PAGE = Page.of("tutorial-knowledge.md", re.compile(r"\.\.\.|\d[\d,.]* s\.|(?<![\w:.,-])\d[\d,.-]*(?![\w:.,\]])"))
"""Not the same at every run are times and scores; the numbers of sources are."""

FILES = {"router.md": "markdown", "heating.md": "markdown", "bills.csv": "csv", ".env": "ini"}
FILES_READ = 3
SCRIPTS: dict[str, list[Reply]] = {
    "How do I reset the router?": [
        Reply(
            'Hold the red button until the light blinks [1 "Hold the red button for ten seconds"].'
            ' Your settings are kept [1 "All settings are kept"].'
        )
    ],
    "What does the chimney sweep cost?": [
        Reply('He was paid 84 [1 "chimney sweep,84"], before that 79 [1 "chimney sweep,79"].')
    ],
    "And the boiler?": [
        Reply('Its service was 160 [1 "boiler service,160"]; its tap is below it [2 "below the boiler"].')
    ],
    "What else is in house/heating.md?": [
        Reply(tool_calls=[("read", {"path": "house/heating.md"})]),
        Reply("I may not read it."),
    ],
    "How long do I hold the button?": [
        Reply(tool_calls=[("knowledge", {"query": "reset the router"})]),
        Reply('Ten seconds [3 "for ten seconds"].'),
    ],
}
"""What the model does about each message of the page."""


@pytest.fixture
def work(tmp_path: Path, trust: Trust) -> Path:
    """The folder with the files of the page's first step."""
    work = tmp_path / "work"
    (work / "house").mkdir(parents=True)
    blocks = {language: iter(PAGE.blocks(language)) for language in FILES.values()}
    for name, language in FILES.items():
        (work / "house" / name).write_text(next(blocks[language]), encoding="utf-8")
    trust.trust(work)
    return work


def test_the_commands_and_the_chat_of_the_page(
    spawn, lab: FakeOpenAI, run_ally: RunAlly, checkout: Path, work: Path
) -> None:
    with FakeOllamaEmbedder(max_words=1_000) as ollama:
        config = json.loads((checkout / "config.json").read_text())
        servers = {"ollama": {"base_url": ollama.base_url}}
        (checkout / "config.json").write_text(json.dumps({**config, "provider_options": servers}))
        for block in PAGE.blocks("bash"):
            if block == "ally kb sync house\n":
                chat(spawn, lab)
                (work / "house" / "heating.md").rename(work / "house" / "warm.md")
                with (work / "house" / "bills.csv").open("a") as bills:
                    bills.write("2026-11-20,chimney sweep,88\n")
            if "kb eval" not in block:
                told = "".join(run(run_ally, work, lab, line) for line in block.splitlines())
                assert PAGE.lacking(PAGE.printed_after(block), told) == [], told
    assert len(ollama.texts) == FILES_READ


def run(run_ally: RunAlly, work: Path, lab: FakeOpenAI, line: str) -> str:
    """What a command line of the page prints."""
    _, *options = shlex.split(line)
    lab.script(*SCRIPTS.get(options[1], []))
    done = run_ally(*options, cwd=work)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def chat(spawn, lab: FakeOpenAI) -> None:
    """The transcripts of the page, in one chat."""
    child = spawn(ready=False, EDITOR="true")
    for block in PAGE.blocks("text"):
        if block.startswith("> "):
            for line in block.splitlines():
                if chosen := re.fullmatch(r"(Which one\? )(\d)", line):
                    child.expect_exact(chosen[1])
                    child.sendline(chosen[2])
                else:
                    PAGE.play(child, line, lambda said: lab.script(*SCRIPTS.get(said, [])))
    child.expect(PROMPT)
    child.close(force=True)
