from pathlib import Path

import pytest

from ally.checkpoints import Checkpoints
from tests.unit.checkpoints.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    root = tmp_path / "root"
    root.mkdir()
    checkpoints = Checkpoints(tmp_path / "store", root, "session-1")
    checkpoints.begin("a message")
    return World(root, tmp_path / "store", checkpoints)
