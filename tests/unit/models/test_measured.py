"""Measurements on disk."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ally.models.measured import Measured, Measurements, Speed

FAST = Measured("ollama", "qwen3:8b", "2026-11-22", "abc", speeds=(Speed(512, 300.0, 20.0, "server"),))


def test_the_last_measurement_is_found_again(tmp_path: Path) -> None:
    kept = Measurements(tmp_path / "data" / "measured.json")
    assert kept.find("ollama", "qwen3:8b") is None
    kept.keep([FAST, replace(FAST, model="模型")])
    kept.keep([replace(FAST, measured_at="2026-11-23")])
    assert kept.find("ollama", "qwen3:8b") == replace(FAST, measured_at="2026-11-23")
    assert kept.find("ollama", "模型") is not None


def test_another_model_of_the_same_name_has_not_been_measured(tmp_path: Path) -> None:
    kept = Measurements(tmp_path / "measured.json")
    kept.keep([FAST])
    assert kept.find("ollama", "qwen3:8b", "abc") == FAST
    assert kept.find("ollama", "qwen3:8b", "other") is None


def test_measurements_of_several_at_once_are_all_kept(tmp_path: Path) -> None:
    file, names = tmp_path / "measured.json", [f"m{n}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: Measurements(file).keep([replace(FAST, model=name)]), names))
    assert [name for name in names if Measurements(file).find("ollama", name) is None] == []


def test_a_failed_measurement_replaces_nothing(tmp_path: Path) -> None:
    kept = Measurements(tmp_path / "measured.json")
    kept.keep([replace(FAST, speeds=())])
    assert not (tmp_path / "measured.json").exists()
    kept.keep([FAST])
    kept.keep([replace(FAST, speeds=(), note="it crashed")])
    assert kept.find("ollama", "qwen3:8b") == FAST


@pytest.mark.parametrize("damage", [b"", b"[1]", b'{"models": [{"provider": 3}]}', b"\xff", b"[" * 100_000])
def test_a_damaged_file_counts_as_empty_and_is_written_anew(damage: bytes, tmp_path: Path) -> None:
    (tmp_path / "measured.json").write_bytes(damage)
    kept = Measurements(tmp_path / "measured.json")
    assert kept.find("ollama", "qwen3:8b") is None
    kept.keep([FAST])
    assert kept.find("ollama", "qwen3:8b") == FAST


def test_an_answer_takes_reading_and_writing() -> None:
    assert FAST.answer_s(600, 40) == 4.0
    assert replace(FAST, speeds=(Speed(512, 300.0, None, "clock"),)).answer_s(600, 40) == math.inf
    longer = replace(FAST, speeds=(*FAST.speeds, Speed(2000, 200.0, None, "clock")))
    assert (longer.prefill_per_s, longer.generation_per_s) == (200.0, 20.0)
