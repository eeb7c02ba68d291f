"""Every theme can be read, by everybody, on every terminal."""

from itertools import product
from pathlib import Path

import pytest
from pygments.styles import get_style_by_name
from textual.app import App
from textual.theme import Theme
from textual.widgets import OptionList

from ally.app import App as Ally
from ally.chat.start import Start
from ally.config.paths import Paths
from ally.config.schema import describe
from ally.tui.app import AllyApp
from ally.tui.look import Look
from ally.tui.themes import CONTRAST, DARK, LABELS, LIGHT, TERMINAL, THEMES, choose_theme, default_theme, look_of

COLORED = [theme for theme in THEMES.values() if not theme.ansi]
TEXTS = ("text", "dim", "accent", "user", "heading", "code", "link", "quote", "success", "warning", "error")
PROTANOPIA = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
"""Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB."""


def linear(color: str) -> list[float]:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: relative luminances, the lighter to the darker."""
    lights = sorted(
        sum(part * weight for part, weight in zip(linear(color), (0.2126, 0.7152, 0.0722), strict=True))
        for color in (one, other)
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def color_of(look: Look, part: str) -> str:
    return getattr(look, part).color.name


@pytest.mark.parametrize("theme", COLORED, ids=lambda theme: theme.name)
def test_all_text_has_enough_contrast_on_every_background(theme: Theme):
    least = 7 if theme.name == CONTRAST else 4.5
    look = look_of(theme, has_color=True)
    assert look.selected.bgcolor is not None
    backgrounds = [theme.background, theme.surface, theme.panel, look.selected.bgcolor.name]
    for part, background in product((*TEXTS, "added", "removed"), backgrounds):
        assert contrast(color_of(look, part), background or "") >= least, (part, background)
    pairs = theme.variables
    for name in ("block-cursor", "input-selection", "screen-selection"):
        assert contrast(pairs[f"{name}-foreground"], pairs[f"{name}-background"]) >= least, name
    codes = {token["color"] for _, token in get_style_by_name(look.syntax) if token["color"]}
    for code, background in product(codes, (theme.background, theme.surface)):
        assert contrast(f"#{code}", background or "") >= least, (code, background)


def test_added_and_removed_differ_for_eyes_without_red_or_green():
    look = look_of(THEMES["ally-colorblind"], has_color=True)
    for first, second in (("added", "removed"), ("success", "error")):
        for matrix in (PROTANOPIA, DEUTERANOPIA):
            seen = [
                [
                    sum(weight * part for weight, part in zip(row, linear(color_of(look, name)), strict=True))
                    for row in matrix
                ]
                for name in (first, second)
            ]
            assert sum((one - other) ** 2 for one, other in zip(*seen, strict=True)) ** 0.5 > 0.4, (first, second)


def test_the_settings_offer_exactly_these_themes():
    offered = set((describe(("tui", "theme")) or {})["enum"]) - {None}
    assert offered == set(THEMES) == set(LABELS)


@pytest.mark.parametrize(
    ("env", "theme"),
    [
        ({}, DARK),
        ({"TERM": "xterm-256color"}, DARK),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, LIGHT),
        ({"TERM": "rxvt-256color", "COLORFGBG": "0;default;15"}, LIGHT),
        ({"TERM": "xterm-kitty", "COLORFGBG": "15;0"}, DARK),
        ({"TERM": "screen", "COLORTERM": "truecolor", "COLORFGBG": "nonsense"}, DARK),
        ({"TERM": "linux"}, TERMINAL),
        ({"TERM": "xterm"}, TERMINAL),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, TERMINAL),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, DARK),
    ],
)
def test_the_first_theme_suits_the_terminal(env: dict[str, str], theme: str):
    assert default_theme(env) == choose_theme(None, env) == choose_theme("no such", env) == theme


def test_a_chosen_theme_wins_unless_no_colours_are_wanted():
    assert choose_theme(LIGHT, {"TERM": "linux"}) == LIGHT
    assert choose_theme(LIGHT, {"NO_COLOR": "1"}) == TERMINAL


def test_the_theme_that_is_kept_is_there_at_the_first_paint(tmp_path: Path):
    def first(settings: str) -> str:
        (tmp_path / "config.json").write_text(settings)
        env = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        ally = Ally(env, Paths(*[tmp_path] * 4), None, False, lambda text: None, {})
        return AllyApp(ally, Start()).theme

    usual = first("{}")
    assert usual != CONTRAST
    assert first(f'{{"tui": {{"theme": "{CONTRAST}"}}}}') == first(f'{{"tui": {{"\\u0074heme": "{CONTRAST}"}}}}')
    assert first('{"tui": {"theme": "no such"}}') == first('{"theme"') == usual


def test_without_colours_nothing_is_told_by_one():
    for theme in THEMES.values():
        look = look_of(theme, has_color=False)
        styles = [getattr(look, part) for part in (*TEXTS, "added", "removed", "selected")]
        assert not any(style.color or style.bgcolor for style in styles)
        assert (look.has_color, look.is_dark) == (False, theme.dark)
        assert look.selected.reverse


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES.values():
            self.register_theme(theme)

    def compose(self):
        yield OptionList("one", "two")


async def test_every_theme_can_be_shown_and_the_terminals_own_names_no_other_colours():
    app = Host()
    async with app.run_test(size=(20, 5)) as pilot:
        for name in THEMES:
            app.theme = name
            await pilot.pause()
            strips = app.screen._compositor.render_strips()
            styles = [segment.style for strip in strips for segment in strip if segment.style]
            if name == TERMINAL:
                colors = {color for style in styles for color in (style.color, style.bgcolor) if color}
                assert all(color.is_default or color.is_system_defined for color in colors)
                assert any(style.reverse for style in styles), "the chosen option"
