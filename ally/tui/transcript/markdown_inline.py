"""Markdown within a line: emphasis, code and links, as pieces of styled text; nothing of it is lost but its marks."""

import re
from dataclasses import dataclass

from rich.style import Style

from ally.tui.look import Look
from ally.tui.transcript.rows import Piece

_NEAR = 32
"""So many marks that are still open are looked at for the one that a mark closes."""

_TOKEN = re.compile(
    r"""
      (?P<escape>\\[*_`~\#|<>.!+-])
    | (?P<code>(?<!`)(?P<ticks>`+)(?!`)(?P<inner>.{1,2000}?)(?<!`)(?P=ticks)(?!`))
    | (?P<image>!\[[^\[\]\n]{0,500}\]\([^\s()]{0,1000}(?:\([^\s()]{0,500}\)[^\s()]{0,500})?\))
    | (?P<link>\[(?P<label>(?:[^\[\]\n]|\[[^\[\]\n]{0,80}\]){1,500})\]
        \([ ]?<?
        (?P<target>[^\s<>()]{1,2000}(?:\([^\s()]{0,500}\)[^\s<>()]{0,500})?)
        >?(?P<title>[ ]+"[^"\n]{0,300}")?[ ]?\))
    | (?P<url>(?:https?|file|mailto)://?[^\s<>"'`|*()\[\]]+(?:\([^\s()]*\)[^\s<>"'`|*()\[\]]*)?(?<![.,;:!?]))
    | (?P<name>(?<![^\W_])__\w+?__(?![^\W_]))
    | (?P<mark>\*+|_+|~~)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class _Run:
    """Text with its marks; `left` of a run of marks is what nothing closed or opened yet."""

    text: str
    styles: list[str]
    char: str = ""
    left: int = 0
    can_open: bool = False
    can_close: bool = False


def pieces(text: str, look: Look, base: Style) -> list[Piece]:
    """`text`, which is clean, as pieces; what looks like Markdown and is none stays as it is."""
    runs = _runs(text, look)
    _pair(runs)
    out: list[Piece] = []
    for run in runs:
        shown = run.char * run.left if run.char else run.text
        if not shown:
            continue
        style = base
        for name in dict.fromkeys(run.styles):
            style += _STRIKE if name == "strike" else getattr(look, name)
        if out and out[-1][1] == style:
            out[-1] = (out[-1][0] + shown, style)
        else:
            out.append((shown, style))
    return out


_STRIKE = Style(strike=True)


def _runs(text: str, look: Look) -> list[_Run]:
    runs: list[_Run] = []
    at = 0
    for found in _TOKEN.finditer(text):
        if found.start() > at:
            runs.append(_Run(text[at : found.start()], []))
        at = found.end()
        runs += _run(found, text, look)
    if at < len(text):
        runs.append(_Run(text[at:], []))
    return runs


def _run(found: re.Match[str], text: str, look: Look) -> list[_Run]:
    match found.lastgroup:
        case "escape":
            return [_Run(found[0][1:], [])]
        case "code":
            inner = found["inner"]
            is_padded = len(inner) > 2 and inner[0] == inner[-1] == " " and inner.strip()
            return [_Run(inner[1:-1] if is_padded else inner, ["code"])]
        case "link":
            return _link(found, look)
        case "url":
            return [_Run(found[0], ["link"])]
        case "mark":
            return [_mark(found, text)]
        case _:
            return [_Run(found[0], [])]


def _link(found: re.Match[str], look: Look) -> list[_Run]:
    """The label, and behind it always where it leads."""
    label, target, title = found["label"], found["target"], found["title"] or ""
    if label == target:
        return [_Run(target, ["link"]), *([_Run(title, ["dim"])] if title else [])]
    inner = _runs(label, look)
    _pair(inner)
    shown = [_Run(run.char * run.left if run.char else run.text, run.styles) for run in inner]
    return [*shown, _Run(" (", ["dim"]), _Run(target, ["link"]), _Run(f"{title})", ["dim"])]


def _mark(found: re.Match[str], text: str) -> _Run:
    """A run of `*`, `_` or `~`, which opens or closes by what stands beside it."""
    before = text[found.start() - 1] if found.start() else " "
    after = text[found.end()] if found.end() < len(text) else " "
    char = found[0][0]
    is_inner = char == "_" and before.isalnum() and after.isalnum()
    opens = not after.isspace() and not is_inner and not (char == "_" and before.isalnum())
    closes = not before.isspace() and not is_inner and not (char == "_" and after.isalnum())
    return _Run(found[0], [], char, len(found[0]), opens, closes)


def _pair(runs: list[_Run]) -> None:
    """Give what stands between two marks their style."""
    opened: list[int] = []
    for place, run in enumerate(runs):
        if not run.char:
            continue
        if run.can_close:
            while run.left and (at := _opener(runs, opened, run)) is not None:
                start = opened[at]
                size = 2 if min(run.left, runs[start].left) >= 2 else 1
                if run.char == "~" and size != 2:
                    break
                name = "strike" if run.char == "~" else "strong" if size == 2 else "emphasis"
                for inner in runs[start + 1 : place]:
                    inner.styles.append(name)
                run.left -= size
                runs[start].left -= size
                del opened[at + (1 if runs[start].left else 0) :]
        if run.left and run.can_open:
            opened.append(place)


def _opener(runs: list[_Run], opened: list[int], run: _Run) -> int | None:
    for at in range(len(opened) - 1, max(-1, len(opened) - 1 - _NEAR), -1):
        start = runs[opened[at]]
        if start.char == run.char and start.left:
            return at
    return None
