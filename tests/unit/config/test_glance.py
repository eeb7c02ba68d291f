from pathlib import Path

import pytest

from ally.config.glance import may_be_set


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{}", False),
        (b'{"tui": {"plain": true}}', True),
        (b'{"tui": {"\\u0070lain": true}}', True),
        ('{"tui": {"plain": true}}'.encode("utf-16"), True),
        (b"x" * 1_000_001, True),
    ],
)
def test_only_a_file_that_cannot_hold_the_key_is_left_unread(tmp_path: Path, content: bytes, expected: bool):
    file = tmp_path / "config.json"
    file.write_bytes(content)
    assert may_be_set("plain", [tmp_path / "missing", file]) is expected


def test_a_file_that_cannot_be_read_may_hold_it(tmp_path: Path):
    assert may_be_set("plain", [tmp_path])
