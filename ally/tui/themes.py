"""The five themes, and what each makes of the parts of the screen.

Contrast (WCAG 2.2, relative luminance): all text of a theme has at least 4.5:1 on each of its backgrounds, in
`ally-contrast` 7:1. `ally-colorblind` takes the colours of Okabe and Ito; added and removed differ as blue and orange.
`ally-terminal` names the terminal's own 16 colours and leaves its background alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style
from textual.theme import Theme

from ally.tui.look import Look

DARK, LIGHT, CONTRAST, COLORBLIND, TERMINAL = (
    "ally-dark",
    "ally-light",
    "ally-contrast",
    "ally-colorblind",
    "ally-terminal",
)

LABELS = {
    DARK: "dark",
    LIGHT: "light",
    CONTRAST: "high contrast",
    COLORBLIND: "colour-blind safe",
    TERMINAL: "the terminal's own 16 colours",
}
"""What each theme is for, in a few words."""

_OWN = "ally-"
_MANY_COLORS = ("256color", "kitty", "direct")


@dataclass(frozen=True, slots=True)
class _Palette:
    """Colours by meaning; `faint` are lines between things, `chosen` lies behind what is selected."""

    background: str
    surface: str
    panel: str
    text: str
    dim: str
    faint: str
    accent: str
    user: str
    code: str
    success: str
    warning: str
    error: str
    added: str
    removed: str
    chosen: str
    syntax: str
    is_dark: bool = True


_PALETTES = {
    DARK: _Palette(
        background="#14161b",
        surface="#191c22",
        panel="#20242d",
        text="#e3e6ec",
        dim="#9ba4b4",
        faint="#3b4252",
        accent="#82b8ff",
        user="#e6c07a",
        code="#c8b6ff",
        success="#84d49a",
        warning="#f0c05a",
        error="#ff9090",
        added="#84d49a",
        removed="#ff9d94",
        chosen="#2b3140",
        syntax="one-dark",
    ),
    LIGHT: _Palette(
        background="#fcfcfa",
        surface="#f4f4f0",
        panel="#eaeae5",
        text="#1d2128",
        dim="#555d68",
        faint="#b9bdc4",
        accent="#0b4fb3",
        user="#7a4100",
        code="#5b2fa3",
        success="#0f5f2a",
        warning="#774600",
        error="#a80f22",
        added="#0f5f2a",
        removed="#a80f22",
        chosen="#dfe6f2",
        syntax="xcode",
        is_dark=False,
    ),
    CONTRAST: _Palette(
        background="#000000",
        surface="#000000",
        panel="#141414",
        text="#ffffff",
        dim="#d6d6d6",
        faint="#a0a0a0",
        accent="#7fdcff",
        user="#ffe066",
        code="#f0c8ff",
        success="#7dff9b",
        warning="#ffd24d",
        error="#ffa3a3",
        added="#7dff9b",
        removed="#ffb0a0",
        chosen="#26263a",
        syntax="bw",
    ),
    COLORBLIND: _Palette(
        background="#101216",
        surface="#16191f",
        panel="#1d2129",
        text="#e6e8ec",
        dim="#a2aab8",
        faint="#434b5a",
        accent="#56b4e9",
        user="#f0e442",
        code="#dc9fc4",
        success="#56b4e9",
        warning="#f0e442",
        error="#f28c46",
        added="#56b4e9",
        removed="#e69f00",
        chosen="#28303d",
        syntax="one-dark",
    ),
    TERMINAL: _Palette(
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        text="ansi_default",
        dim="",
        faint="",
        accent="ansi_magenta",
        user="ansi_cyan",
        code="ansi_cyan",
        success="ansi_green",
        warning="ansi_yellow",
        error="ansi_red",
        added="ansi_green",
        removed="ansi_red",
        chosen="",
        syntax="bw",
    ),
}


def default_theme(env: Mapping[str, str]) -> str:
    """The theme for a terminal that `env` describes, when the user chose none.

    One without 256 colours, and one that shall show none (NO_COLOR), keeps its own; else COLORFGBG, which some set,
    says whether the background is light.
    """
    if _wants_no_color(env) or not _has_many_colors(env):
        return TERMINAL
    return LIGHT if _is_background_light(env) else DARK


def choose_theme(wanted: str | None, env: Mapping[str, str]) -> str:
    """The theme to show: `wanted` if it is one and colours may be shown, else the default one.

    Textual takes NO_COLOR out of the environment of the process: `env` is how it was before.
    """
    if wanted not in THEMES or _wants_no_color(env):
        return default_theme(env)
    return wanted


def look_of(theme: Theme, *, has_color: bool) -> Look:
    """How `theme` shows each part. `has_color` False: bold, dim, italic, underline and reverse only."""
    if not has_color:
        return Look(is_dark=theme.dark, has_color=False, syntax="bw", warning=Style(bold=True))
    of = theme.variables.get
    text, dim = _style(theme.foreground), _muted(of("ally-dim", ""))
    chosen = of("ally-chosen", "")
    return Look(
        text=text,
        dim=dim,
        accent=_style(theme.primary, bold=True),
        user=_style(of("ally-user", theme.secondary), bold=True),
        heading=_style(theme.primary, bold=True),
        strong=Style(bold=True),
        emphasis=Style(italic=True),
        code=_style(of("ally-code", theme.accent)),
        link=_style(theme.primary, underline=True),
        quote=dim,
        rule=_muted(of("ally-faint", "")),
        success=_style(theme.success),
        warning=_style(theme.warning),
        error=_style(theme.error, bold=True),
        added=_style(of("ally-added", theme.success)),
        removed=_style(of("ally-removed", theme.error)),
        selected=Style(bgcolor=_rich(chosen)) if chosen else Style(reverse=True),
        syntax=_PALETTES[theme.name].syntax if theme.name in _PALETTES else "",
        is_dark=theme.dark,
    )


def _theme(name: str, palette: _Palette) -> Theme:
    is_ansi = palette.background.startswith("ansi_")
    own = {
        "dim": palette.dim,
        "faint": palette.faint,
        "user": palette.user,
        "code": palette.code,
        "added": palette.added,
        "removed": palette.removed,
        "chosen": palette.chosen,
    }
    variables = {_OWN + part: value for part, value in own.items() if value}
    return Theme(
        name=name,
        primary=palette.accent,
        secondary=palette.user,
        warning=palette.warning,
        error=palette.error,
        success=palette.success,
        accent=palette.code,
        foreground=palette.text,
        background=palette.background,
        surface=palette.surface,
        panel=palette.panel,
        dark=palette.is_dark,
        ansi=is_ansi,
        variables=variables | (_ANSI_PARTS if is_ansi else _parts(palette)),
    )


def _parts(palette: _Palette) -> dict[str, str]:
    """What Textual would mix with too little contrast."""
    return {
        "text": palette.text,
        "text-muted": palette.dim,
        "text-disabled": palette.dim,
        "foreground-muted": palette.dim,
        "foreground-disabled": palette.dim,
        "border": palette.accent,
        "border-blurred": palette.faint,
        "block-cursor-foreground": palette.background,
        "block-cursor-background": palette.accent,
        "block-cursor-blurred-foreground": palette.text,
        "block-cursor-blurred-background": palette.chosen,
        "block-hover-background": palette.chosen,
        "input-selection-foreground": palette.background,
        "input-selection-background": palette.accent,
        "screen-selection-foreground": palette.background,
        "screen-selection-background": palette.accent,
        "scrollbar": palette.faint,
        "scrollbar-hover": palette.dim,
        "scrollbar-active": palette.accent,
        "scrollbar-background": palette.background,
        "scrollbar-background-hover": palette.background,
        "scrollbar-background-active": palette.background,
        "scrollbar-corner-color": palette.background,
    }


_ANSI_PARTS = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    # What is chosen is shown reversed: that is seen on every background, and without colours.
    "block-cursor-foreground": "ansi_default",
    "block-cursor-background": "ansi_default",
    "block-cursor-text-style": "bold reverse",
    "block-cursor-blurred-text-style": "underline",
    "block-hover-background": "ansi_default",
    "input-cursor-text-style": "reverse",
    "input-selection-background": "ansi_cyan",
    "input-selection-foreground": "ansi_black",
    "screen-selection-background": "ansi_cyan",
    "screen-selection-foreground": "ansi_black",
    "border-blurred": "ansi_default",
    "scrollbar": "ansi_magenta",
    "scrollbar-hover": "ansi_magenta",
    "scrollbar-active": "ansi_magenta",
    "scrollbar-background": "ansi_default",
    "scrollbar-background-hover": "ansi_default",
    "scrollbar-background-active": "ansi_default",
}

THEMES: dict[str, Theme] = {name: _theme(name, palette) for name, palette in _PALETTES.items()}
"""The themes by name, in the order in which they are offered."""


def _style(color: str | None, *, bold: bool | None = None, underline: bool | None = None) -> Style:
    return Style(color=_rich(color or ""), bold=bold, underline=underline)


def _muted(color: str) -> Style:
    """Where a theme has no colour for it, the terminal makes its own fainter."""
    return Style(color=_rich(color)) if color else Style(dim=True)


def _rich(color: str) -> str | None:
    name = color.removeprefix("ansi_")
    return None if name in ("", "default") else name


def _wants_no_color(env: Mapping[str, str]) -> bool:
    return bool(env.get("NO_COLOR"))


def _has_many_colors(env: Mapping[str, str]) -> bool:
    """As Rich decides it, which otherwise sends the nearest of 16 colours."""
    if env.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return True
    kind = env.get("TERM", "").strip().lower()
    return not kind or kind.rpartition("-")[2] in _MANY_COLORS  # Windows sets none


def _is_background_light(env: Mapping[str, str]) -> bool:
    """COLORFGBG is `foreground;background`, sometimes with a word between, in numbers of the 16 colours."""
    return env.get("COLORFGBG", "").rpartition(";")[2].strip() in ("7", "15")
