"""The embedded engine as a process: planning, starting, failing, ending."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ally.config.paths import Paths
from ally.errors import ConfigError, ModelFileError, UnknownModel
from ally.models import store
from ally.models.catalogue import STARTER
from ally.models.engine import DEFAULT_MAX_CONTEXT, Engine, EnginePool, plan
from ally.models.memory import available_bytes, threads_for_inference
from ally.models.progress import ignore
from ally.models.serve import start
from tests.unit.models.making import Value, gguf

TINY = {"num_ctx": 512, "n_threads": 1}
LOADING_S = 30


@pytest.fixture
def starter(paths: Paths) -> Path:
    return store.resolve(paths, STARTER).path


@pytest.fixture
def pool() -> Iterator[EnginePool]:
    pool = EnginePool()
    yield pool
    pool.stop_all()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(pid: int, seconds: float) -> float:
    began = time.monotonic()
    while is_running(pid):
        assert time.monotonic() - began < seconds, "the engine outlived its parent"
        time.sleep(0.01)
    return time.monotonic() - began


def model_file(folder: Path, **pairs: Value) -> Path:
    file = folder / "m.gguf"
    facts: dict[str, Value] = {
        "general.architecture": "llama",
        "llama.context_length": 131072,
        "llama.block_count": 16,
        "llama.embedding_length": 2048,
        "llama.attention.head_count": 32,
        "llama.attention.head_count_kv": 8,
    }
    file.write_bytes(gguf({**facts, **pairs}))
    return file


class TestPlan:
    def test_the_context_is_the_trained_one_within_a_ceiling(self, starter: Path, tmp_path: Path) -> None:
        assert plan(starter, STARTER, {}).n_ctx == 8192
        assert plan(model_file(tmp_path), "m", {}).n_ctx <= DEFAULT_MAX_CONTEXT

    def test_the_context_is_capped_by_memory(self, tmp_path: Path) -> None:
        hungry = plan(model_file(tmp_path, **{"llama.block_count": 4_000_000}), "m", {})
        assert hungry.n_ctx == 2048

    def test_the_user_decides(self, tmp_path: Path) -> None:
        spec = plan(model_file(tmp_path), "m", {"num_ctx": 65536, "n_threads": 3})
        assert (spec.n_ctx, spec.n_threads) == (65536, 3)
        assert plan(model_file(tmp_path), "m", {"context_window": 4096}).n_ctx == 4096

    @pytest.mark.parametrize("options", [{"num_ctx": "big"}, {"num_ctx": 0}, {"n_threads": True}, {"n_threads": -1}])
    def test_nonsense_is_named_with_its_key(self, tmp_path: Path, options: dict[str, object]) -> None:
        with pytest.raises(ConfigError) as caught:
            plan(model_file(tmp_path), "m", options)
        assert caught.value.key == f"provider_options.local.{next(iter(options))}"

    def test_a_model_larger_than_memory_is_refused_before_it_is_loaded(self, tmp_path: Path) -> None:
        file = model_file(tmp_path)
        free = available_bytes()
        assert free is not None
        os.truncate(file, free * 2)  # a hole, not data
        with pytest.raises(ModelFileError, match="of memory") as caught:
            plan(file, "m", {})
        assert "smaller model" in caught.value.hint

    def test_a_context_larger_than_memory_says_what_to_lower(self, tmp_path: Path) -> None:
        with pytest.raises(ModelFileError, match="of memory") as caught:
            plan(model_file(tmp_path), "m", {"num_ctx": 900_000_000})
        assert "num_ctx" in caught.value.hint

    def test_threads_leave_the_machine_usable(self) -> None:
        assert 1 <= threads_for_inference() <= max(1, (os.cpu_count() or 1) - 1)


class TestStart:
    @pytest.mark.skipif(sys.platform != "linux", reason="reads the child's environment from /proc")
    def test_the_child_knows_no_key(self, starter: Path, pool: EnginePool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another")
        engine = pool.acquire(plan(starter, STARTER, TINY))
        engine.ready.result(LOADING_S)
        process = Path(f"/proc/{engine.pid}")
        known = process.joinpath("environ").read_bytes() + process.joinpath("cmdline").read_bytes()
        assert b"PATH=" in known
        assert b"sk-of-another" not in known
        assert engine.ready.result().api_key.encode() not in known

    def test_it_answers_only_with_the_key_and_only_on_loopback(self, starter: Path, pool: EnginePool) -> None:
        import httpx2

        serving = pool.acquire(plan(starter, STARTER, TINY)).ready.result(LOADING_S)
        assert serving.base_url.startswith("http://127.0.0.1:")
        assert serving.n_ctx == 512
        assert serving.api_key not in repr(serving)
        with httpx2.Client(trust_env=False) as client:
            assert client.get(f"{serving.base_url}/models").status_code == 401
            headers = {"Authorization": f"Bearer {serving.api_key}"}
            assert client.get(f"{serving.base_url}/models", headers=headers).status_code == 200

    def test_equal_settings_share_an_engine_and_unused_ones_give_way(self, starter: Path, pool: EnginePool) -> None:
        spec, other = plan(starter, STARTER, TINY), plan(starter, STARTER, {**TINY, "num_ctx": 768})
        first = pool.acquire(spec)
        assert pool.acquire(spec) is first
        pool.release(spec)
        second = pool.acquire(other)
        assert first.alive, "it is still held"
        pool.release(spec)
        pool.release(other)
        assert pool.acquire(spec) is first, "it stayed warm"
        pool.release(spec)
        pool.acquire(plan(starter, STARTER, {**TINY, "num_ctx": 1024}))
        assert not first.alive
        assert not second.alive

    def test_stopping_while_it_loads_takes_no_time(self, starter: Path) -> None:
        engine = Engine(plan(starter, STARTER, TINY))
        began = time.monotonic()
        engine.stop()
        assert time.monotonic() - began < 0.5
        assert not engine.alive
        with pytest.raises(ModelFileError):
            engine.ready.result(5)

    @pytest.mark.parametrize(
        ("spoil", "said", "hint"),
        [
            (lambda data: data[: len(data) // 2], "corrupted or incomplete", "--force"),
            (lambda data: data.replace(b"llama", b"lmama"), "unknown model architecture", "newer"),
        ],
    )
    def test_what_cannot_be_loaded_says_why(
        self, starter: Path, pool: EnginePool, tmp_path: Path, spoil: object, said: str, hint: str
    ) -> None:
        assert callable(spoil)
        bad = tmp_path / "bad.gguf"
        bad.write_bytes(spoil(starter.read_bytes()))
        engine = pool.acquire(plan(bad, "bad", TINY))
        with pytest.raises(ModelFileError, match=said) as caught:
            engine.ready.result(LOADING_S)
        assert hint in caught.value.hint
        assert caught.value.model == "bad"

    def test_a_failed_engine_is_not_handed_out_again(self, starter: Path, pool: EnginePool, tmp_path: Path) -> None:
        file = tmp_path / "m.gguf"
        file.write_bytes(starter.read_bytes()[:50_000_000])
        spec = plan(file, "m", TINY)
        with pytest.raises(ModelFileError):
            pool.acquire(spec).ready.result(LOADING_S)
        file.write_bytes(starter.read_bytes())
        assert pool.acquire(spec).ready.result(LOADING_S).n_ctx == 512

    def test_a_missing_model_that_is_no_starter_is_not_fetched(self, paths: Paths) -> None:
        with pytest.raises(UnknownModel, match="not on this machine"):
            start(paths, "qwen3-8b", {}, ignore)


class TestEnd:
    CODE = """
