"""Fixtures of the tests of model files."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ally.config.paths import Paths, find_paths
from tests.unit.models.making import FakeHub, serving_hub


@pytest.fixture
def paths(home: Path) -> Paths:
    """Ally's folders in this test's home."""
    return find_paths(os.environ)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[FakeHub]:
    """A hub on loopback, which `HF_ENDPOINT` names."""
    with serving_hub() as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        yield fake
