"""Code in colours, plain until Pygments and the lexer have been loaded in the background."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.style import Style

from ally.tui.look import Look
from ally.tui.transcript.rows import Piece

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.style import StyleMeta
    from pygments.token import _TokenType  # pyright: ignore[reportPrivateUsage] - the type of tokens has no other name

_MOST_CHARS, _MOST_IN_LINE = 6_000, 400
"""Longer code stays plain: some lexers take time that grows with the square of a line."""

_NAMES: dict[str, str] = {
    name: names.split()[0]
    for names in (
        "python py python3 pyi", "pycon", "bash sh shell zsh", "console shell-session", "fish", "powershell ps1 pwsh",
        "bat batch", "javascript js mjs cjs jsx node", "typescript ts tsx", "json jsonc json5 jsonl", "yaml yml",
        "toml", "ini cfg conf", "properties", "html htm xhtml", "xml svg xsd", "css", "scss", "less", "vue",
        "sql", "mysql", "postgresql postgres", "c h", "cpp c++ cc hpp cxx", "csharp cs c#",
        "objective-c objc", "kotlin kt",
        "scala", "groovy gradle java", "swift", "go golang", "rust rs", "zig", "nim", "d", "ruby rb", "php", "perl pl",
        "lua", "r", "julia jl", "matlab", "haskell hs", "ocaml ml", "fsharp fs f#", "elixir ex exs", "erlang erl",
        "clojure clj", "common-lisp lisp", "scheme", "dart", "docker dockerfile", "make makefile",
        "cmake", "nix", "terraform hcl tf",
        "nginx", "diff patch", "graphql", "protobuf proto", "markdown md", "rst", "tex latex", "http", "vim viml",
        "awk", "asm nasm",
    )
    for name in names.split()
}  # fmt: skip
"""What people write behind ``` and the lexer for it; only these, since lexers differ in how they take hostile text.

Java has that of Groovy, which is as good: its own took 0.8 s for 4,000 characters of plain words (2026-11-22).
"""


class _Loaded:
    """Lexers and styles by name, and the names that were asked for and are not loaded yet."""

    def __init__(self) -> None:
        self.lexers: dict[str, Lexer] = {}
        self.styles: dict[str, StyleMeta] = {}
        self.wanted: set[tuple[str, str]] = set()


_LOADED = _Loaded()


def is_wanted() -> bool:
    """Whether code was shown plain that would have colours after `load`."""
    return bool(_LOADED.wanted)


def load() -> None:
    """Load what was wanted; may take 0.1 s, so not on the event loop."""
    from pygments.lexers import get_lexer_by_name  # heavy  # pyright: ignore[reportUnknownVariableType] - its options
    from pygments.styles import get_style_by_name  # heavy  # pyright: ignore[reportUnknownVariableType] - its argument

    while _LOADED.wanted:
        name, style = _LOADED.wanted.pop()
        if style not in _LOADED.styles:
            _LOADED.styles[style] = get_style_by_name(style)
        if name not in _LOADED.lexers:
            _LOADED.lexers[name] = get_lexer_by_name(name, stripnl=False, ensurenl=False)
    colored_lines.cache_clear()


def colored(lines: tuple[str, ...], language: str, look: Look) -> list[list[Piece]]:
    """Each line as pieces; without colours if the language is not known or not loaded."""
    name = _NAMES.get(language.strip("{}.").partition(",")[0].partition(":")[0])
    size = sum(map(len, lines))
    if name is None or not look.syntax or not size or size > _MOST_CHARS or max(map(len, lines)) > _MOST_IN_LINE:
        return [[(line, look.code)] for line in lines]
    if name not in _LOADED.lexers or look.syntax not in _LOADED.styles:
        _LOADED.wanted.add((name, look.syntax))
        return [[(line, look.code)] for line in lines]
    return list(colored_lines(lines, name, look.syntax, look.code, look.has_color))


@lru_cache(maxsize=64)
def colored_lines(
    lines: tuple[str, ...], name: str, syntax: str, base: Style, has_color: bool
) -> Sequence[list[Piece]]:
    """The lines in the colours of a Pygments style."""
    text = "\n".join(lines)
    try:
        tokens = list(_LOADED.lexers[name].get_tokens(text))
    except Exception:  # noqa: BLE001 - boundary: a lexer of Pygments is run over hostile text
        tokens = []
    rows: list[list[Piece]] = [[]]
    for token, value in tokens:
        style = _style(syntax, token, base, has_color)
        first, *others = value.split("\n")
        if first.isspace() and rows[-1]:  # one piece less to paint
            rows[-1][-1] = (rows[-1][-1][0] + first, rows[-1][-1][1])
        elif first:
            rows[-1].append((first, style))
        for line in others:
            rows.append([(line, style)] if line else [])
    if "\n".join("".join(part for part, _ in row) for row in rows) != text:
        return [[(line, base)] for line in lines]
    return rows


@lru_cache(maxsize=1024)
def _style(syntax: str, token: "_TokenType", base: Style, has_color: bool) -> Style:
    from pygments.token import Token  # heavy

    found = None
    while found is None:
        try:
            found = _LOADED.styles[syntax].style_for_token(token)
        except KeyError:  # a kind of token that only this lexer knows: as what it is a kind of
            token = token.parent or Token
    color = found["color"] if has_color else None
    ansi = found.get("ansicolor") if has_color else None
    name = _ANSI.get(ansi, ansi.removeprefix("ansi").replace("bright", "bright_")) if ansi else None
    return base + Style(
        color=name or (f"#{color}" if color else None),
        bold=found["bold"] or None,
        italic=found["italic"] or None,
        underline=found["underline"] or None,
    )


_ANSI = {"ansigray": "white", "ansibrightblack": "bright_black", "ansiwhite": "bright_white"}
