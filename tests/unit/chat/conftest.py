import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ally.app import App
from ally.chat.chat import Chat, open_chat
from ally.chat.start import Start
from ally.config.paths import Paths
from tests.fakes import FakeOllama
from tests.unit.chat.desk import Desk


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama(
        models=[
            "qwen3:8b",
            "phi4-mini:latest",
            "nomic-embed-text:latest",
            "gpt-oss:120b-cloud",
            "evil\x1b[2J\u202e[bold]",
        ]
    ) as fake:
        yield fake


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def chat(ollama: FakeOllama, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Chat]:
    """A chat with a model of a faked Ollama, in an empty folder."""
    config, folder = tmp_path / "ally", tmp_path / "work"
    config.mkdir()
    folder.mkdir()
    monkeypatch.chdir(folder)
    settings = {"provider": "ollama", "model": "qwen3:8b", "provider_options": {"ollama": {"base_url": ollama.url}}}
    (config / "config.json").write_text(json.dumps(settings), "utf-8")
    app = App({**os.environ, "OPENAI_API_KEY": "k"}, Paths(*[config] * 4), None, False, desk.say, {})
    chat = await open_chat(app, Start(), desk)
    yield chat
    await chat.close()
    app.sessions.close()
