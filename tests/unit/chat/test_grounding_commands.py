"""/start_rag, /stop_rag and /refs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ally.chat.chat import Chat
from ally.chat.commands.registry import run_command
from ally.chat.standing import standing
from ally.errors import KnowledgeError, UsageError
from ally.messages import AssistantMessage, Citation, Source, Text, UserMessage, user
from ally.rag.library import Library
from tests.shelves import make_library, put
from tests.unit.chat.desk import Desk


@pytest.fixture
def library(chat: Chat, tmp_path: Path) -> Iterator[Library]:
    (tmp_path / "router.md").write_text("".join(f"Line {number} of the router.\n" for number in range(1, 40)))
    library = chat.app.library = make_library(tmp_path)  # what the cached property would have made
    chat.talk.librarian.is_any = lambda: True
    yield library
    library.close()


async def test_answers_come_from_collections_until_it_is_ended(chat: Chat, library: Library, tmp_path: Path):
    with pytest.raises(KnowledgeError, match="No collection is indexed"):
        await run_command(chat, "/start_rag")
    assert chat.talk.grounding is None
    put(library, "docs", [tmp_path / "router.md"])
    assert "Answers come from docs alone" in await run_command(chat, "/start_rag")
    assert standing(chat).grounding == "rag"
    assert "your collections only" in await run_command(chat, "/status")
    assert "docs first" in await run_command(chat, "/start_rag open")
    assert standing(chat).grounding == "rag open"
    await run_command(chat, "/agent code_gen")
    assert standing(chat).grounding == "rag open"
    assert await run_command(chat, "/stop_rag") == "Answers come from anywhere again."
    assert standing(chat).grounding == ""
    assert "already" in await run_command(chat, "/stop_rag")
    with pytest.raises(UsageError):
        await run_command(chat, "/start_rag docs")


async def test_refs_opens_what_the_last_answer_cites(chat: Chat, desk: Desk, library: Library, tmp_path: Path):
    path = str(tmp_path / "router.md")
    first = Citation(1, path, 3, 4, quote="Line 3.")
    cited = (first, replace(first, line_start=9), Citation(2, path, quote="not there", is_found=False), first)
    said = AssistantMessage((Text("x [1]"),), "x [1]", cited)
    chat.talk.messages += [user("?"), said, user("thanks"), AssistantMessage((Text("Welcome."),))]
    desk.picks = lambda options: options[1].value
    assert await run_command(chat, "/refs") == ""
    labels = [option.label for option in desk.asked["Open"]]
    assert [label.partition(" ")[0] for label in labels] == ["[1]", "[1]"]
    assert labels[0].endswith('router.md:3-4 "Line 3."')
    assert "    3  Line 3 of the router." in desk.previews["0"]
    assert desk.looked_at == [(Path(path), 9)]
    desk.can_ask = False
    assert (await run_command(chat, "/references")).splitlines() == labels


async def test_refs_falls_back_on_the_passages_that_were_given(chat: Chat, desk: Desk, tmp_path: Path):
    sources = (Source(1, str(tmp_path / "a.md"), 2, 5), Source(2, "/b.pdf", label="page 3"))
    chat.talk.go_on([UserMessage((Text("?"),), "passages", sources), AssistantMessage((Text("So."),))])
    await run_command(chat, "/refs [1]")
    assert desk.looked_at == [(tmp_path / "a.md", 2)]
    assert await run_command(chat, "/refs 2") == "[2] /b.pdf, page 3\n/b.pdf"
    for text in ("/refs 3", "/refs x"):
        with pytest.raises(UsageError):
            await run_command(chat, text)
    chat.talk.clear()
    with pytest.raises(UsageError, match="No answer has cited"):
        await run_command(chat, "/refs")
