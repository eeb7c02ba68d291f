"""What the user wrote is kept across sessions, safely by several at once."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ally.chat.history import LONGEST, MAX_BYTES, MAX_ENTRIES, History
from ally.errors import StorageError

_ADDING = """
import sys
from pathlib import Path
from ally.chat.history import History
for number in range(60):
    History(Path(sys.argv[1])).add(f"{sys.argv[2]} {number} " + "x" * 300, Path("/"))
"""


def test_texts_come_back_in_their_order_without_repeats_or_secrets(tmp_path: Path) -> None:
    file = tmp_path / "state" / "prompts.jsonl"
    history = History(file, lambda text: "sk-" in text)
    assert history.entries() == []
    for text in ("one", "  one\n", "two\nlines", "", "key sk-1", "x" * (LONGEST + 1), "\ud800 é漢", "one"):
        history.add(text, tmp_path)
    assert history.entries() == History(file).entries() == ["one", "two\nlines", "? é漢", "one"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_makes_no_sense_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    lines = [b'{"text":"first"}', b"no json", b'{"text":5}', b"\xff\xfe", b"[]", b"", b'{"text":"cut']
    file.write_bytes(b"\n".join(lines))
    file.chmod(0o644)
    history = History(file)
    assert history.entries() == ["first"]
    history.add("next", tmp_path)
    assert history.entries() == ["first", "next"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_it_stays_small_and_keeps_the_newest(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps({"text": f"text {number}"}) + "\n" for number in range(MAX_ENTRIES)))
    history = History(file)
    history.add("last", tmp_path)
    assert history.entries() == [f"text {number}" for number in range(MAX_ENTRIES // 2 + 1, MAX_ENTRIES)] + ["last"]
    for number in range(80):
        history.add(f"{number} " + "é" * 9_000, tmp_path)
        assert file.stat().st_size <= MAX_BYTES
    assert history.entries()[-1].startswith("79 ")
    file.write_bytes(b"x" * 5_000_000 + b'\n{"text":"kept"}\n')
    assert history.entries() == ["kept"]


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    run = [sys.executable, "-c", _ADDING, str(file)]
    running = [subprocess.Popen([*run, name], cwd=os.getcwd()) for name in ("a", "b")]  # noqa: PTH109 - where ally is
    assert [one.wait() for one in running] == [0, 0]
    found = [text.split()[:2] for text in History(file).entries()]
    for name in ("a", "b"):
        assert [number for one, number in found if one == name] == [str(number) for number in range(60)]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        History(tmp_path / "file" / "prompts.jsonl").add("x", tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept")
    (tmp_path / "prompts.jsonl").symlink_to(elsewhere)
    with pytest.raises(StorageError):
        History(tmp_path / "prompts.jsonl").add("x", tmp_path)
    assert elsewhere.read_text() == "kept"


@given(st.lists(st.text(max_size=20), max_size=8))
def test_any_text_comes_back(texts: list[str]) -> None:
    import tempfile  # late: hypothesis calls this often, each time with a folder of its own

    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder, "prompts.jsonl"))
        for text in texts:
            history.add(text, Path(folder))
        kept = [text.strip().encode("utf-8", "replace").decode() for text in texts if text.strip()]
        wanted = [text for at, text in enumerate(kept) if not at or kept[at - 1] != text]
        assert history.entries() == wanted
