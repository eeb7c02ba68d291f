"""What the machine refuses, in a chat."""

from pathlib import Path

import pytest

from ally.chat.trouble import told
from ally.errors import UsageError


def test_a_removed_working_folder_and_a_file_are_told_and_a_lost_terminal_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="No such file or directory"), told():
        (tmp_path / "a").read_text()
    with pytest.raises(BrokenPipeError), told():
        raise BrokenPipeError
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(UsageError, match="working folder is not there"), told():
        Path.cwd()
