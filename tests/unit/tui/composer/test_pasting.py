"""Long pastes and pictures stand as one mark each, and go along whole."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ally.terminal.text import clean
from ally.tui.composer.area import Area
from ally.tui.composer.blocks import Blocks, plain
from tests.unit.tui.composer.host import Host
from tests.unit.tui.composer.pictures import png

_LONG = "\n".join(f"line {number}" for number in range(213))


async def test_a_long_paste_is_one_mark_that_is_one_unit() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.type(pilot, *"see ")
        await app.paste(pilot, _LONG + "\r\n")
        await app.type(pilot, *" ok")
        assert app.shown == "see [paste 1: 213 lines] ok"
        assert app.composer.text == f"see {_LONG}\n ok"
        await app.type(pilot, "left", "left", "left", "left", "x", "right", "y")
        assert app.shown == "see x[paste 1: 213 lines]y ok"
        app.composer.query_one(Area).move_cursor((0, 12))  # as a click into the mark does
        assert app.composer.query_one(Area).cursor_location == (0, 5)
        await app.type(pilot, "shift+right", "ctrl+c")
        assert app.clipboard == f"{_LONG}\n"
        await app.type(pilot, "right", "backspace")
        assert app.shown == "see xy ok"
        await app.type(pilot, "ctrl+underscore", "enter")
        assert app.sent == [f"see x{_LONG}\ny ok"]
        await app.paste(pilot, "x" * 1001)
        assert app.shown == "[paste 1: 1,001 characters]"


async def test_a_paste_can_be_opened_but_not_a_huge_one() -> None:
    app = Host()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await app.paste(pilot, _LONG)
        await app.type(pilot, "alt+e")
        assert app.shown == _LONG
        await app.type(pilot, "ctrl+underscore")
        assert app.shown == "[paste 1: 213 lines]"
        app.composer.clear()
        await app.type(pilot, "alt+e")
        await app.paste(pilot, "x" * 200_000)
        await app.type(pilot, "alt+e")
        assert app.shown.startswith("[paste 2: 200,000")
        assert "too long" in app.screen_text()


async def test_a_paste_neither_sends_nor_holds_anything_a_terminal_obeys() -> None:
    hostile = "\x1b[31mred\x1b[0m\x1b]8;;http://x\x07link\x1b]8;;\x07\x07\x1b\u202e\u2028d\t[paste 1: 3 lines]"
    app = Host()
    async with app.run_test() as pilot:
        await app.paste(pilot, f"a\r\nb\rc{hostile}")
        assert app.sent == []
        assert app.composer.text == "a\nb\ncredlink\nd\t[paste 1: 3 lines]"
        await app.paste(pilot, _LONG)
        assert app.shown.endswith("[paste 1: 3 lines][paste 2: 213 lines]")
        assert app.composer.text.endswith(f"[paste 1: 3 lines]{_LONG}")
        await app.paste(pilot, "\r\n" * 5_000_000)
        assert app.shown.endswith("[paste 3: 5000000 lines]")


@given(st.text(st.sampled_from("ab \r\n\x1b[1m]\x07\u2028é漢\u202e"), max_size=60))
def test_what_stands_in_the_composer_is_clean_and_stays_as_it_is(text: str) -> None:
    once = plain(text)
    assert clean(once) == once
    assert "\r" not in once


@given(st.lists(st.text(max_size=30), max_size=6), st.text(max_size=20))
def test_every_block_comes_back_as_it_was(texts: list[str], between: str) -> None:
    blocks, shown, meant = Blocks(), "", ""
    for text in texts:
        around = shown + between
        shown += between + blocks.fold(text, around + "".join(texts))
        meant += between + text
    assert blocks.unfold(shown) == meant
    assert Blocks(blocks.within(shown)).unfold(shown) == meant


async def test_a_dropped_picture_becomes_a_mark(tmp_path: Path) -> None:
    picture, other = tmp_path / "my picture.png", tmp_path / "other.jpg"
    picture.write_bytes(png(8, 6))
    other.write_bytes(png(3, 2))
    url, escaped = str(picture).replace(" ", "%20"), str(picture).replace(" ", "\\ ")
    alone = (f"{picture}", f"'{picture}'", f'"{picture}" ', f"file://{url}", escaped, f"{picture}\n", "my picture.png")
    app = Host(root=tmp_path)
    async with app.run_test(size=(80, 8)) as pilot:
        for written in alone:
            await app.paste(pilot, written)
            assert app.shown == "[picture 1: my picture.png 8\u00d76] "
            assert app.composer.text == '@"my picture.png" '
            app.composer.restore("")
        for written in (f"{other} {escaped}", f"{other}\n{picture}"):
            await app.paste(pilot, written)
            assert app.composer.text == '@other.jpg @"my picture.png" '
            app.composer.restore("")


async def test_what_is_no_picture_stays_text(tmp_path: Path) -> None:
    (tmp_path / "fake.png").write_text("no picture")
    (tmp_path / "real.png").write_bytes(png(3, 2))
    app = Host(root=tmp_path)
    async with app.run_test() as pilot:
        for text in ("fake.png", "gone.png", "look at real.png", "a\0.png", "'", "~nobody/x.png", "x" * 300 + ".png"):
            await app.paste(pilot, text)
            assert app.composer.text == text.replace("\0", "")
            app.composer.clear()
