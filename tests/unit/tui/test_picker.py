"""Choosing one of several things on the screen."""

import threading

import pytest
from rich.cells import cell_len
from textual.app import App

from ally.chat.front import Option
from ally.tui.picker import Picker
from ally.tui.picker_lines import entries_of, fitted, fitting, listing, widths_of
from ally.tui.picker_rows import Rows

MODELS = [
    Option("a", "qwen3:8b", ("32,768", "native"), "ollama"),
    Option("b", "phi4-mini", ("16,384", "text"), "local engine", is_current=True),
    Option("c", "gpt-5", ("400,000", "native"), "openai", why_not="no key: set OPENAI_API_KEY"),
    Option("d", "qwen3-coder:30b", ("65,536", "native"), "ollama"),
]
HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "[bold red]x[/]",
    "a\nb\tc",
    "\u202eleft",
    "\ud800",
    "名前" * 40,
    "e\u0301" * 30,
    "👩\u200d👩\u200d👧",
    "\x07\x9b2J",
]
MANY = [Option(str(number), f"model {number}", ("native", f"{number} tok/s")) for number in range(5000)]


class Host(App[None]):
    """An app that asks once."""

    def __init__(self, picker: Picker) -> None:
        super().__init__()
        self.picker, self.chosen = picker, ["nothing yet"]

    def on_mount(self) -> None:
        self.push_screen(self.picker, self.chosen.append)

    def seen(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


def listed(options, query=""):
    entries = entries_of(options)
    found = fitting(entries, query)
    lines = listing(entries, found, is_sorted=bool(query)).lines
    return [line if isinstance(line, str) else entries[line].option.value for line in lines]


def test_options_of_one_group_stand_together_below_its_name():
    assert listed(MODELS) == ["ollama", "a", "d", "local engine", "b", "openai", "c"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("qwen", ["ollama", "a", "d"]),
        ("coder", ["ollama", "d"]),
        ("q3cod", ["ollama", "d"]),
        ("NATIVE gpt", ["openai", "c"]),
        ("nothing like it", []),
        ("  ", ["ollama", "a", "d", "local engine", "b", "openai", "c"]),
    ],
)
def test_letters_of_a_label_or_a_cell_find_an_option(query, expected):
    assert listed(MODELS, query) == expected


def test_joined_pictures_stand_one_by_one_because_terminals_disagree_on_their_width():
    family, persian = entries_of([Option("family", HOSTILE[7]), Option("persian", "می\u200dخ")])
    assert (family.cells[0], cell_len(family.cells[0])) == ("👩👩👧", 6)
    assert "\u200d" in persian.cells[0]
    assert family.option.value == "family"


def test_the_best_match_of_a_group_comes_first():
    options = [Option(name, name) for name in ("old-plan", "xplanx", "plan", "planner")]
    assert listed(options, "plan") == ["plan", "planner", "old-plan", "xplanx"]


def test_columns_never_take_more_than_the_room():
    for room in range(1, 60):
        drawn = fitted(widths_of(entries_of(MODELS)), room)
        assert sum(drawn) + 2 * sum(1 for wide in drawn[1:] if wide) <= room


