import os
import stat
import time
from pathlib import Path

import pytest

from ally.tools.output import Limits, Output, drop_old, plain

SMALL = Limits(lines=3, size_bytes=100, max_file_bytes=10_000)


def test_short_output_is_whole_and_makes_no_file(tmp_path: Path):
    output = Output(tmp_path / "spill", "x")
    output.feed(b"one\ntw")
    output.feed("ö\n".encode())
    assert output.take() == "one\ntwö\n"
    assert output.path is None
    assert not (tmp_path / "spill").exists()


def test_long_output_keeps_both_ends_and_all_of_it_in_a_private_file(tmp_path: Path):
    output = Output(tmp_path / "spill", "x", SMALL)
    whole = b"".join(b"line %d\n" % number for number in range(500))
    for start in range(0, len(whole), 37):
        output.feed(whole[start : start + 37])
    text = output.take()
    output.close()
    lines = text.splitlines()
    assert lines[:3] == ["line 0", "line 1", "line 2"]
    assert lines[-3:] == ["line 497", "line 498", "line 499"]
    assert len(lines) == 7
    assert output.path and output.path.read_bytes() == whole
    assert "494 lines" in lines[3] and f"full output: {output.path} (read it with read)" in lines[3]
    assert stat.S_IMODE(output.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(output.path.parent.stat().st_mode) == 0o700


def test_many_short_lines_are_cut_by_lines(tmp_path: Path):
    output = Output(tmp_path, "x", Limits(lines=2, size_bytes=1000))
    output.feed(b"".join(b"%d\n" % number for number in range(9)))
    text = output.take().splitlines()
    output.close()
    assert (text[:2], text[3:]) == (["0", "1"], ["7", "8"])
    assert output.path and output.path.read_bytes().startswith(b"0\n1\n2\n")


def test_one_endless_line_is_cut_between_characters(tmp_path: Path):
    output = Output(tmp_path, "x", Limits(lines=3, size_bytes=101))
    output.feed("é".encode() * 5000)
    first, gap, last = output.take().splitlines()
    output.close()
    assert set(first) == set(last) == {"é"}
    assert "bytes left out" in gap


def test_each_reading_gives_what_came_since(tmp_path: Path):
    output = Output(tmp_path, "x", SMALL)
    output.feed(b"a\n")
    assert output.take() == "a\n"
    assert output.take() == ""
    output.feed(b"b" * 1000)
    assert "full output" in output.take()
    output.feed(b"c\n")
    assert output.take() == "c\n"
    output.close()
    assert output.path and output.path.read_bytes() == b"a\n" + b"b" * 1000 + b"c\n"


def test_the_file_has_a_limit_and_says_so(tmp_path: Path):
    output = Output(tmp_path, "x", SMALL)
    for _ in range(30):
        output.feed(b"x" * 999 + b"\n")
    assert "only the beginning: the first 10,000 bytes" in output.take()
    output.close()
    assert output.path and output.path.stat().st_size == 10_000


def test_a_file_that_cannot_be_made_costs_the_middle_not_the_command(tmp_path: Path):
    (tmp_path / "taken").touch()
    output = Output(tmp_path / "taken", "x", SMALL)
    for _ in range(30):
        output.feed(b"x" * 99 + b"\n")
    assert "could not be kept" in output.take()
    output.close()


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link", "textlink"),
        ("10%\r50%\r100%\nok", "100%\nok"),
        ("dos\r\nlines\r\n", "dos\nlines\n"),
        ("a\0b\x08\x7f\t", "a\u2400b\u2408\u2421\t"),
        ("\x1b", "\u241b"),
    ],
)
def test_what_the_model_reads_has_no_control_characters(raw: str, read: str):
    assert plain(raw) == read


def test_old_output_is_dropped_and_new_output_kept(tmp_path: Path):
    for name, age_s in (("old", 10 * 24 * 3600), ("new", 3600)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shell-1.txt").write_text("x")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    drop_old(tmp_path)
    drop_old(tmp_path / "missing")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
