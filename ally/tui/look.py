"""How parts of the screen look: a style for each meaning, taken from the theme in use."""

from dataclasses import dataclass, field
from typing import Literal

from rich.style import Style


@dataclass(frozen=True, slots=True)
class Look:
    """Styles by meaning. `syntax` is the name of the Pygments style for code, empty for code without colours.

    With `has_color` False every style is built of bold, dim, italic, underline and reverse only.
    """

    text: Style = field(default_factory=Style)
    dim: Style = field(default_factory=lambda: Style(dim=True))
    accent: Style = field(default_factory=lambda: Style(bold=True))
    user: Style = field(default_factory=lambda: Style(bold=True))
    heading: Style = field(default_factory=lambda: Style(bold=True))
    strong: Style = field(default_factory=lambda: Style(bold=True))
    emphasis: Style = field(default_factory=lambda: Style(italic=True))
    code: Style = field(default_factory=Style)
    link: Style = field(default_factory=lambda: Style(underline=True))
    quote: Style = field(default_factory=lambda: Style(dim=True))
    rule: Style = field(default_factory=lambda: Style(dim=True))
    success: Style = field(default_factory=Style)
    warning: Style = field(default_factory=Style)
    error: Style = field(default_factory=lambda: Style(bold=True))
    added: Style = field(default_factory=Style)
    removed: Style = field(default_factory=lambda: Style(dim=True))
    selected: Style = field(default_factory=lambda: Style(reverse=True))
    syntax: str = ""
    diff: Literal["auto", "unified", "side-by-side"] = "auto"
    """How changes are laid out."""
    is_dark: bool = True
    has_color: bool = True
