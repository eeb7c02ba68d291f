from pathlib import Path

import pytest

from ally.config.paths import Paths, find_checkout, find_paths
from ally.errors import ConfigError


def test_xdg_folders_end_in_ally():
    paths = find_paths({"HOME": "/home/ann", "XDG_CONFIG_HOME": "/conf", "XDG_STATE_HOME": "/state"})
    assert paths.config == Path("/conf/ally")
    assert paths.state == Path("/state/ally")
    assert paths.data == Path("/home/ann/.local/share/ally")
    assert paths.cache == Path("/home/ann/.cache/ally")


def test_relative_xdg_folder_is_ignored_as_the_specification_says():
    assert find_paths({"HOME": "/home/ann", "XDG_CONFIG_HOME": "conf"}).config == Path("/home/ann/.config/ally")


def test_ally_home_moves_everything_and_beats_xdg():
    paths = find_paths({"ALLY_HOME": "/a b/ü", "XDG_CONFIG_HOME": "/conf"})
    assert (paths.config, paths.data, paths.state) == (Path("/a b/ü"),) * 3
    assert paths.cache == Path("/a b/ü/cache")


@pytest.mark.parametrize("text", ["", "  "])
def test_empty_ally_home_counts_as_not_set(text: str):
    assert find_paths({"HOME": "/home/ann", "ALLY_HOME": text}).config == Path("/home/ann/.config/ally")


@pytest.mark.parametrize(("text", "folder"), [("~/x", "/home/ann/x"), ("~", "/home/ann")])
def test_tilde_in_ally_home_is_the_home_folder(text: str, folder: str):
    assert find_paths({"HOME": "/home/ann", "ALLY_HOME": text}).data == Path(folder)


@pytest.mark.parametrize("text", ["here", "./x", "../x"])
def test_relative_ally_home_is_refused_because_it_would_follow_the_working_folder(text: str):
    with pytest.raises(ConfigError, match="absolute") as caught:
        find_paths({"HOME": "/home/ann", "ALLY_HOME": text})
    assert caught.value.key == "ALLY_HOME"


def test_looking_for_folders_creates_nothing(tmp_path: Path):
    find_paths({"HOME": str(tmp_path)})
    find_paths({"ALLY_HOME": str(tmp_path / "x")})
    assert list(tmp_path.iterdir()) == []


def test_checkout_is_found_from_any_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    checkout = find_checkout()
    assert checkout is not None
    assert (checkout / "ally" / "config").is_dir()
    assert checkout.is_absolute()


def test_what_ally_writes_is_its_folders_and_in_the_one_it_works_in_what_it_keeps_there(tmp_path: Path):
    paths = Paths(*(tmp_path / name for name in ("config", "data", "state", "cache")))
    assert paths.written(tmp_path) == [tmp_path / name for name in ("data", "state", "cache")]
    inside = paths.written(tmp_path / "data" / "mine")
    assert tmp_path / "data" not in inside
    assert {tmp_path / "data" / "sessions.db", tmp_path / "data" / "kb", tmp_path / "state"} <= set(inside)
