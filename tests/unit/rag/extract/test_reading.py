import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import pytest

from ally.errors import KnowledgeError
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.extract.limits import ReadLimits
from ally.rag.extract.reading import FileRead, Reader


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(ChunkLimits()) as one:
        yield one


def write(folder: Path, name: str, content: bytes | str) -> str:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


def read_one(reader: Reader, path: str) -> FileRead:
    (found,) = reader.read([path])
    return found


def test_files_come_back_in_order_with_text_passages_and_the_state_of_these_bytes(reader: Reader, tmp_path: Path):
    paths = [write(tmp_path, f"{number}.md", f"# Title {number}\n\nSome words.\n") for number in range(40)]
    found = list(reader.read(paths))
    assert [one.state.path for one in found] == paths
    for number, one in enumerate(found):
        content = Path(paths[number]).read_bytes()
        assert one.state.sha256 == hashlib.sha256(content).hexdigest()
        assert (one.state.size, one.state.mtime_ns) == (len(content), Path(paths[number]).stat().st_mtime_ns)
        assert one.document is not None
        assert (one.document.format, one.document.title) == ("markdown", f"Title {number}")
        assert [passage.place.line_start for passage in one.passages] == [1] or one.passages[0].place.line_end == 3


def test_one_bad_file_does_not_stop_the_others(reader: Reader, tmp_path: Path):
    paths = [
        write(tmp_path, "a.txt", "words\n"),
        write(tmp_path, "b.txt", b"\0\1\2\3" * 100),
        str(tmp_path / "gone.txt"),
        write(tmp_path, "c.txt", " \n\t\n"),
        write(tmp_path, "d.md", b"PK\x03\x04\x14\0\0\0\x08\0" + os.urandom(500)),
        write(tmp_path, "e.txt", "more\n"),
    ]
    problems = [one.state.problem for one in reader.read(paths)]
    assert problems == ["", "is binary", "is not there any more", "holds no text", "is binary", ""]


def test_a_file_that_became_a_link_is_not_followed(reader: Reader, tmp_path: Path):
    secret = write(tmp_path, "secret.txt", "the key\n")
    (tmp_path / "docs").mkdir()
    chosen = tmp_path / "docs" / "a.md"
    chosen.symlink_to(secret)
    found = read_one(reader, str(chosen))
    assert (found.document, found.state.problem) == (None, "is behind a link by now")


