"""`ally kb` as a user types it: real files, the real embedder that comes along, a scripted model for the answer."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RunAlly
from tests.e2e import lab
from tests.fakes import FakeOpenAI, Reply

ROUTER = """# Router

## Reset

To reset the router hold the red button
for ten seconds, then wait for the blue light.
"""


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "my docs"
    folder.mkdir()
    (folder / "router.md").write_text(ROUTER)
    (folder / "garden.txt").write_text("Tomatoes want much water and little wind.\n")
    (folder / "empty.txt").write_text("")
    return folder


def test_a_folder_is_read_searched_and_kept_up_to_date(run_ally: RunAlly, docs: Path, home: Path) -> None:
    added = run_ally("kb", "add", docs, "docs")
    assert added.returncode == 0, added.stderr
    assert "docs: 2 added, 1 skipped" in added.stderr
    assert "empty" in added.stderr
    [facts] = json.loads(run_ally("kb", "list", "--json").stdout)
    assert (facts["name"], facts["files"], facts["embedded"]) == ("docs", 2, facts["passages"])
    skipped = run_ally("kb", "list", "docs", "--skipped")
    assert skipped.stdout == f"{docs / 'empty.txt'}: skipped: is empty\n"
    found = json.loads(run_ally("kb", "search", "which plants need a lot of moisture?", "--json").stdout)
    assert Path(found["hits"][0]["path"]).name == "garden.txt"  # shares no word with it
    explained = run_ally("kb", "search", "reset the router", "--explain")
    assert "router.md:1-6" in explained.stdout
    assert "words #1" in explained.stdout
    (docs / "router.md").write_text(ROUTER.replace("red", "green"))
    (docs / "garden.txt").rename(docs / "plants.txt")
    synced = run_ally("kb", "sync", "docs")
    assert "docs: 1 changed, 1 moved" in synced.stderr
    assert "green button" in run_ally("kb", "search", "reset the router", "--whole").stdout
    assert run_ally("kb", "unindex", "docs").returncode == 0
    refused = run_ally("kb", "search", "router")
    assert (refused.returncode, "No collection is indexed" in refused.stderr) == (1, True)
    kept = run_ally("kb", "remove", "docs")
    assert kept.returncode == 2
    assert run_ally("kb", "remove", "--yes", "docs").returncode == 0
    assert json.loads(run_ally("kb", "list", "--json").stdout) == []
    left = {path.relative_to(home).parts[:3] for path in home.rglob("*") if path.is_file()}
    assert left <= {(".local", "share", "ally"), (".local", "state", "ally")}  # no library keeps anything of its own


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("add", "nowhere", "docs"), 1, "There is nothing at"),
        (("add", ".", ""), 1, "cannot be called"),
        (("add", "", "docs"), 2, "The path is empty"),
        (("sync", "nothing"), 1, "There is no collection 'nothing'"),
        (("search", "x", "-c", "nothing"), 1, "There is no collection 'nothing'"),
        (("list", "nothing"), 1, "There is no collection 'nothing'"),
        (("list", "--skipped"), 2, "ally kb list NAME --skipped"),
        (("index", "nothing"), 1, "There is no collection 'nothing'"),
        (("remove", "--yes", "nothing"), 1, "There is no collection 'nothing'"),
        (("fly",), 2, "fly"),
    ],
)
def test_what_cannot_be_done_says_why(run_ally: RunAlly, words: tuple[str, ...], code: int, problem: str) -> None:
    done = run_ally("kb", *words)
    assert (done.returncode, problem in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_right_citations_are_shown_and_others_struck_out(
    run_ally: RunAlly, checkout: Path, docs: Path, fake_openai: FakeOpenAI
) -> None:
    lab.use(fake_openai, checkout)
    assert run_ally("kb", "add", docs, "docs").returncode == 0
    answer = (
        'Hold it [1 "hold the red button for ten seconds"]. Never the green one [1 "hold the green button"].'
        ' So it is written [7 "for ten seconds"].'
    )
    fake_openai.script(Reply(tool_calls=[("knowledge", {"query": "reset the router"})]), Reply(answer))
    done = run_ally("-p", "How do I reset the router?", "--output-format", "json")
    told = json.loads(done.stdout)
    [citation] = told["citations"]
    assert Path(citation["path"]).name == "router.md"
    assert (citation["line_start"], citation["line_end"]) == (5, 6)
    assert told["citations_struck"] == 2
    assert 'Hold it [1]. Never the green one ~~[1 "hold the green button"]~~' in told["result"]


def test_a_watched_folder_is_read_when_it_changes(
    ally_environment: Callable[[Path], dict[str, str]], checkout: Path, docs: Path, run_ally: RunAlly
) -> None:
    command = [sys.executable, "-m", "ally", "kb", "add", str(docs), "docs", "--watch"]
    told: list[str] = []
    with subprocess.Popen(command, env=ally_environment(checkout), stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            told.append(line)
            if line.startswith("Watching docs"):
                (docs / "tower.md").write_text("The tower is 81 m high.")
            elif line.startswith("docs: 1 added"):
                (docs / "tower.md").unlink()
            elif line.startswith("docs: 1 removed"):
                child.send_signal(signal.SIGINT)
    assert child.returncode == 0, told
    assert told[-1] == "docs is not watched any more.\n"
    assert "tower" not in run_ally("kb", "list", "docs").stdout
