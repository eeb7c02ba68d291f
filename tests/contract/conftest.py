"""One fake and one way to connect to it for every case."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from ally.providers.model import Model
from tests.contract.roads import Subject
from tests.fakes import Fake

Connect = Callable[..., Model]
STANDARD = "test_langchain_standard.py"
LEFT_OUT = {
    "_pdf_": "fetches its file from the internet",
    "_audio_": "fetches its file from the internet",
    "_image_": "fetches its file from the internet",
    "test_anthropic_inputs": "fetches its file from the internet",
    "test_stream_time": "replays recorded answers",
    "_model_override": "a model of Ally's is one model",
    "TestAnthropic::test_json_mode": "LangChain's class knows JSON by schema only",
    "TestGoogle::test_json_mode": "LangChain's class knows JSON by schema only",
    "TestOllama::test_tool_choice": "Ollama has no tool_choice",
}
"""Parts of the names of tests, and why they are not run."""


@pytest.fixture
def fake(subject: Subject) -> Iterator[Fake]:
    """The service of the case."""
    with subject.service.fake() as server:
        if not subject.service.needs_key:
            server.key = None
        # LangChain keeps its clients for the life of the process, so their idle connections would outlive the test.
        server.keeps_connections = subject.road == "fast"
        yield server


@pytest.fixture
async def connect(subject: Subject, fake: Fake) -> AsyncIterator[Connect]:
    """Connects to the service of the case; the models are closed at its end."""
    opened: list[Model] = []

    def make(**options: Any) -> Model:
        opened.append(subject.connect(fake, **options))
        return opened[-1]

    yield make
    for model in opened:
        await model.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the standard tests of LangChain that cannot be run here instead of skipping them one by one."""
    items[:] = [item for item in items if not (item.nodeid.partition("::")[0].endswith(STANDARD) and _left_out(item))]


def _left_out(item: pytest.Item) -> bool:
    return any(part in item.nodeid for part in LEFT_OUT)
