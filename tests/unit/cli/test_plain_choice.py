"""Choosing in plain lines."""

from collections.abc import Callable

import pytest

from ally.chat.front import Option
from ally.cli.numbered import NumberedList
from ally.cli.plain_choice import choose
from ally.errors import UsageError

MODELS = [
    Option("qwen", "qwen3-4b", ("40,960", "native"), "this machine"),
    Option("big", "gpt-4o", ("128,000", "native"), "cloud", why_not="no OPENAI_API_KEY"),
    Option("tiny", "smollm2-135m", ("8,192", "schema"), "this machine", is_current=True),
    Option("fable", "claude", ("200,000", "native"), "cloud"),
]


EXPLAINED = "(A number or part of a name; ?N tells more, ? lists all, an empty line leaves.)"


class Person:
    """Types one line after the other, and then nothing more."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.asked: list[str] = []

    def __call__(self, prompt: str) -> str | None:
        self.asked.append(prompt)
        return self.lines.pop(0) if self.lines else None


async def pick(
    *lines: str, options: list[Option] = MODELS, space: int = 80, preview: Callable[[str], str] | None = None
) -> str | None:
    return await choose("Model", NumberedList(options, space, 20), preview, Person(*lines))


async def test_options_stand_in_columns_below_their_groups_with_numbers(capsys):
    await pick()
    assert capsys.readouterr().err.splitlines() == [
        "Model",
        "this machine:",
        "1  qwen3-4b            40,960   native",
        "2  smollm2-135m (now)  8,192    schema",
        "cloud:",
        "3  gpt-4o              128,000  native  not now: no OPENAI_API_KEY",
        "4  claude              200,000  native",
        EXPLAINED,
    ]


async def test_a_number_or_a_whole_name_chooses():
    assert await pick("1") == "qwen"
    assert await pick("CLAUDE") == "fable"
    assert await pick("fable") == "fable"
    assert await pick("²", "٤") == "fable"


async def test_a_part_of_a_name_narrows_the_list_and_the_numbers_stay(capsys):
    assert await pick("machine", "2") == "tiny"
    assert "(2 of 4:)" in capsys.readouterr().err
    assert await pick("cde", "4") == "fable"
    shown = capsys.readouterr().err.partition("(1 of 4:)")[2]
    assert "4  claude" in shown
    assert "qwen" not in shown


async def test_what_cannot_be_chosen_says_why_and_asks_again(capsys):
    assert await pick("3", "0", "5", "99999999999", "nothing of the kind", "\ud800", "1") == "qwen"
    said = capsys.readouterr().err
    assert "(gpt-4o cannot be chosen now: no OPENAI_API_KEY)" in said
    assert "(There is no number 5: they go from 1 to 4.)" in said
    assert "(Nothing here is called nothing of the kind.)" in said


@pytest.mark.parametrize("line", ["", "   ", "q", "QUIT"])
async def test_an_empty_line_gives_up(line: str):
    assert await pick(line, "1") is None
    assert await pick() is None


async def test_a_look_at_one_and_at_all_of_them_again(capsys):
    def preview(value: str) -> str:
        if value == "big":
            raise UsageError("No look at that.", hint="ally providers says why")
        return f"about {value}\n\x1b[31mred\n"

    assert await pick("?2", "?3", "?7", "?x", "smoll", "?", "4", preview=preview) == "fable"
    said = capsys.readouterr().err
    assert "smollm2-135m, (now), 8,192, schema\n    about tiny\n    [31mred\n" in said
    assert "Error: No look at that.\n  → /provider says why" in said
    assert said.count("(There is no such number.)") == 2
    assert said.count("4  claude") == 2


async def test_a_long_list_comes_in_parts_when_it_is_asked_for(capsys):
    many = [Option(f"value{number}", f"name {number}") for number in range(1, 50)]
    assert await pick("more", "m", "21", options=many) == "value21"
    parts = capsys.readouterr().err.split("… ")
    assert parts[0].endswith("20  name 20\n")
    assert parts[1].startswith(f"29 more: the word more lists them\n{EXPLAINED}\n21  name 21")
    assert parts[2].endswith("49  name 49\n")


async def test_on_a_narrow_terminal_nothing_is_broken_inside_a_word(capsys):
    await pick(space=24)
    lines = capsys.readouterr().err.splitlines()
    assert "2  smollm2-135m (now)," in lines
    assert "   8,192, schema" in lines
    assert max(map(len, lines[: lines.index(EXPLAINED)])) <= 24


async def test_reasons_give_way_to_a_mark_before_a_list_gets_longer_than_the_screen(capsys):
    why = "it has to be fetched first: !ally models pull it"
    many = [Option(f"v{number}", f"model-{number}", ("32,768",), "to fetch", why_not=why) for number in range(1, 41)]
    assert await choose("Model", NumberedList(many, 60, 12), None, Person("more", "?2", "")) is None
    first, _, more = capsys.readouterr().err.partition(f"{EXPLAINED}\n")
    assert first.splitlines()[1:3] == ["to fetch:", " 1  model-1 (not now)   32,768"]
    assert first.splitlines()[-1] == "… 29 more: the word more lists them"
    assert len(first.splitlines()) == 1 + 12 + 1
    assert more.startswith("to fetch:\n12  model-12 (not now)  32,768")
    assert f"model-2, 32,768, not now: {why}" in more
    await choose("Model", NumberedList(many[:3], 60, 12), None, Person())
    assert "1  model-1, 32,768, not now: it has to be fetched first:\n   !ally" in capsys.readouterr().err


async def test_texts_are_shown_without_what_a_terminal_obeys(capsys):
    bad = [Option("x", "a\x1b[2Jb\nc", ("\u202egnp",), "g\x07", why_not="\x9b31m")]
    await pick("1", "?1", options=bad)
    said = capsys.readouterr().err
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(said)
    assert "1  a[2Jb c" in said


async def test_nothing_to_choose_from_is_said(capsys):
    assert await pick("1", options=[]) is None
    assert "nothing to choose from" in capsys.readouterr().err
