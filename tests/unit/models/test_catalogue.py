"""The facts of the shipped catalogue."""

import re
from pathlib import Path

import pytest

from ally.errors import ModelFileError
from ally.models.catalogue import STARTER, HubSource, PackageSource, load_catalogue, read_catalogue
from ally.models.sources import parse_source
from ally.models.store import check_name


def test_every_entry_can_be_fetched_checked_and_shown() -> None:
    for name, entry in load_catalogue().items():
        assert check_name(name) == entry.name
        assert entry.licence and entry.parameters and entry.display_name and entry.sources
        assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        assert (entry.size_bytes is None) == (entry.sha256 is None)
        for source in entry.sources:
            if isinstance(source, HubSource):
                assert parse_source(str(source)) == HubSource(source.repo, source.file)
            else:
                assert isinstance(source, PackageSource)
                assert re.fullmatch(r"[0-9a-f]{64}", source.wheel_sha256)


def test_there_is_something_for_every_machine() -> None:
    sizes = [entry.size_bytes for entry in load_catalogue().values() if entry.tools and entry.size_bytes]
    assert min(sizes) < 10**9 < 5 * 10**9 < max(sizes)
    assert {entry.family.rstrip(".0123456789") for entry in load_catalogue().values()} >= {
        "qwen",
        "gemma",
        "llama",
        "granite",
        "smollm",
    }


def test_figures_nobody_measured_are_marked_so() -> None:
    assert [name for name, entry in load_catalogue().items() if entry.evidence == "hashed"] == [STARTER]


@pytest.mark.parametrize("text", ["", "{}", '{"models": [{}]}', '{"models": 3}'])
def test_a_broken_catalogue_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(text)
    with pytest.raises(ModelFileError, match="not a catalogue"):
        read_catalogue(file)
