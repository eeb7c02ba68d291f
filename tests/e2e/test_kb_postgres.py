"""The real command with collections in a database server."""

import json
from pathlib import Path

from tests.conftest import RunAlly
from tests.fakes import postgres

pytestmark = postgres.needed


def test_the_settings_lead_to_the_server(run_ally: RunAlly, home: Path) -> None:
    url = postgres.empty_database()
    settings = home / ".config" / "ally" / "config.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"knowledge": {"store": url}}))
    postgres.server().run("CREATE SCHEMA ally; CREATE TABLE ally.store AS SELECT 99 AS version", "ally")
    done = run_ally("kb", "list")
    assert done.returncode != 0
    assert "newer Ally" in done.stderr
    postgres.empty_database()
    done = run_ally("--offline", "kb", "list", guarded=False)
    assert done.returncode == 0
    assert "There is no collection yet" in done.stderr


def test_a_password_in_the_settings_is_refused(run_ally: RunAlly) -> None:
    done = run_ally("config", "set", "knowledge.store", "postgresql://me:Hunter2@db.example.org/kb")
    assert done.returncode != 0
    assert "without a password" in done.stderr
    assert "Hunter2" not in done.stdout + done.stderr
