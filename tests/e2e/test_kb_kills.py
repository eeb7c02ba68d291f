"""`ally kb add` that is killed while it runs."""

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.kb_kills import Killer

KILLS = 3


@pytest.mark.skipif(sys.platform != "linux", reason="what is left of a session is looked up in /proc")
def test_killing_it_at_any_moment_loses_nothing_and_it_goes_on_where_it_was(
    ally_environment: Callable[[Path], dict[str, str]], checkout: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(30):
        lines = (f"Line {line} of note {number} is about the harbour." for line in range(40))
        (source / f"note-{number}.md").write_text("\n\n".join(lines))
    env = ally_environment(checkout) | {"ALLY_HOME": str(tmp_path / "home")}
    killer = Killer(source, env, random.Random(5), longest=2.5)
    for _ in range(KILLS):
        killer.kill_one()
    assert len(killer.finish().files) == 30
