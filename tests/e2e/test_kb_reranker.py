"""`knowledge.reranker` sorts what is found, wherever it is asked for; the real embedder, a fake service."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunAlly
from tests.e2e import lab
from tests.fakes import FakeOpenAI, Reply
from tests.fakes.server import Exchange, Server

TEXTS = {
    "button.md": "To reset the router hold its red button for ten seconds.",
    "cable.md": "The router is reset as well when its cable is pulled.",
    "password.md": "The password of the router is reset with its red button.",
}


class Sorter(Server):
    """Likes texts about cables. It keeps what it was sent."""

    def handle(self, exchange: Exchange) -> None:
        texts: list[str] = exchange.request.json["documents"]
        scores = [{"index": n, "relevance_score": 0.9 if "cable" in text else 0.1} for n, text in enumerate(texts)]
        exchange.send_json(200, {"results": scores})

    @property
    def sent(self) -> str:
        return " ".join(text for request in self.requests for text in request.json["documents"])


@pytest.fixture
def sorter() -> Iterator[Sorter]:
    with Sorter() as running:
        yield running


@pytest.fixture
def docs(run_ally: RunAlly, checkout: Path, sorter: Sorter, fake_openai: FakeOpenAI, tmp_path: Path) -> Path:
    lab.use(fake_openai, checkout, knowledge={"reranker": "sorter/bge"})
    config = json.loads((checkout / "config.json").read_text())
    config["endpoints"]["sorter"] = {"compatible": "openai", "base_url": f"{sorter.url}/v1", "default_model": "bge"}
    (checkout / "config.json").write_text(json.dumps(config))
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(f"{text}\n")
    assert run_ally("kb", "add", str(folder), "docs").returncode == 0
    return folder


def test_a_search_is_sorted_by_it_and_explained(run_ally: RunAlly, docs: Path, sorter: Sorter) -> None:
    found = json.loads(run_ally("kb", "search", "reset the router", "--json").stdout)
    assert Path(found["hits"][0]["path"]).name == "cable.md"
    assert found["hits"][0]["why"]["rerank_score"] == 0.9
    assert "reranked 0.900" in run_ally("kb", "search", "reset the router", "--explain").stdout
    assert sorter.requests[0].json["model"] == "bge"


def test_offline_it_is_not_asked_and_that_is_said(
    run_ally: RunAlly, docs: Path, checkout: Path, sorter: Sorter
) -> None:
    config = json.loads((checkout / "config.json").read_text())
    config["endpoints"]["sorter"]["base_url"] = "https://sorter.example.com/v1"
    (checkout / "config.json").write_text(json.dumps(config))
    done = run_ally("--offline", "kb", "search", "reset the router", "--json")
    told = json.loads(done.stdout)
    assert len(told["hits"]) == 3
    assert [note for note in told["notes"] if note.startswith("Not reranked: ")]


def test_the_tool_and_grounded_answers_use_it_and_send_it_no_file_that_is_denied(
    run_ally: RunAlly, docs: Path, sorter: Sorter, fake_openai: FakeOpenAI
) -> None:
    deny = ("--deny", f"read({docs}/password.md)")
    fake_openai.script(Reply(tool_calls=[("knowledge", {"query": "reset the router"})]), Reply("Pull it."))
    assert run_ally("-p", "How?", *deny).returncode == 0
    given = fake_openai.requests[-1].json["messages"][-1]["content"]
    assert given.index("cable.md") < given.index("button.md")
    fake_openai.script(Reply("Pull it."))
    assert run_ally("-p", "How do I reset the router?", "--rag", *deny).returncode == 0
    assert len(sorter.requests) == 2
    assert "red button for ten" in sorter.sent
    assert "password" not in sorter.sent
