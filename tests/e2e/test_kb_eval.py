"""`ally kb eval` as a user types it: real files, the real embedder that comes along, a scripted model for questions."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RunAlly
from tests.e2e import lab
from tests.fakes import FakeOpenAI, Reply
from tests.fakes.server import Exchange, Server

THINGS = ("router", "printer", "bicycle", "kettle", "telescope", "garden hose")


class Silent(Server):
    """An embedder that never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = threading.Event()
        self.may_leave = threading.Event()

    def handle(self, exchange: Exchange) -> None:
        self.is_asked.set()
        self.may_leave.wait(60)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number, thing in enumerate(THINGS, 1):
        (folder / f"{number}.md").write_text(
            f"# All about the {thing}\n\nWhoever owns a {thing} has to know what is in this text, sooner or later.\n\n"
            f"## Cleaning the {thing}\n\nTake a cloth and {number} litres of water. Rub it until it shines again, and"
            " let it dry for a day or two.\n\n"
            f"## Storing a {thing}\n\nPut it on shelf {number} of the cellar, where neither frost nor sun can reach it"
            " before spring comes.\n"
        )
    return folder


def test_settings_stand_side_by_side_with_a_sentence_that_says_what_to_do(run_ally: RunAlly, docs: Path) -> None:
    assert run_ally("kb", "add", str(docs), "docs").returncode == 0
    told = run_ally("kb", "eval", "docs", "--chunk-tokens", "40", "--limit", "12")
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0] == "docs: 12 questions about 6 files."
    assert max(map(len, lines[:-1])) <= 80
    assert [line.split(",")[1] for line in lines if line.startswith("local/")] == [" 224 tokens", " 40 tokens"]
    assert [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "] == [
        "words",
        "vectors",
        "both",
    ] * 2
    assert "nDCG@10" in lines[-1]
    again = json.loads(run_ally("kb", "eval", "docs", "--limit", "12", "--json").stdout)
    both = next(row for row in again["rows"] if (row["way"], row["kind"]) == ("both", ""))
    assert 0 < both["low"] <= both["ndcg_10"] <= both["high"] <= 1
    assert both["p50_ms"] <= both["p95_ms"]
    assert [facts["name"] for facts in json.loads(run_ally("kb", "list", "--json").stdout)] == ["docs"]


def test_a_model_writes_questions_where_it_is_asked_to(
    run_ally: RunAlly, checkout: Path, docs: Path, fake_openai: FakeOpenAI
) -> None:
    lab.use(fake_openai, checkout)
    assert run_ally("kb", "add", str(docs), "docs").returncode == 0
    fake_openai.script(*[Reply(f"Where does the {thing} spend the winter?") for thing in THINGS])
    done = run_ally("kb", "eval", "docs", "--questions", "model", "--limit", "12", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert "generated" in {row["kind"] for row in rows}
    assert "<text>" in fake_openai.requests[-1].json["messages"][-1]["content"]


def test_what_cannot_be_measured_says_why(run_ally: RunAlly, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Milk.\n")
    assert run_ally("kb", "add", str(tmp_path / "note.txt"), "docs").returncode == 0
    for words, code, problem in (
        (("nothing",), 1, "There is no collection 'nothing'"),
        (("docs",), 1, "Only 0 questions can be made of docs"),
        (("docs", "--chunk-tokens", "many"), 2, "--chunk-tokens takes whole numbers"),
        (("docs", "--embedder", "nobody/x"), 2, "Unknown provider: nobody"),
        (("docs", "--limit", "0"), 2, "--limit has to be at least 1"),
    ):
        done = run_ally("kb", "eval", *words)
        assert (done.returncode, problem in done.stderr) == (code, True), done.stderr
        assert "Traceback" not in done.stderr


def test_an_interruption_leaves_nothing_behind(
    run_ally: RunAlly, ally_environment: Callable[[Path], dict[str, str]], checkout: Path, docs: Path, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Silent() as silent:
        endpoint = {"compatible": "openai", "base_url": f"{silent.url}/v1", "default_model": "m"}
        (checkout / "config.json").write_text(json.dumps({"endpoints": {"lab": endpoint}}))
        assert run_ally("kb", "add", str(docs), "docs").returncode == 0
        words = [sys.executable, "-m", "ally", "kb", "eval", "docs", "--embedder", "lab/m"]
        environment = {**ally_environment(checkout), "TMPDIR": str(scratch)}
        with subprocess.Popen(words, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running:
            assert silent.is_asked.wait(10), running.communicate()
            assert list(scratch.glob("ally-eval-*"))
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=30)
        silent.may_leave.set()
    assert running.returncode == 130, told
    assert "Interrupted. Nothing was kept" in told
    assert not list(scratch.glob("ally-eval-*"))
