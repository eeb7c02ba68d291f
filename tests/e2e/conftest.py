"""The chat on a real pseudo-terminal, against a service on loopback."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from ally.permissions.trust import Trust
from tests.fakes import KEY, FakeOpenAI

PROMPT = "\r?\n?> "
CHOICE = r"Which one\? "


def words(content: str) -> str:
    """What the user said, without the date and the folder that Ally adds."""
    return content.partition("\n\n[")[0]


@pytest.fixture
def lab(fake_openai: FakeOpenAI, checkout: Path) -> FakeOpenAI:
    """The fake as an endpoint of config.json, and the default provider."""
    endpoint = {"base_url": fake_openai.base_url, "api_key_env": "LAB_KEY", "default_model": fake_openai.models[0]}
    config = {"provider": "lab", "endpoints": {"lab": {**endpoint, "models": list(fake_openai.models[:2])}}}
    (checkout / "config.json").write_text(json.dumps(config))
    (checkout / ".env").write_text(f"LAB_KEY={KEY}\n")
    return fake_openai


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder in which the chats of `spawn` work."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def trust(home: Path) -> Trust:
    """What this test's user trusts."""
    return Trust(home / ".local" / "state" / "ally" / "trust.json", home)


@pytest.fixture
def spawn(
    lab: FakeOpenAI, ally_environment, checkout: Path, work: Path, trust: Trust
) -> Iterator[Callable[..., pexpect.spawn]]:
    """Starts a chat in the trusted folder `work`, ready for the first message, with these options and variables."""
    children: list[pexpect.spawn] = []

    def start(*options: str, ready: bool = True, echo: bool = False, rows: int = 24, **variables: str) -> pexpect.spawn:
        if ready:
            trust.trust(work)
        child = pexpect.spawn(
            sys.executable,
            ["-m", "ally", "--plain", *options],
            env={**ally_environment(checkout), "TERM": "dumb", "INPUTRC": "/dev/null", **variables},
            cwd=str(work),
            encoding="utf-8",
            timeout=20,
            dimensions=(rows, 200),
        )
        children.append(child)
        if not echo:
            child.setecho(False)
        if ready:
            child.expect_exact("Ctrl-D leaves")
            child.expect(PROMPT)
        return child

    yield start
    for child in children:
        child.close(force=True)


@pytest.fixture
def chat(spawn) -> pexpect.spawn:
    """A chat that is ready."""
    return spawn()