async def test_the_current_option_is_marked_and_enter_takes_what_is_typed_for():
    app = Host(Picker("Model", MODELS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert ">* 3 phi4-mini" in app.seen()
        assert "Model (4)" in app.seen()
        await pilot.press(*"coder30")
        await pilot.pause()
        assert "Model (1 of 4)" in app.seen()
        assert ">  1 qwen3-coder:30b" in app.seen()
        await pilot.press("enter")
    assert app.chosen[-1] == "d"


async def test_what_cannot_be_had_says_why_and_is_not_taken():
    app = Host(Picker("Model", MODELS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("end")
        await pilot.pause()
        assert "no key: set OPENAI_API_KEY" in app.seen()
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Picker)
        await pilot.press("escape")
    assert app.chosen[-1] is None


async def test_a_digit_takes_from_a_short_list_and_is_text_in_a_long_one():
    app = Host(Picker("Model", MODELS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
    assert app.chosen[-1] == "d"
    app = Host(Picker("Model", MANY))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4", "9", "9", "9")
        await pilot.pause()
        assert "Model (1 of 5,000)" in app.seen()
        assert "model 4999" in app.seen()
        await pilot.press("enter")
    assert app.chosen[-1] == "4999"


async def test_moving_stops_at_the_ends_and_shows_where_it_is():
    app = Host(Picker("Model", MANY))
    async with app.run_test(size=(80, 24)) as pilot:
        rows = app.screen.query_one(Rows)

        async def at(*keys: str) -> str:
            await pilot.press(*keys)
            await pilot.pause()
            assert f"> {rows.selected.cells[0]}" in app.seen().replace(">  ", "> ")
            return rows.selected.option.value

        assert await at("up") == "0"
        page = int(await at("pagedown"))
        assert 5 < page < 24
        assert await at("pageup") == "0"
        assert await at("end") == "4999"
        assert await at("down") == "4999"
        assert await at("up") == "4998"
        assert await at("home") == "0"


async def test_a_slow_preview_is_made_beside_and_those_passed_by_are_not():
    asked, go_on = [], threading.Event()

    def preview(value: str) -> str:
        asked.append(value)
        go_on.wait(10)
        return f"about {value}\x1b[31m"

    app = Host(Picker("Model", MANY, preview))
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause(0.1)
        await pilot.press(*["down"] * 8)
        go_on.set()
        while "about 8" not in app.seen():
            await pilot.pause(0.02)
        assert "\x1b" not in app.seen()
        assert len(asked) < 4
        await pilot.press("escape")


async def test_it_works_from_tiny_to_huge_and_through_resizing():
    app = Host(Picker("Model", [*MODELS, *MANY], lambda value: f"about {value}\n" * 50))
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.pause()
        assert "qwen3:8b" in app.seen() or "phi4-mini" in app.seen()
        for size in ((300, 90), (100, 10), (60, 16), (30, 6), (20, 5), (1, 1), (80, 30)):
            await pilot.resize_terminal(*size)
            await pilot.press("down")
        await pilot.press("enter")
    assert app.chosen[-1] == "5"


async def test_hostile_names_are_shown_as_text_and_given_back_as_they_are():
    options = [Option(text, text, (text,), text, why_not="") for text in HOSTILE]
    app = Host(Picker(HOSTILE[0], options, lambda value: value))
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause(0.2)
        for _ in options:
            await pilot.press("down")
            assert not any(char in app.seen() for char in "\x1b\x07\x9b\u202e\ud800")
        assert "[bold red]x[/]" in app.seen()
        await pilot.press("enter")
    assert app.chosen[-1] in HOSTILE


async def test_a_click_takes_an_option_and_no_heading():
    app = Host(Picker("Model", MODELS))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click(Rows, offset=(5, 0))
        assert isinstance(app.screen, Picker)
        await pilot.click(Rows, offset=(5, 2))
    assert app.chosen[-1] == "d"


async def test_an_empty_list_says_so_and_pasted_control_sequences_are_dropped():
    app = Host(Picker("Session", []))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "There is nothing to choose from." in app.seen()
        app.screen.query_one("#filter").insert_text_at_cursor("\x1b[31mx\x07")
        await pilot.press("enter", "1", "down", "pageup")
        assert "[31mx1" in app.seen()
        await pilot.press("escape")
    assert app.chosen[-1] is None


async def test_what_the_list_cuts_stands_in_full_below_it_and_the_question_is_never_cut():
    title = "Do you trust AGENTS.md in /home/ada/shop? Who wrote that would have a say in what Ally does."
    told = "its instructions go to the model, its settings hold"
    app = Host(Picker(title, [Option("no", "no", ("Ally works here without",)), Option("yes", "yes", (told,))]))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("down")
        await pilot.pause()
        words = " ".join(app.seen().split())
        assert title in words
        assert told in words
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        assert "> 2 yes" in " ".join(app.seen().split())
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert app.seen().count(told) == 1


async def test_what_is_typed_before_a_question_that_nobody_asked_for_is_seen_takes_nothing():
    host = Host(Picker("Trust?", [Option("no", "no"), Option("yes", "yes")], quiet_s=60))
    async with host.run_test() as pilot:
        await pilot.press("2", "enter", "backspace", "enter")
        await pilot.click(Rows, offset=(3, 1))
        assert host.chosen == ["nothing yet"]
        await pilot.press("escape")
        assert host.chosen == ["nothing yet", None]
    host = Host(Picker("Trust?", [Option("no", "no"), Option("yes", "yes")], quiet_s=0.01))
    async with host.run_test() as pilot:
        await pilot.pause(0.05)
        await pilot.press("2")
        assert host.chosen == ["nothing yet", "yes"]