def test_a_folder_that_became_a_link_is_not_followed(reader: Reader, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere", "a.md", "the key\n")
    (tmp_path / "docs").symlink_to(tmp_path / "elsewhere")
    assert read_one(reader, str(tmp_path / "docs" / "a.md")).state.problem == "is behind a link by now"


def test_a_file_that_became_a_pipe_is_not_waited_for(reader: Reader, tmp_path: Path):
    os.mkfifo(tmp_path / "a.md")
    assert read_one(reader, str(tmp_path / "a.md")).state.problem == "is no file"


def test_a_process_that_is_killed_between_files_is_replaced(tmp_path: Path):
    path = write(tmp_path, "a.md", "words\n")
    with Reader(ChunkLimits()) as reader:
        before = read_one(reader, path)
        (process_id,) = reader.process_ids
        os.kill(process_id, signal.SIGKILL)
        assert read_one(reader, path) == before
        assert reader.process_ids != [process_id]


def test_no_process_outlives_the_reader(tmp_path: Path):
    with Reader(ChunkLimits()) as reader:
        read_one(reader, write(tmp_path, "a.md", "words\n"))
        (process_id,) = reader.process_ids
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


SLOW_PAGE = b"<p " + b" ".join(b"a%d=1" % number for number in range(120_000)) + b">x"
"""Takes the parser many seconds."""


def wait_for_process(reader: Reader, unlike: int = 0) -> int:
    """The id of the process that reads by now."""
    while not (reader.confinement and reader.process_ids and reader.process_ids != [unlike]):
        time.sleep(0.01)
    return reader.process_ids[0]


def test_a_process_that_is_killed_in_the_middle_of_a_file_is_replaced_once(tmp_path: Path):
    paths = [write(tmp_path, "slow.html", SLOW_PAGE), write(tmp_path, "next.md", "words\n")]
    with Reader(ChunkLimits(), ReadLimits(processes=1)) as reader, ThreadPoolExecutor(1) as elsewhere:
        reading = elsewhere.submit(lambda: [one.state.problem for one in reader.read(paths)])
        first = wait_for_process(reader)
        os.kill(first, signal.SIGKILL)
        os.kill(wait_for_process(reader, unlike=first), signal.SIGKILL)
        assert reading.result() == ["the process that read it was killed", ""]


def test_a_file_that_keeps_the_process_waiting_is_given_up(tmp_path: Path):
    paths = [write(tmp_path, "slow.html", SLOW_PAGE), write(tmp_path, "next.md", "words\n")]
    with Reader(ChunkLimits(), ReadLimits(cpu_s=2, most_cpu_s=2, wall_factor=0.1, processes=1)) as reader:
        assert [one.state.problem for one in reader.read(paths)] == ["took longer than 2 s", ""]


def test_closing_in_the_middle_of_a_file_ends_at_once(tmp_path: Path):
    slow = write(tmp_path, "slow.html", SLOW_PAGE)
    with ThreadPoolExecutor(1) as elsewhere:
        reader = Reader(ChunkLimits(), ReadLimits(processes=1))
        reading = elsewhere.submit(lambda: list(reader.read([slow])))
        process_id = wait_for_process(reader)
        reader.close()
        with pytest.raises((KnowledgeError, CancelledError)):
            reading.result()
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


def test_ctrl_c_reaches_only_who_started_the_reading(reader: Reader, tmp_path: Path):
    path = write(tmp_path, "a.md", "words\n")
    before = read_one(reader, path)
    running = reader.process_ids
    assert all(os.getpgid(process_id) != os.getpgid(0) for process_id in running)
    for process_id in running:
        os.kill(process_id, signal.SIGINT)
    assert (read_one(reader, path), reader.process_ids) == (before, running)


PARENT = """
import sys, threading, time
from ally.rag.chunking.limits import ChunkLimits
from ally.rag.extract.limits import ReadLimits
from ally.rag.extract.reading import Reader
with Reader(ChunkLimits(), ReadLimits(processes=1)) as reader:
    threading.Thread(target=lambda: list(reader.read([sys.argv[1]])), daemon=True).start()
    while not reader.process_ids:
        time.sleep(0.01)
    print(*reader.process_ids, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere it ends after the file")
def test_the_process_dies_with_its_parent_even_in_the_middle_of_a_file(tmp_path: Path):
    slow = write(tmp_path, "slow.html", SLOW_PAGE)
    with subprocess.Popen([sys.executable, "-c", PARENT, slow], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    state = Path(f"/proc/{child}/stat")
    while state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] not in "ZX":
        time.sleep(0.01)


def test_what_cannot_be_opened_says_why(reader: Reader, tmp_path: Path):
    (tmp_path / "folder.md").mkdir()
    problems = [one.state.problem for one in reader.read([str(tmp_path / "folder.md"), str(tmp_path / ("x" * 300))])]
    assert problems == ["is no file", "cannot be read: File name too long"]


def test_the_process_has_no_keys_in_its_environment(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    with Reader(ChunkLimits()) as one:
        read_one(one, write(tmp_path, "a.md", "words\n"))
        (process_id,) = one.process_ids
        environment = Path(f"/proc/{process_id}/environ")
        assert not environment.exists() or b"OPENAI" not in environment.read_bytes()


def test_the_vocabulary_of_an_embedder_is_read_before_files_are_out_of_reach(tmp_path: Path):
    vocabulary = write(tmp_path, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwords\n")
    with Reader(ChunkLimits(counter=f"wordpiece:{vocabulary}")) as one:
        assert read_one(one, write(tmp_path, "a.md", "words\n")).passages
