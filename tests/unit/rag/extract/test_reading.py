import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ally.rag.chunking.limits import ChunkLimits
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
