"""Which elements of a web page a reader would see, and which of them are the page itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ally.permissions.paths import words

NEVER = frozenset(
    words(
        "script style template noscript head nav footer iframe object embed canvas video audio svg map button input "
        "select option textarea datalist progress meter dialog link meta base frame frameset applet"
    )
)
"""Elements that are not the page's own words."""

_AROUND_ROLES = frozenset(words("navigation banner contentinfo search complementary menu menubar toolbar alert dialog"))
_AROUND_CLASSES = frozenset(
    words(
        "nav nav-panel navbar navheader navfooter navigation sidebar sphinxsidebar related breadcrumb breadcrumbs "
        "pagination cookie-banner cookie-notice skip-link skiplink sr-only visually-hidden screen-reader-text "
        "headerlink anchorjs-link prev-next-area edit-this-page editsection mw-editsection navbox toc site-header "
        "site-footer page-footer social-share share-buttons advertisement ads noprint"
    )
)
_FOOTNOTE = re.compile(r"footnote|citation|endnote|admonition|topic|note")
_HIDING = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|font-size:0(?:\.0*)?(?:px|pt|em|rem|%)?(?:;|!|$)"
    r"|opacity:0(?:\.0*)?(?:;|!|$)|text-indent:-\d{3,}|(?:^|;)(?:left|top|right|margin-left):-\d{4,}"
    r"|clip:rect\([01]|(?:^|;)(?:max-)?(?:height|width):0(?:px)?;.*overflow:hidden"
)
_COLOUR = re.compile(r"(?:^|;)color:([^;!]+)")
_BACKGROUND = re.compile(r"(?:^|;)background(?:-color)?:([^;!]+)")
_WHITE = re.compile(
    r"#fff(?:fff)?(?:f{1,2})?|white|rgba?\(255,255,255(?:,1(?:\.0)?)?\)|hsl\(0,0%,100%\)|#f[ef]f[ef]f[ef]"
)
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Colours:
    """What inline styles say of the text at one place; "" is not said."""

    text: str = ""
    background: str = ""


@lru_cache(maxsize=4_096)
def is_around(tag: str, role: str, classes: str) -> bool:
    """Whether the element is what surrounds a page: navigation, headers of the site, asides."""
    if role.lower() in _AROUND_ROLES:
        return True
    lowered = classes.lower()
    if tag == "aside":
        return not _FOOTNOTE.search(lowered) and "doc-" not in role
    return not _AROUND_CLASSES.isdisjoint(lowered.split())


def is_hidden(attributes: Mapping[str, str]) -> bool:
    """Whether attributes or inline style keep an element from being seen."""
    if "hidden" in attributes or attributes.get("aria-hidden", "").strip().lower() == "true":
        return True
    style = attributes.get("style", "")
    return bool(style) and _HIDING.search(_folded(style)) is not None


def colours_of(style: str, around: Colours) -> Colours:
    """The colours inside an element with the inline style `style`."""
    folded = _folded(style)
    text, background = _COLOUR.search(folded), _BACKGROUND.search(folded)
    return Colours(_known(text[1]) if text else around.text, _known(background[1]) if background else around.background)


def is_unreadable(colours: Colours) -> bool:
    """Whether text and background have the same colour."""
    return bool(colours.text) and colours.text == colours.background


def _folded(style: str) -> str:
    return _BLANKS.sub("", style[:2_000]).lower()


def _known(colour: str) -> str:
    return "white" if _WHITE.match(colour) else colour
