"""Writing in the user's own editor."""

import stat
from pathlib import Path

import pytest

from ally.chat.editor import command_at, edit
from ally.errors import UsageError


def _editor(folder: Path, script: str) -> dict[str, str]:
    program = folder / "my editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return {"EDITOR": f"'{program}' --wait", "PATH": "/usr/bin:/bin"}


def test_what_was_written_comes_back_and_the_file_goes(tmp_path: Path) -> None:
    env = _editor(tmp_path, f'[ "$1" = --wait ] && printf %s "$2" > {tmp_path}/seen && cp -p "$2" {tmp_path}/copy')
    assert edit("hello\né\r\n", env) is None
    file = Path((tmp_path / "seen").read_text())
    assert (file.suffix, file.exists(), file.parent.exists()) == (".md", False, False)
    assert (tmp_path / "copy").read_bytes() == "hello\né\r\n".encode()
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    assert edit("a", _editor(tmp_path, "printf 'b\\r\\nc\\n' > \"$2\"")) == "b\nc"
    assert edit("a", _editor(tmp_path, "printf 'a\\n' > \"$2\"")) is None
    assert edit("a\ud800", _editor(tmp_path, ': > "$2"')) == ""


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('echo x > "$2"; exit 3', "ended with 3"),
        ("kill -9 $$", "ended with -9"),
        ('rm "$2"', "cannot be read"),
        ("printf '\\377\\376' > \"$2\"", "not UTF-8"),
    ],
)
def test_an_editor_that_fails_changes_nothing(tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        edit("text", _editor(tmp_path, script))


def test_an_editor_that_is_not_there_is_told(tmp_path: Path) -> None:
    for env in ({"VISUAL": "no-such-editor -x", "EDITOR": "true"}, {"VISUAL": "'"}):
        with pytest.raises(UsageError, match="named by VISUAL"):
            edit("text", {**env, "PATH": "/usr/bin:/bin"})
    with pytest.raises(UsageError, match="No editor") as caught:
        edit("text", {"PATH": str(tmp_path), "EDITOR": " "})
    assert caught.value.hint == "set EDITOR to the one you use"


@pytest.mark.parametrize(
    ("editor", "arguments"),
    [
        ("vim", ["+7", "/p/a b.py"]),
        ("nano -w", ["-w", "+7", "/p/a b.py"]),
        ("code --wait", ["--wait", "--goto", "/p/a b.py:7"]),
        ("hx", ["/p/a b.py:7"]),
        ("micro", ["/p/a b.py", "+7"]),
        ("pycharm", ["--line", "7", "/p/a b.py"]),
        ("ed", ["/p/a b.py"]),
    ],
)
def test_known_editors_open_at_the_line(tmp_path: Path, editor: str, arguments: list[str]):
    name = editor.partition(" ")[0]
    (tmp_path / name).touch(0o755)
    for env in ({"EDITOR": editor}, {"EDITOR": "other", "VISUAL": editor}):
        assert command_at(Path("/p/a b.py"), 7, {**env, "PATH": str(tmp_path)}) == [name, *arguments]
