"""What was not sent is there again, and chats beside each other keep theirs."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ally.chat.drafts import MAX_AGE_S, Draft, Drafts
from ally.errors import StorageError

_WRITING = """
import sys, time
from pathlib import Path
from ally.chat.drafts import Draft, Drafts
held = Drafts.claim(Path(sys.argv[1]), Path("/folder"))
held.save(Draft("from the one that was killed"))
print("ready", flush=True)
time.sleep(60)
"""


def _claim(state: Path, folder: str = "/folder") -> Drafts:
    found = Drafts.claim(state, Path(folder))
    assert found is not None
    return found


def test_a_draft_waits_in_its_folder_until_it_is_sent(tmp_path: Path) -> None:
    held = _claim(tmp_path)
    draft = Draft("see [paste 1: 2 lines]", {"[paste 1: 2 lines]": "a\nb"})
    assert held.load() is None
    held.save(Draft("before"))
    held.save(draft)
    assert stat.S_IMODE(held.file.stat().st_mode) == 0o600
    held.close(draft)
    held.save(Draft("what was saved too late"))
    other, again = _claim(tmp_path, "/elsewhere"), _claim(tmp_path)
    assert (other.load(), again.load()) == (None, draft)
    again.save(Draft(" \n"))
    again.close()
    last = _claim(tmp_path)
    assert last.load() is None
    last.close()
    other.close()


def test_two_chats_in_one_folder_keep_theirs(tmp_path: Path) -> None:
    first, second = _claim(tmp_path), _claim(tmp_path)
    first.save(Draft("first"))
    second.save(Draft("second"))
    os.utime(first.file, (1, time.time()))
    os.utime(second.file, (1, time.time() - 100))
    assert (first.load(), second.load()) == (Draft("first"), Draft("second"))
    third = _claim(tmp_path)
    assert third.load() is None
    for held in (first, second, third):
        held.close()
    newest, older = _claim(tmp_path), _claim(tmp_path)
    assert (newest.load(), older.load()) == (Draft("first"), Draft("second"))
    newest.close()
    older.close()


def test_the_draft_of_a_killed_chat_is_taken_over(tmp_path: Path) -> None:
    running = subprocess.Popen([sys.executable, "-c", _WRITING, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    with running.stdout:
        assert running.stdout.readline() == "ready\n"
        beside = _claim(tmp_path)
        assert beside.load() is None
        beside.close()
        running.send_signal(signal.SIGKILL)
        running.wait()
    after = _claim(tmp_path)
    assert after.load() == Draft("from the one that was killed")
    after.close()


def test_broken_and_old_drafts_do_no_harm(tmp_path: Path) -> None:
    held = _claim(tmp_path)
    held.file.write_bytes(b"\xffnothing")
    assert held.load() is None
    held.save(Draft("x"))
    os.utime(held.file, (1, time.time() - MAX_AGE_S - 100))
    held.close()
    again = _claim(tmp_path)
    assert again.load() is None
    again.close()
    (tmp_path / "file").touch()
    assert Drafts.claim(tmp_path / "file", Path("/folder")) is None


def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    held = _claim(tmp_path)
    held.file.mkdir()
    with pytest.raises(StorageError):
        held.save(Draft("x"))
    held.close()
