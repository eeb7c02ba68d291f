"""The tool that finds passages, over real collections."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ally.engine.conversation import Conversation
from ally.engine.gate import Gate
from ally.engine.tool_calls import run_calls
from ally.errors import KnowledgeError, ToolError, UnknownCollection
from ally.messages import ToolCall
from ally.permissions.paths import Place
from ally.permissions.policy import Policy
from ally.permissions.rules import parse_rule
from ally.providers.model import Profile
from ally.rag.citing.sources import Sources
from ally.rag.librarian import Librarian, room
from ally.rag.library import Library
from ally.rag.search.query import Query
from ally.sandbox import choose
from ally.tools.base import Run
from ally.tools.builtin.knowledge import KnowledgeTool
from ally.tools.catalogue import TOOL_NAMES, Bench, build_tools
from ally.tools.workspace import Workspace
from tests.scripted import NoteTool, ScriptedModel
from tests.shelves import make_library, put


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    (tmp_path / "work/secret").mkdir(parents=True)
    (tmp_path / "work/router.md").write_text("# Router\n\nTo reset the router, hold the red button for ten seconds.\n")
    (tmp_path / "work/secret/plan.md").write_text("# Plan\n\nNobody may know when the router is replaced.\n")
    (tmp_path / "garden.md").write_text("# Garden\n\nTomatoes want much water and little wind.\n")
    library = make_library(tmp_path)
    yield library
    library.close()


@pytest.fixture
def filled(library: Library, tmp_path: Path) -> Library:
    put(library, "docs", [tmp_path / "work/router.md", tmp_path / "work/secret/plan.md"])
    put(library, "private", [tmp_path / "garden.md"])
    return library


def policy_of(home: Path, *rules: tuple[str, str]) -> Policy:
    place = Place(home / "work", home, (), ())
    return Policy(place, [parse_rule(text, effect, "test") for effect, text in rules], "ask", confined=True)


def bench_of(library: Library, home: Path, *rules: tuple[str, str]) -> Bench:
    policy, sources = policy_of(home, *rules), Sources()
    workspace = Workspace(home / "work", home, home / "spill")
    librarian = Librarian.under(policy, lambda: library, lambda: True)
    return Bench(
        workspace, lambda: choose({}), policy.hidden, tuple, lambda: False, librarian=librarian, sources=lambda: sources
    )


async def test_passages_come_with_numbers_and_places(filled: Library, tmp_path: Path):
    tool = KnowledgeTool(bench_of(filled, tmp_path))
    output = await tool.run({"query": "how do I reset the router"}, Run())
    assert output.for_model.startswith("[1] router.md:1-3\n```\n# Router\n\nTo reset the router, hold the red button")
    assert "Cite what you take" in output.for_model
    assert output.for_user == "3 passages from 3 files"
    assert [Path(source.path).name for source in output.sources] == ["router.md", "plan.md", "garden.md"]
    again = await tool.run({"query": "red button"}, Run())
    assert again.sources[0] == output.sources[0]


async def test_one_collection_can_be_named_and_an_unknown_one_names_the_others(filled: Library, tmp_path: Path):
    tool = KnowledgeTool(bench_of(filled, tmp_path))
    output = await tool.run({"query": "router water", "collection": "private"}, Run())
    assert output.for_model.startswith("[1] ~/garden.md:1-3\n")
    with pytest.raises(UnknownCollection, match="docs, private"):
        await tool.run({"query": "x", "collection": "other"}, Run())
    filled.index("private", is_indexed=False)
    with pytest.raises(UnknownCollection):
        await tool.run({"query": "tomatoes", "collection": "private"}, Run())


async def test_what_is_not_there_is_said(filled: Library, tmp_path: Path):
    tool = KnowledgeTool(bench_of(filled, tmp_path, ("deny", "read")))
    output = await tool.run({"query": "reset the router"}, Run())
    assert output.for_model.startswith("Nothing was found in docs, private.")
    assert "files that may not be read" in output.for_model
    assert (output.sources, output.for_user) == ((), "nothing in docs, private")
    with pytest.raises(ToolError, match="empty"):
        await tool.run({"query": "  "}, Run())


async def test_files_that_may_not_be_read_are_left_out(filled: Library, tmp_path: Path):
    tool = KnowledgeTool(bench_of(filled, tmp_path, ("deny", "read(secret/**)")))
    output = await tool.run({"query": "when is the router replaced"}, Run())
    assert "Nobody may know" not in output.for_model
    assert "[1 found in files that may not be read are left out.]" in output.for_model


@pytest.mark.parametrize("effect", ["deny", "ask"])
async def test_a_collection_under_a_rule_is_not_searched_along(filled: Library, tmp_path: Path, effect: str):
    bench = bench_of(filled, tmp_path, (effect, "knowledge(private)"))
    tool = KnowledgeTool(bench)
    output = await tool.run({"query": "tomatoes and water for the router"}, Run())
    assert "Tomatoes" not in output.for_model
    named = tool.action({"query": "x", "collection": "private"})
    assert type(policy_of(tmp_path, (effect, "knowledge(private)")).decide(named)).__name__.lower() == effect


async def test_a_call_asks_nobody_and_its_sources_go_into_the_history(filled: Library, tmp_path: Path):
    bench = bench_of(filled, tmp_path)
    talk = Conversation(ScriptedModel([]), tools=build_tools(["knowledge"], bench), librarian=bench.librarian)
    talk.gate = Gate(policy_of(tmp_path), None)
    async for _ in run_calls(talk, [ToolCall("c", "knowledge", {"query": "red button"})]):
        pass
    (result,) = talk.last_results()
    assert not result.is_error
    assert Path(result.sources[0].path).name == "router.md"


class Sized(ScriptedModel):
    def __init__(self, **facts: object) -> None:
        super().__init__([])
        self.facts = facts

    @property
    def profile(self) -> Profile:
        return Profile("scripted", "script-1", location="local", **self.facts)


def names(talk: Conversation) -> list[str]:
    return [tool.spec.name for tool in talk.offered]


def test_the_tool_is_offered_where_a_collection_is_indexed(library: Library, tmp_path: Path):
    bench = bench_of(library, tmp_path)
    talk = Conversation(Sized(), tools=[NoteTool(), *build_tools(["knowledge"], bench)], librarian=bench.librarian)
    assert names(talk) == ["note"]
    put(library, "docs", [tmp_path / "garden.md"])
    assert names(talk) == ["note"]
    assert (talk.renew_tools(), names(talk)) == (True, ["note", "knowledge"])
    assert not talk.renew_tools()
    library.index("docs", is_indexed=False)
    assert (talk.renew_tools(), names(talk)) == (True, ["note"])


def test_models_get_what_they_can_handle(filled: Library, tmp_path: Path):
    bench = bench_of(filled, tmp_path)
    tools = build_tools(TOOL_NAMES, bench)
    small = Conversation(Sized(parameters=3_000_000_000), tools=tools, librarian=bench.librarian)
    assert list(small.offered[-1].spec.parameters["properties"]) == ["query"]
    tiny = Conversation(Sized(parameters=100_000_000, tool_calling="schema"), tools=tools, librarian=bench.librarian)
    assert "knowledge" not in names(tiny)


async def test_passages_take_no_more_than_their_part_of_the_window(library: Library, tmp_path: Path):
    for number in range(30):
        text = f"The router number {number} is reset with button {number}. " * 12
        (tmp_path / f"work/{number}.md").write_text(text)
    put(library, "many", [tmp_path / f"work/{number}.md" for number in range(30)])
    bench = bench_of(library, tmp_path)
    sizes = []
    for window in (2_048, 8_192, None):
        given = bench.librarian.find(Query("router reset button", 20, room(window)), Sources())
        sizes.append(len(given.text) / 3.6)
        assert sizes[-1] <= room(window) * 1.15
    assert sizes == sorted(sizes)
    assert [room(window) for window in (1_000, 8_192, 128_000, None)] == [500, 1_365, 4_000, 4_000]


def test_without_collections_nobody_is_asked(library: Library, tmp_path: Path):
    librarian = Librarian.under(policy_of(tmp_path), lambda: pytest.fail("it was opened"), lambda: False)
    assert (librarian.names(), librarian.is_ready()) == ([], False)
    with pytest.raises(KnowledgeError, match="No collection is indexed"):
        librarian.find(Query("x"), Sources())