import os, sys, time
from ally.config.paths import find_paths
from ally.models.engine import engines
from ally.models.serve import start
from ally.models.progress import ignore
started = start(find_paths(os.environ), "smollm2-135m", {"num_ctx": 512, "n_threads": 1}, ignore)
print(started.engine.pid, flush=True)
"""

    @pytest.mark.parametrize(
        ("ending", "status"),
        [("pass", 0), ("os._exit(3)", 3), ("raise SystemExit(4)", 4), ("os.kill(os.getpid(), 9)", -9)],
    )
    def test_the_engine_ends_with_its_parent(self, ending: str, status: int, home: Path) -> None:
        code = f"{self.CODE}\nprint(time.time(), flush=True)\n{ending}\n"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
        ended = time.time()
        pid, leaving = run.stdout.split()
        assert run.returncode == status, run.stderr
        assert run.stderr == ""
        assert ended - float(leaving) < 0.5
        wait_until_gone(int(pid), 2)

    def test_ctrl_c_in_the_terminal_is_not_for_the_engine(self, starter: Path, pool: EnginePool) -> None:
        engine = pool.acquire(plan(starter, STARTER, TINY))
        engine.ready.result(LOADING_S)
        os.kill(engine.pid, signal.SIGINT)
        time.sleep(0.1)
        assert engine.alive
        assert os.getpgid(engine.pid) != os.getpgid(0)
