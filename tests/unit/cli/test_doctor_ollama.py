"""What ally doctor says of an Ollama that says anything."""

from typing import Any

import pytest

from ally.cli.doctor_models import ollama_findings
from ally.models.servers import forget
from tests.unit.models.servers.misbehaving import Says


@pytest.mark.parametrize("version", [None, 7, "\ud800", "9" * 4_000, ["x"] * 4_000, {}])
def test_a_version_that_is_none_is_not_shown(version: Any) -> None:
    forget()
    with Says({"/api/version": {"version": version}, "/api/tags": {"models": []}}) as strange:
        (finding,) = ollama_findings({}, {"base_url": strange.url}, is_offline=False)
    assert finding.text.startswith("an unknown version at http://127.0.0.1:")
    assert len(finding.text) < 200
