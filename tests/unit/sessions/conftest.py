"""A database of sessions for each test, and what it had to say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ally.sessions.store import Sessions


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sessions.db"


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def sessions(file: Path, notices: list[str]) -> Iterator[Sessions]:
    opened = Sessions.open(file, notices.append)
    yield opened
    opened.close()
