"""Where a database server is: what `knowledge.store` may say, and which password belongs to it."""

from pathlib import Path

import pytest

from ally.config.problems import Problem, build
from ally.errors import ConfigError
from ally.rag.stores.postgres.address import Address, find_password, parse

ENV = {"PGUSER": "me"}


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://ann@db.example.org/kb", Address("db.example.org", 5432, "kb", "ann", "verify-full")),
        ("postgres://db.example.org:6000/kb", Address("db.example.org", 6000, "kb", "me", "verify-full")),
        ("postgresql://nas.local/kb", Address("nas.local", 5432, "kb", "me", "verify-full")),
        ("postgresql://10.0.0.7/kb?sslmode=require", Address("10.0.0.7", 5432, "kb", "me", "require")),
        ("postgresql://localhost", Address("localhost", 5432, "me", "me", "prefer")),
        ("postgresql://[::1]:6000/kb?sslmode=disable", Address("::1", 6000, "kb", "me", "disable")),
        ("postgresql:///kb?host=/run/pg&port=6000", Address("/run/pg", 6000, "kb", "me", "prefer")),
        ("postgresql://a%40b@%2Frun%2Fpg/k%20b", Address("/run/pg", 5432, "k b", "a@b", "prefer")),
        ("postgresql://h.org/?dbname=kb&user=ann", Address("h.org", 5432, "kb", "ann", "verify-full")),
        (
            "postgresql://h.org/kb?sslmode=verify-ca&sslrootcert=/a.pem",
            Address("h.org", 5432, "kb", "me", "verify-ca", "/a.pem"),
        ),
    ],
    ids=str,
)
def test_addresses(url: str, wanted: Address) -> None:
    assert parse(url, ENV) == wanted


@pytest.mark.parametrize(
    "url",
    [
        "mysql://h/kb",
        "postgresql:h",
        "postgresql://h:none/kb",
        "postgresql://h:0x10/kb",
        "postgresql://h/kb?port=99999",
        "postgresql://h,i/kb",
        "postgresql://h/kb?sslmode=perhaps",
        "postgresql://h/kb?options=-c%20x",
        "postgresql://[::1/kb",
        "postgresql://h/kb#part",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(url, ENV)
    assert caught.value.key == "knowledge.store"
    assert caught.value.hint


PASSWORD = "Hunter2"
WITH_PASSWORD = [
    f"postgresql://me:{PASSWORD}@h/kb",
    f"postgresql://h/kb?password={PASSWORD}",
    f"postgresql://me:{PASSWORD}/x@h/kb",
    f"postgresql://me:{PASSWORD}@x@h/kb",
]


@pytest.mark.parametrize("url", WITH_PASSWORD)
def test_a_password_in_it_is_refused_and_never_said(url: str) -> None:
    problem = build({"knowledge": {"store": url}})
    assert isinstance(problem, Problem)
    assert "knowledge.store must be a URL without a password" in problem.sentence
    assert PASSWORD not in repr(problem)
    with pytest.raises(ConfigError) as caught:
        parse(url, ENV)
    assert PASSWORD not in caught.value.message + caught.value.hint
    assert caught.value.__cause__ is None


def test_the_settings_take_addresses_of_databases_only() -> None:
    assert not isinstance(build({"knowledge": {"store": "postgresql://me@h:5432/kb?sslmode=require"}}), Problem)
    assert isinstance(build({"knowledge": {"store": "/var/lib/kb"}}), Problem)


def test_the_password_file(tmp_path: Path) -> None:
    file = tmp_path / ".pgpass"
    lines = [
        "# comment",
        "other:*:*:*:no",
        r"h:5432:k\:b:me:with\:colon\\",
        "/run/pg:*:*:*:socket",
        "*:*:*:*:any:thing",
    ]
    file.write_text("\n".join(lines))
    file.chmod(0o600)

    def password(host: str, database: str = "kb") -> tuple[str, str]:
        return find_password(Address(host, 5432, database, "me", "prefer"), {}, tmp_path)

    assert password("h", "k:b") == ("with:colon\\", "")
    assert password("h") == ("any:thing", "")
    assert password("/run/pg") == ("socket", "")
    here = Address("h", 5432, "kb", "me", "prefer")
    assert find_password(here, {"PGPASSWORD": "first"}, tmp_path) == ("first", "")
    assert find_password(here, {"PGPASSFILE": str(tmp_path / "none")}, tmp_path) == ("", "")
    assert find_password(here, {}, tmp_path / "nowhere") == ("", "")
