"""/embed and its like, over real files and a real store."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ally.chat.chat import Chat
from ally.chat.commands.registry import COMMANDS, run_command
from ally.chat.knowing import quoted
from ally.errors import KnowledgeError, UnknownCollection, UsageError
from ally.rag.library import Library
from ally.rag.stores.embedded import EmbeddedShelf
from tests.embedders import WordEmbedder
from tests.unit.chat.desk import Desk


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def library(chat: Chat, embedder: WordEmbedder, tmp_path: Path) -> Iterator[Library]:
    library = Library(lambda: EmbeddedShelf(tmp_path / "kb"), lambda: embedder, tmp_path, pytest.fail)
    chat.app.library = library  # what the cached property would have made
    yield library
    for reading in chat.readings.values():
        reading.stop()
        reading.join()
    library.close()


@pytest.fixture
def docs(chat: Chat) -> Path:
    folder = Path("my docs")
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"Number {number} says that the sky is {'blue' * number}.")
    return folder


async def settled(chat: Chat) -> None:
    for reading in chat.readings.values():
        await asyncio.to_thread(reading.join)


async def test_a_folder_with_blanks_is_read_listed_and_read_again(chat, desk: Desk, library, docs):
    await run_command(chat, '/embed "my docs" "my notes"')
    await settled(chat)
    assert library.indexed() == ["my notes"]
    [_, row] = (await run_command(chat, "/list")).splitlines()
    assert row.split()[:5] == ["my", "notes", "indexed", "3", "3"]
    assert row.endswith("my docs")
    assert "3 unchanged" in await run_command(chat, '/embed "my notes"')


async def test_upstreams_lines_keep_their_meaning(chat, desk: Desk, library, docs):
    await run_command(chat, "/embed 'my docs' notes")
    await settled(chat)
    assert "kept out" in await run_command(chat, "/unindex notes")
    assert library.indexed() == []
    assert "used for answers" in await run_command(chat, "/index notes")
    assert library.indexed() == ["notes"]
    assert await run_command(chat, "/delete notes") == "Nothing was deleted."
    desk.picks = lambda options: options[0].value
    assert await run_command(chat, "/delete notes") == "Deleted notes."
    assert library.collections() == []
    assert docs.exists()
    assert "no collection" in await run_command(chat, "/purge")


async def test_all_are_deleted_only_when_somebody_agrees(chat, desk: Desk, library, docs):
    for name in ("one", "two"):
        await run_command(chat, f"/embed 'my docs' {name}")
    await settled(chat)
    assert await run_command(chat, "/purge") == "Nothing was deleted."
    desk.picks = lambda options: options[0].value
    assert await run_command(chat, "/purge") == "Deleted one, two."
    assert library.collections() == []


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("/embed", UsageError),
        ("/embed one", UsageError),
        ("/embed one two three", UsageError),
        ("/embed 'my docs", UsageError),
        ("/embed nothing docs", KnowledgeError),
        ("/embed . -x", KnowledgeError),
        ("/index", UsageError),
        ("/index nothing", UnknownCollection),
        ("/unindex nothing", UnknownCollection),
    ],
)
async def test_lines_that_cannot_be_obeyed_say_why_and_change_nothing(chat, library, line: str, error: type[Exception]):
    with pytest.raises(error):
        await run_command(chat, line)
    assert library.collections() == []


async def test_vectors_are_made_while_the_chat_goes_on(chat, desk: Desk, library, docs, embedder):
    goes_on = asyncio.Event()
    loop = asyncio.get_running_loop()
    embedder.before = lambda texts: asyncio.run_coroutine_threadsafe(goes_on.wait(), loop).result()
    said = await run_command(chat, "/embed 'my docs' notes")
    assert said == "The text of notes can be searched now. Vectors are being made: /list says how far."
    assert "embedding 0 of 3 passages" in await run_command(chat, "/list")
    goes_on.set()
    await settled(chat)
    for _ in range(10):  # what the thread has asked the loop to do
        await asyncio.sleep(0)
    assert "3 added" in desk.said[-1]


async def test_reading_shows_how_far_it_is_and_clears_that_line(chat, desk: Desk, library, docs):
    await run_command(chat, "/embed 'my docs' notes")
    assert any(line.startswith("notes: ") and "files" in line for line in desk.works)
    assert desk.works[-1] == ""


async def test_reading_that_is_stopped_says_how_it_goes_on(chat, desk: Desk, library, docs):
    running = asyncio.ensure_future(run_command(chat, "/embed 'my docs' 'my notes'"))
    desk.when_working = running.cancel
    with pytest.raises(asyncio.CancelledError):
        await running
    assert desk.said[-1] == 'What was read of my notes is kept; /embed "my notes" goes on from there.'
    await settled(chat)
    desk.when_working = lambda: None
    assert "my notes" in await run_command(chat, '/embed "my notes"')
    await settled(chat)
    assert library.collections()[0].files == 3


async def test_another_model_asks_to_rebuild(chat, desk: Desk, library, docs, embedder):
    await run_command(chat, "/embed 'my docs' notes")
    await settled(chat)
    embedder.model = "another"
    desk.picks = lambda options: "rebuild"
    await run_command(chat, "/embed notes")
    await settled(chat)
    assert library.collections()[0].fingerprint == embedder.fingerprint


async def test_names_are_offered(chat, library, docs):
    await run_command(chat, "/embed 'my docs' notes")
    await settled(chat)
    assert [COMMANDS[name].values(chat) for name in ("/embed", "/delete", "/unindex", "/index")] == [
        ["notes"], ["notes"], ["notes"], []
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["notes", "my notes", 'my "best" notes', "Ann's"])
async def test_a_name_that_is_told_can_be_typed(chat, library, docs, name: str):
    await run_command(chat, f"/embed 'my docs' {quoted(name)}")
    await settled(chat)
    assert library.indexed() == [name]
