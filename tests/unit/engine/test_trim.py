"""Results that would fill the window are cut in the middle."""

from pathlib import Path

from ally.engine.trim import MAX_BYTES, trim


def test_a_short_text_stays(tmp_path: Path):
    assert trim("short", 4_000, tmp_path) == "short"
    assert list(tmp_path.iterdir()) == []


def test_a_long_text_keeps_head_and_tail_and_points_to_the_whole(tmp_path: Path):
    text = "".join(f"line {n}\n" for n in range(100_000))
    cut = trim(text, None, tmp_path / "spill")
    assert len(cut) <= MAX_BYTES + 300
    assert cut.startswith("line 0\n")
    assert cut.endswith("line 99999\n")
    file = next((tmp_path / "spill").iterdir())
    assert str(file) in cut
    assert file.read_text() == text
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_small_window_keeps_less(tmp_path: Path):
    assert len(trim("x" * 50_000, 4_000, tmp_path)) <= 4_000


def test_where_nothing_can_be_written_the_text_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert "could not be kept" in trim("x" * 100_000, None, tmp_path / "file" / "spill")
    assert "could not be kept" in trim("x" * 100_000, None, None)


def test_halves_of_characters_do_no_harm(tmp_path: Path):
    cut = trim("\ud83d" + "x" * 100_000 + "\udcff", None, tmp_path)
    assert "left out" in cut
