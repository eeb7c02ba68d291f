"""What the status line consists of, and what of it gives way when there is little room."""

from collections.abc import Sequence
from dataclasses import dataclass

from ally.chat.standing import (
    ALMOST_FULL,
    PLACES,
    Standing,
    bytes_text,
    cost_text,
    dollars_text,
    fill_text,
    percent,
    sandbox_text,
    sent_text,
    tokens_text,
)
from ally.terminal.table import cut, width
from ally.terminal.text import one_line

SEPARATOR_COLUMNS = 3
_SHORT_NAME, _SHORTEST_NAME = 12, 6


@dataclass(frozen=True, slots=True)
class Part:
    """Something to say in several lengths, the longest first; an empty one leaves it out.

    What has the least `weight` is shortened first. `meaning` names a style of `Look`; no meaning is told by it alone.
    """

    weight: int
    forms: tuple[str, ...]
    meaning: str = "dim"


Shown = tuple[str, str]
"""A text and what it means."""


def parts_of(now: Standing) -> list[Part]:
    """What there is to say of a chat, in the order in which it stands."""
    parts = [
        _agent(now),
        _model(now),
        _mode(now),
        _grounding(now),
        _sandbox(now),
        _fill(now),
        _tokens(now),
        _cost(now),
        _reuse(now),
        _sent(now),
    ]
    return [part for part in parts if part.forms[0]]


def busy_parts(text: str, frame: str, seconds: int | None, left: int | None) -> list[Part]:
    """What runs: its mark, its name, how long it has run or how long it still waits."""
    name = one_line(text).removesuffix(" Trying again.").rstrip(".") if left is not None else one_line(text)
    mark = f"{frame} " if frame else ""
    time = f", again in {left} s" if left is not None else f" {_clock(seconds)}" if seconds else ""
    return [Part(95, tuple(dict.fromkeys(f"{mark}{cut(name, room)}{time}" for room in (60, 30, 14, 8))), "accent")]


def fitted(parts: Sequence[Part], columns: int, lines: int) -> list[list[Shown]]:
    """The parts on so many lines of so many columns: the least important are shortened, then left out, then cut."""
    chosen = [0] * len(parts)
    while (rows := _wrapped(parts, chosen, columns)) and (len(rows) > lines or _is_too_wide(rows, columns)):
        able = [place for place, part in enumerate(parts) if chosen[place] < len(part.forms) - 1]
        if not able:
            break
        least = min(able, key=lambda place: parts[place].weight)
        chosen[least] += 1
    return [[(cut(text, max(1, columns)), meaning) for text, meaning in row] for row in rows[:lines]]


def _wrapped(parts: Sequence[Part], chosen: Sequence[int], columns: int) -> list[list[Shown]]:
    rows: list[list[Shown]] = [[]]
    for part, form in zip(parts, chosen, strict=True):
        if not (text := part.forms[form]):
            continue
        if rows[-1] and _wide([*rows[-1], (text, "")]) > columns:
            rows.append([])
        rows[-1].append((text, part.meaning))
    return rows


def _is_too_wide(rows: Sequence[Sequence[Shown]], columns: int) -> bool:
    return any(_wide(row) > columns for row in rows)


def _wide(row: Sequence[Shown]) -> int:
    return sum(width(text) for text, _ in row) + SEPARATOR_COLUMNS * (len(row) - 1)


def _agent(now: Standing) -> Part:
    name = one_line(now.agent)
    is_usual = name == "general"
    return Part(30 if is_usual else 55, (cut(name, 24), *([] if is_usual else [cut(name, 8)]), ""), "text")


def _model(now: Standing) -> Part:
    """Where it runs is told before anything else goes, unless it is this machine."""
    name, provider = one_line(now.model), one_line(now.provider)
    whole, last = cut(f"{provider}:{name}", 48), name.rpartition("/")[2]
    short, shortest = cut(last, _SHORT_NAME), cut(last, _SHORTEST_NAME)
    place = PLACES[now.location]
    if now.location == "local":
        return Part(80, (f"{whole} {place}", whole, short, shortest, ""), "text")
    mark = "LAN" if now.location == "lan" else "cloud"
    forms = (f"{whole} {place}", f"{cut(name, 24)} {mark}", f"{short} {mark}", f"{shortest} {mark}", mark)
    return Part(80, forms, "warning")


def _mode(now: Standing) -> Part:
    if now.mode == "bypass":
        return Part(90, ("! bypass",), "error")
    return Part(70, (now.mode, ""), "text")


def _grounding(now: Standing) -> Part:
    return Part(72, (now.grounding, ""), "accent")


def _sandbox(now: Standing) -> Part:
    is_weak = now.tier == "C"
    return Part(60 if is_weak else 35, (sandbox_text(now), ""), "warning" if is_weak else "dim")


def _fill(now: Standing) -> Part:
    if now.filled is None:
        return Part(40, (fill_text(now), ""))
    share, is_high = percent(now.filled), now.filled >= ALMOST_FULL
    mark = "! " if is_high else ""
    return Part(75 if is_high else 65, (mark + fill_text(now), mark + share, ""), "warning" if is_high else "dim")


def _tokens(now: Standing) -> Part:
    if not now.input_tokens and not now.output_tokens:
        return Part(20, ("",))
    return Part(20, (f"{tokens_text(now.input_tokens)}↑ {tokens_text(now.output_tokens)}↓", ""))


def _cost(now: Standing) -> Part:
    """Nothing where it is not known, and for what costs nothing."""
    short = dollars_text(now.cost, is_whole=now.is_cost_whole) if now.cost else ""
    return Part(52, (cost_text(now), short, ""))


def _reuse(now: Standing) -> Part:
    return Part(10, ("" if now.reused is None else f"reuse {percent(now.reused)}", ""))


def _sent(now: Standing) -> Part:
    """What left the machine; where nothing may, it says that."""
    if now.is_offline:
        return Part(45, ("offline", ""))
    total = now.sent.lan + now.sent.cloud
    if not total:
        return Part(25, ("left: nothing", ""))
    return Part(50, (f"left: {sent_text(now.sent)}", f"left: {bytes_text(total)}", ""))


def _clock(seconds: int | None) -> str:
    if not seconds or seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60}:{seconds % 60:02} min"
