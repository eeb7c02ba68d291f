"""Texts that try to do something to the terminal or to the layout, and what must hold for all strips."""

from hypothesis import strategies as st

from ally.terminal.text import clean

NASTY = (
    "\x1b[2J\x1b]0;title\x07",
    "[red]markup[/red]",
    "\u202eesrever\u2066",
    "\ud800half",
    "a\tb\t漢字\tc",
    "👩\u200d👧 ☁\ufe0f e\u0301",
    "\r\x9b31m\x00",
    "\ufeff\u2028\u00a0",
    "x" * 300,
)
TEXTS = st.lists(
    st.one_of(st.sampled_from(NASTY), st.text(max_size=12), st.sampled_from(["\n", "\r\n", "+", "-", "@@ -1 +1 @@"])),
    max_size=8,
).map("".join)
WIDTHS = st.sampled_from([1, 2, 3, 7, 20, 33, 80, 140])


def check(strips, width):
    for strip in strips:
        text = strip.text
        assert strip.cell_length <= width, (text, width)
        assert clean(text) == text, text
        assert "\n" not in text, text
        assert "\t" not in text, text
