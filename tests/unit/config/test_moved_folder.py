"""A variable that moves a part of Ally's files."""

from pathlib import Path

import pytest

from ally.config.paths import moved_folder

DEFAULT = Path("/default")


def ask(value: str) -> tuple[Path, list[str]]:
    warnings: list[str] = []
    return moved_folder(
        {"ALLY_HISTORY_DIR": value, "HOME": "/home/me"}, "ALLY_HISTORY_DIR", DEFAULT, warnings.append
    ), warnings


def test_an_absolute_folder_is_used_whether_it_exists_or_not(tmp_path: Path) -> None:
    assert ask(str(tmp_path)) == (tmp_path, [])
    assert ask(str(tmp_path / "new" / "er")) == (tmp_path / "new" / "er", [])
    assert ask("~/talks") == (Path("/home/me/talks"), [])


@pytest.mark.parametrize("value", ["", "  "])
def test_empty_is_not_set(value: str) -> None:
    assert ask(value) == (DEFAULT, [])


@pytest.mark.parametrize("value", ["here", "./here", "../up", "/dev/null", "/dev/null/below", "/a\0b"])
def test_what_cannot_be_a_folder_is_told_and_has_no_effect(value: str) -> None:
    folder, warnings = ask(value)
    assert folder == DEFAULT
    assert len(warnings) == 1
    assert "ALLY_HISTORY_DIR" in warnings[0]
