"""Writing and sending."""

import random
from pathlib import Path

import pytest

from ally.terminal.text import clean
from ally.tui.composer.area import KEYS, Area
from tests.unit.tui.composer.host import Host


async def test_enter_sends_and_other_keys_begin_a_line() -> None:
    app = Host()
    async with app.run_test(size=(60, 24)) as pilot:
        await app.type(pilot, "enter", "space", "enter")
        assert app.sent == []
        await app.type(pilot, "backspace", "a", "ctrl+j", "b", "shift+enter", "c", "alt+enter", "d", "\\", "enter", "e")
        assert app.composer.text == "a\nb\nc\nd\ne"
        assert app.composer.size.height == 5
        await app.type(pilot, "enter")
        assert (app.sent, app.composer.text, app.composer.size.height) == (["a\nb\nc\nd\ne"], "", 1)


async def test_keys_in_a_burst_act_in_their_order() -> None:
    app = Host()
    async with app.run_test() as pilot:
        keys = ("o", "n", "x", "backspace", "e", "enter", "t", "w", "left", "left", "right", "o", "enter", "3")
        await app.type(pilot, *keys)
        assert (app.sent, app.composer.text) == (["one", "tow"], "3")


async def test_keys_that_are_not_its_own_reach_the_application() -> None:
    app = Host()
    keys = ["escape", "tab", "shift+tab", "ctrl+o", "ctrl+t", "pageup", "ctrl+home", "alt+up", "f1", "ctrl+c", "ctrl+d"]
    async with app.run_test() as pilot:
        await app.type(pilot, *keys, "up", "ctrl+z", "down")
        assert app.left == [*keys, "ctrl+z"]
        assert app.composer.text == ""


async def test_editing_undo_and_marked_text() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await app.type(pilot, *"one two", "ctrl+left", "ctrl+k", "ctrl+a", "delete", "ctrl+d")
        assert app.composer.text == "e "
        app.composer.clear()
        await app.type(pilot, "ctrl+underscore")
        assert app.composer.text == "e "
        await app.type(pilot, "ctrl+y")
        assert app.composer.text == ""
        await app.type(pilot, *"abc", "shift+left", "shift+left", "ctrl+c")
        assert app.clipboard == "bc"
        await app.type(pilot, "x", "alt+b", "(")
        assert app.composer.text == "(ax"
        app.composer.restore("back\r\nagain")
        assert app.composer.text == "back\nagain"
        app.composer.insert("!")
        assert app.composer.text == "back\nagain!"


async def test_a_character_of_several_code_points_is_one() -> None:
    app = Host()
    async with app.run_test(size=(20, 5)) as pilot:
        area = app.composer.query_one(Area)
        for text, steps in (("e\u0301", 1), ("👩\u200d👩\u200d👧", 1), ("🇩", 1), ("漢", 1), ("שלום", 4)):
            app.composer.restore(f"a{text}b")
            await app.type(pilot, "left")
            before = area.cursor_location
            await app.type(pilot, *["left"] * steps)
            assert area.cursor_location == (0, 1)
            await app.type(pilot, *["right"] * steps)
            assert area.cursor_location == before
            await app.type(pilot, *["backspace"] * steps)
            assert app.composer.text == "ab"


async def test_it_grows_to_a_third_of_the_screen() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        assert app.composer.size.height == 1
        app.composer.restore("\n".join(f"line {number} {'wide ' * 10}" for number in range(60)))
        for size, rows in (((20, 5), 1), ((80, 24), 8), ((300, 90), 30)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert app.composer.size.height == rows
            assert "line 59" in app.screen_text() or size[0] == 20
            assert app.screen_text().splitlines()[-1] == "status"


async def test_the_mark_tells_what_a_text_will_do() -> None:
    app = Host()
    async with app.run_test(size=(40, 8)) as pilot:
        assert "> Write a message" in app.screen_text()
        for keys, line in (("!", "$ !"), ("/", ": /"), ("x", "> x")):
            await app.type(pilot, *keys)
            assert app.screen_text().splitlines()[-2] == line
            await app.type(pilot, "backspace")


async def test_what_waits_is_shown_and_comes_back_with_up() -> None:
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        app.composer.show_queue(["first", "second\nline \x1b[31m[b]", "x" * 100])
        await pilot.pause()
        lines = app.screen_text().splitlines()
        assert lines[-4:-2] == ["queued: 2 more; Up takes the last one ba…"[:39] + "…", "queued: " + "x" * 31 + "…"]
        await app.type(pilot, "up")
        assert app.unqueued == 1
        app.composer.show_queue(["second\nline \x1b[31m[b]"])
        await pilot.pause()
        assert app.screen_text().splitlines()[-3] == "queued: second line [31m[b]"
        await app.type(pilot, "a", "up")
        app.composer.show_queue([])
        await pilot.pause()
        assert app.unqueued == 1
        assert "queued" not in app.screen_text()


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_keys_in_any_order_leave_a_text_that_can_be_shown(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    (tmp_path / "a b").mkdir()
    editing = [*KEYS, "enter", "ctrl+j", "tab", "escape", "ctrl+r", "alt+e", "shift+left", "ctrl+n", "ctrl+p", "ctrl+d"]
    app = Host(tmp_path, tmp_path / "state")
    async with app.run_test(size=(20, 5) if seed == 1 else (60, 20)) as pilot:
        area = app.composer.query_one(Area)
        for _ in range(3):
            keys = [chance.choice([*"ab /@\\[漢\u0301👩\u200dש", *chance.sample(editing, 8)]) for _ in range(40)]
            await app.type(pilot, *keys)
            await app.paste(pilot, chance.choice(["one\ntwo\n" * 9, "y" * 1200, "\x1b[31mred\r\nx"]))
            assert area.unit_at(area.cursor_location) is None
            assert clean(app.composer.text) == app.composer.text
            assert app.screen_text().splitlines()[-1] == "status"
