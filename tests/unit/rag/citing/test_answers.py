"""What becomes of what models really write."""

import pytest

from ally.messages import Source
from ally.rag.citing.sources import Sources
from ally.rag.document import Extracted, Part
from tests.unit.rag.citing.desk import MANUAL, Desk, hit

QUOTE = "hold the red button for ten seconds"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f'Then [1 "{QUOTE}"].', "Then [1]."),
        (f'[1: "{QUOTE}"]', "[1]"),
        (f'[1, "{QUOTE}"]', "[1]"),
        (f"[1 '{QUOTE}']", "[1]"),
        (f"[1 “{QUOTE}”] [1 „{QUOTE}“] [1 «{QUOTE}»] [1 »{QUOTE}«] [1 \u2018{QUOTE}\u2019]", "[1] [1] [1] [1] [1]"),
        (f"[1: {QUOTE}]", "[1]"),
        (f"[source 1: “{QUOTE}”]", "[1]"),
        (f'[1 "{QUOTE}", 2 "the line is busy"]', "[1, 2]"),
        (f'[1 "{QUOTE}"; "Then release it"]', "[1]"),
        (f'"{QUOTE}" [1]', f'"{QUOTE}" [1]'),
        (f'"{QUOTE}." [1]', f'"{QUOTE}." [1]'),
        (f'"{QUOTE}". [1]', f'"{QUOTE}". [1]'),
        (f'**"{QUOTE}"** ([1])', f'**"{QUOTE}"** ([1])'),
        (f"„{QUOTE}“ — [1]", f"„{QUOTE}“ — [1]"),
        (f"「{QUOTE}」[1]", f"「{QUOTE}」[1]"),
        (f'"{QUOTE}" [1][2]', f'"{QUOTE}" [1][2]'),
        (f'He says "go" and "{QUOTE}" [1]', f'He says "go" and "{QUOTE}" [1]'),
        ("So it is. [1]", "So it is. [1]"),
        ("the red button[1].", "the red button[1]."),
        ("按住按钮[1]可以重置", "按住按钮[1]可以重置"),
        ("[1][2] and [1, 2] and [1-3]", "[1][2] and [1, 2] and [1, 2, 3]"),
        (
            "[^1] and 【1】 and 【2†source】 and [1: docs/manual.md:3-4] and [1, p. 3]",
            "[1] and [1] and [2] and [1] and [1]",
        ),
    ],
)
def test_a_marker_that_holds_is_shown_as_its_number(said: str, shown: str):
    found, cited = Desk().read(said)
    assert found == shown
    assert cited
    assert all(citation.is_found for citation in cited)


@pytest.mark.parametrize(
    ("said", "shown", "struck"),
    [
        ('[1 "hold the blue button"].', '~~[1 "hold the blue button"]~~.', 1),
        ('"hold the blue button" [1].', '~~"hold the blue button" [1]~~.', 1),
        ("„hold the blue button“ [1][2]", "~~„hold the blue button“ [1][2]~~", 2),
        ("So it is [9].", "So it is ~~[9]~~.", 1),
        ('[9 "the line is busy"]', '~~[9 "the line is busy"]~~', 1),
        ("[1, 9]", "[1] ~~[9]~~", 1),
        ('[2 "the line is busy", 1 "the line is busy"]', '[2] ~~[1 "the line is busy"]~~', 1),
        ('[1 "the line is busy"]', '~~[1 "the line is busy"]~~', 1),
        ('[1 "Wait 5 seconds"]', '~~[1 "Wait 5 seconds"]~~', 1),
        ('[1 "5 seconds."]', '~~[1 "5 seconds."]~~', 1),
        ('[1 "hold the ~~red~~ key"]', '~~[1 "hold the red key"]~~', 1),
    ],
)
def test_what_the_file_does_not_say_is_struck_out(said: str, shown: str, struck: int):
    found, cited = Desk().read(said)
    assert found == shown
    assert sum(not citation.is_found for citation in cited) == struck


@pytest.mark.parametrize(
    "said",
    [
        "`a [1]` and ``b ` [9]``",
        "```\nx = y [9]\n```\n",
        "~~~py\n[9]\n",
        "- ```\n  [9]\n  ```",
        "[1](http://example.org) and ![1](x.png)",
        "[1]: http://example.org",
        "[text][1] and a[1] and sys.argv[1] and x[9] of f(x)[1] now",
        "[note] [^note] [ ] [x] [0] [2024] [3 items] [80, 443] [1: x]",
        r"\[1 + 2\] and \[1]",
        '"an open quote and [',
        '[1 "never closed',
    ],
)
def test_what_is_no_marker_stays_as_it_is(said: str):
    assert Desk().read(said) == (said, [])


