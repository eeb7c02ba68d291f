"""What was written before comes back: by Up and Down, by searching, as a draft."""

from pathlib import Path

from ally.chat.drafts import Drafts
from ally.chat.history import History
from tests.unit.tui.composer.host import Host

_LONG = "\n".join(f"line {number}" for number in range(800))


async def test_up_and_down_walk_and_the_unfinished_text_comes_back(tmp_path: Path) -> None:
    History(tmp_path / "prompts.jsonl").add("from before", Path("/other"))
    app = Host(tmp_path, tmp_path)
    async with app.run_test(size=(60, 20)) as pilot:
        await app.type(pilot, *"one", "enter", *"two", "ctrl+j", *"lines", "enter", *"@un")
        await app.paste(pilot, _LONG)
        begun = app.shown
        await app.type(pilot, "up")
        assert app.composer.text == "two\nlines"
        await app.type(pilot, "up")
        assert app.composer.text == "one"
        await app.type(pilot, "up", "up", "up")
        assert app.composer.text == "from before"
        await app.type(pilot, "down", "down", "down")
        assert (app.shown, app.composer.text) == (begun, f"@un{_LONG}")
        await app.type(pilot, "up", "up", *"!", "down", "up")
        assert app.composer.text == "two\nlines"
        await app.type(pilot, "down", "down")
        assert app.composer.text == "one!"


async def test_searching_takes_one_or_gives_the_text_back(tmp_path: Path) -> None:
    history = History(tmp_path / "prompts.jsonl")
    for text in ("fix the parser", "write tests\nfor the [b]parser[/b]", "fix the parser", "\x1b[31mred"):
        history.add(text, tmp_path)
    app = Host(tmp_path, tmp_path)
    async with app.run_test(size=(60, 20)) as pilot:
        await app.type(pilot, *"begun")
        await app.type(pilot, "ctrl+r")
        assert app.offered == ["[31mred", "fix the parser", "write tests for the [b]parser[/b]"]
        assert app.composer.is_popup_open
        assert app.composer.text == "begun"
        await app.type(pilot, *"PARSER the", "tab")
        assert app.composer.text == "fix the parser"
        await app.type(pilot, "ctrl+r", *"parser", "ctrl+r")
        lines = [line for line in app.screen_text().splitlines() if "parser" in line]
        assert lines == ["  fix the parser", "> write tests for the [b]parser[/b]", "? parser"]
        await app.type(pilot, "enter")
        assert app.composer.text == "write tests\nfor the [b]parser[/b]"
        for key in ("escape", "ctrl+c"):
            await app.type(pilot, "ctrl+r", *"nothing", "ctrl+j", key)
            assert app.composer.text == "write tests\nfor the [b]parser[/b]"
            assert not app.composer.is_popup_open
        assert app.sent == []


async def test_what_was_sent_is_kept_but_no_keys(tmp_path: Path) -> None:
    app = Host(tmp_path, tmp_path)
    async with app.run_test() as pilot:
        await app.type(pilot, *"hello", "enter", *"sk-secret", "enter", *"sk-secret two")
    assert app.sent == ["hello", "sk-secret"]
    assert History(tmp_path / "prompts.jsonl").entries() == ["hello"]
    assert list((tmp_path / "drafts").glob("*.json")) == []


async def test_a_draft_comes_back_in_its_folder_until_it_is_sent(tmp_path: Path) -> None:
    first = Host(tmp_path, tmp_path)
    async with first.run_test() as pilot:
        await first.type(pilot, *"ask: ")
        await first.until(pilot, lambda: len(list((tmp_path / "drafts").glob("*.lock"))) == 1)
        second = Host(tmp_path, tmp_path)
        async with second.run_test() as other:
            await second.type(other, *"another")
            await second.until(other, lambda: len(list((tmp_path / "drafts").glob("*.lock"))) == 2)
        assert second.composer.text == "another"
        await first.paste(pilot, _LONG)  # so that this draft is the newer one
    again = Host(tmp_path, tmp_path)
    async with again.run_test() as pilot:
        await again.until(pilot, lambda: again.shown != "")
        assert again.shown == "ask: [paste 1: 800 lines]"
        await again.type(pilot, "enter")
        assert again.sent == [f"ask: {_LONG}"]
    held = Drafts.claim(tmp_path, tmp_path)
    assert held is not None
    draft = held.load()
    held.close()
    assert draft is not None
    assert draft.text == "another"
