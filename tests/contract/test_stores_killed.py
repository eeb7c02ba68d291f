"""Stores: processes that are killed while they write."""

import os
from pathlib import Path

import pytest

from tests.contract.store_kills import killer
from tests.contract.stores import Store, every_store

KILLS = 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writers are forked")
@every_store
def test_killing_a_writer_at_any_moment_loses_nothing_that_was_committed(store: Store, tmp_path: Path) -> None:
    with killer(store, store.place(tmp_path / "knowledge"), tmp_path) as one:
        for _ in range(KILLS):
            one.kill_one()
        assert one.done > KILLS * 5
