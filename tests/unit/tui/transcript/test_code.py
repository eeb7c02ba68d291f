"""Code in colours."""

import pytest

from ally.tui.look import Look
from ally.tui.transcript import code
from ally.tui.transcript.rows import Piece

COLORED = Look(syntax="one-dark")
SAMPLES = (
    "def f(x):\n    '''doc\n\n    string'''\n    return x + 1  # comment",
    '/* open\n\tint main() { "\\',
    "\x00\u202e日本語 e\u0301\n\n  <b>&amp;\n",
    "",
    "x" * 9000,
)


def loaded(lines: tuple[str, ...], language: str, look: Look) -> list[list[Piece]]:
    code.colored(lines, language, look)
    code.load()
    return code.colored(lines, language, look)


@pytest.mark.parametrize(
    "language", ["python", "js", "c++", "html", "bash", "json", "diff", "yaml", "md", "no-such", "", "java"]
)
def test_colours_never_change_the_text(language: str) -> None:
    for sample in SAMPLES:
        lines = tuple(sample.split("\n"))
        assert ["".join(text for text, _ in line) for line in loaded(lines, language, COLORED)] == list(lines)


def test_code_is_plain_until_its_lexer_is_loaded_and_then_coloured() -> None:
    lines = ("let x = 1",)  # in a language that no other test loads
    assert code.colored(lines, "nim", COLORED) == [[("let x = 1", COLORED.code)]]
    assert code.is_wanted()
    assert len({style.color for _, style in loaded(lines, "nim", COLORED)[0]}) > 1
    assert not code.is_wanted()


def test_without_colours_only_weight_and_slant_differ() -> None:
    for look in (Look(syntax="bw", has_color=False), Look()):
        pieces = loaded(("def f(): return 'x'  # c",), "python", look)[0]
        assert all(style.color is None and style.bgcolor is None for _, style in pieces)
