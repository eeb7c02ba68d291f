import os
from pathlib import Path

import pytest

from ally.cli.doctor_sandbox import sandbox_findings
from ally.cli.finding import Finding
from ally.sandbox import choose


def find(topic: str, env: dict[str, str]) -> Finding | None:
    return next((finding for finding in sandbox_findings(env) if finding.topic == topic), None)


@pytest.mark.parametrize("tier", ["A", "B", "C"])
def test_the_tier_is_named_with_its_score_and_what_is_open(tier: str):
    env = {**os.environ, "ALLY_SANDBOX": tier}
    if choose(env).tier != tier:
        pytest.skip(f"no sandbox of tier {tier} here: {choose(env).reason}")
    found = find("sandbox", env)
    assert found is not None and found.text.startswith(f"{tier} (")
    assert (found.status == "ok") == (tier == "A") == (found.step == "")
    assert ("escapes blocked" in found.text) == (tier != "C")
    assert ("open: " in found.text and "read an SSH key" in found.text) == (tier == "B")


def test_missing_programs_come_with_the_line_that_installs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    installer = tmp_path / "apt-get"
    installer.write_text("#!/bin/sh\n")
    installer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find("ripgrep", dict(os.environ))
    assert found is not None
    assert (found.status, found.step) == ("missing", "sudo apt-get install ripgrep")