def test_marks_after_code_are_read_again():
    assert (
        Desk().read("```\n[9]\n```\n[1] and ` alone [1]\n\n[9]")[0] == "```\n[9]\n```\n[1] and ` alone [1]\n\n~~[9]~~"
    )


@pytest.mark.parametrize(
    ("quote", "lines"),
    [
        ("To reset the router, hold the red button", (3, 4)),
        ("HOLD  the\nred button for ten 'seconds'", (3, 4)),
        ("See the manual for more - or ask", (6, 6)),
        ("or ask. Wait 1.5 seconds. Then release it", (6, 8)),
        ("ask. - Wait 1.5 seconds.", (6, 7)),
        ("To reset the router ... for ten seconds", (3, 4)),
        ("To reset the router […] release it", (3, 8)),
        ("The first line of Istanbul\u2019s menu", (12, 12)),
        ("Cafe The ﬁrst line", (10, 12)),
    ],
)
def test_a_copy_may_differ_in_what_no_reader_sees(quote: str, lines: tuple[int, int]):
    _, (citation,) = Desk().read(f'[1 "{quote}"]')
    assert citation.is_found
    assert (citation.line_start, citation.line_end) == lines


@pytest.mark.parametrize("quote", ["red", "a b", "it … is"])
def test_words_that_stand_anywhere_are_no_quote(quote: str):
    shown, (citation,) = Desk().read(f'[2 "{quote}"]')
    if quote == "a b":  # two words are one
        assert not citation.is_found
    else:
        assert (shown, citation.quote, citation.line_start, citation.line_end) == ("[2]", "", 1, 2)


def test_a_citation_leads_to_where_the_quote_stands():
    _, (inside, elsewhere) = Desk().read(f'[1 "{QUOTE}"] [3 "Then release it"]')
    assert (inside.path, inside.line_start, inside.line_end, inside.quote) == ("/d/manual.md", 3, 4, QUOTE)
    assert (elsewhere.number, elsewhere.line_start) == (3, 8)


def test_of_several_places_that_within_the_passage_is_taken():
    desk, text = Desk(), "press the key\n\nand then\n\npress the key\n"
    desk.shelf.documents["/d/keys"] = Extracted(text, "text")
    (source,) = desk.sources.take([hit("/d/keys", text, 15, len(text))])
    _, (citation,) = desk.read(f'[{source.number} "press the key"]')
    assert citation.line_start == 5


def test_a_page_is_the_place_where_there_are_no_lines():
    desk, text = Desk(), "the first page\nthe second page"
    parts = (Part(0, "page 1"), Part(15, "page 2"))
    desk.shelf.documents["/d/book.pdf"] = Extracted(text, "pdf", parts=parts, line_numbers=())
    (source,) = desk.sources.take([hit("/d/book.pdf", text, 0, 14)])
    _, (citation,) = desk.read(f'[{source.number} "the second page"]')
    assert (citation.line_start, citation.label) == (0, "page 2")


def test_a_file_that_is_gone_holds_nothing():
    desk = Desk()
    del desk.shelf.documents["/d/manual.md"]
    shown, cited = desk.read(f'[1] and [1 "{QUOTE}"] and [2]')
    assert shown == f'~~[1]~~ and ~~[1 "{QUOTE}"]~~ and [2]'
    assert [citation.is_found for citation in cited] == [False, False, True]


def test_a_passage_that_moved_is_found_where_it_is_now():
    desk = Desk()
    desk.shelf.documents["/d/manual.md"] = Extracted("# New\n\nA new chapter.\n\n" + MANUAL, "markdown")
    shown, (whole, quoted) = desk.read(f'[1] and [1 "{QUOTE}"]')
    assert shown == "[1] and [1]"
    assert (whole.line_start, quoted.line_start) == (5, 7)


def test_a_passage_that_was_changed_does_not_hold_but_what_was_kept_does():
    desk = Desk()
    desk.shelf.documents["/d/manual.md"] = Extracted(MANUAL.replace("1.5", "2.5"), "markdown")
    assert desk.read(f'[1] and [1 "{QUOTE}"]')[0] == "~~[1]~~ and [1]"


def test_sources_of_an_edited_session_raise_nothing():
    desk = Desk()
    desk.sources = Sources([Source(1, "/d/manual.md", fingerprint="x:y"), Source(2, "/d/manual.md")])
    assert desk.read("[1] [2]")[0] == "~~[1]~~ ~~[2]~~"
