"""Judged questions: Cranfield, and the headings of a documentation tree as questions for their own sections."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import html

_GAINS = {1: 4.0, 2: 3.0, 3: 2.0, 4: 1.0}
"""Of Cranfield's codes: 1 is a complete answer, 4 of minimum interest."""

_MOST_SECTIONS = 3
"""A heading that more sections have ("Examples") asks for nothing."""

_LEAST_CHARS = 40
_NUMBER = re.compile(r"^(?:Chapter\s+)?(?:\d+|[A-Z](?=\.\d))(?:\.\d+)*\.?\s+")
_DOCBOOK = re.compile(r"sect[1-5]|refsect[1-3]|chapter|appendix|refentry")
_NO_TEXT = {"headerlink", "toctree-wrapper", "toc", "navheader", "navfooter"}
_NOT_PAGES = (
    "_",
    "genindex",
    "search",
    "py-modindex",
    "contents",
    "about",
    "copyright",
    "license",
    "whatsnew/changelog",
    "release",
    "biblio",
    "bookindex",
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_ENDS_LINE = {"p", "li", "dt", "dd", "div", "pre", "td", "tr"}

Section = tuple[html.HtmlElement, html.HtmlElement]
"""A section with its heading."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the gain of each document that answers it."""

    text: str
    gains: dict[str, float]


@dataclass(frozen=True, slots=True)
class Text:
    """One document."""

    path: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """Documents, and questions in groups, each of which is measured alone."""

    name: str
    texts: list[Text]
    questions: dict[str, list[Question]]


def cranfield(folder: Path) -> JudgedSet:
    """1,400 abstracts and 225 questions with graded judgements, as `cran.all.1400`, `cran.qry` and `cranqrel`."""
    texts: list[Text] = []
    for number, entry in enumerate(_entries(folder / "cran.all.1400"), 1):
        fields = re.split(r"^\.([TABW])\n", entry, flags=re.M)
        named = dict(zip(fields[1::2], fields[2::2], strict=True))
        title = " ".join(named["T"].split())
        texts.append(Text(f"/cranfield/{number}", title, " ".join(named["W"].split()) or title))
    asked = [" ".join(entry.removeprefix(".W\n").split()) for entry in _entries(folder / "cran.qry")]
    gains: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for line in (folder / "cranqrel").read_text().splitlines():
        question, document, code = map(int, line.split())  # questions are counted, their own numbers have gaps
        gains[question - 1][f"/cranfield/{document}"] = _GAINS.get(code, 1.0)
    return JudgedSet("cranfield", texts, {"all": [Question(text, gains[n]) for n, text in enumerate(asked)]})


def _entries(file: Path) -> list[str]:
    return re.split(r"^\.I \d+\n", file.read_text(), flags=re.M)[1:]


def python_doc(folder: Path) -> JudgedSet:
    """The sections of Python's documentation without their headings; these ask for them.

    The groups: headings of the FAQ that end in a question mark, and all others of at least two words.
    """
    return _of_pages(
        "python3-doc", folder, _python_sections, lambda page, text: page.startswith("faq/") and text.endswith("?")
    )


def postgres_doc(folder: Path) -> JudgedSet:
    """The same of PostgreSQL's documentation, without the release notes; it asks no questions."""
    return _of_pages("postgresql-doc", folder, _docbook_sections, lambda page, text: False)


def _of_pages(
    name: str,
    folder: Path,
    sections: Callable[[html.HtmlElement], Iterator[Section]],
    is_question: Callable[[str, str], bool],
) -> JudgedSet:
    texts: list[Text] = []
    asked: defaultdict[str, list[str]] = defaultdict(list)
    questions: set[str] = set()
    for file in sorted(folder.rglob("*.html")):
        page = file.relative_to(folder).as_posix()
        if page.startswith(_NOT_PAGES):
            continue
        for number, (heading, text) in enumerate(_with_text(sections(html.parse(str(file)).getroot()))):
            path = f"/{name}/{page}/{number}"
            texts.append(Text(path, "", text))
            if len(re.findall(r"[A-Za-z][\w.]*", heading)) >= 2:
                asked[heading].append(path)
                if is_question(page, heading):
                    questions.add(heading)
    groups: dict[str, list[Question]] = {"FAQ questions": [], "headings": []}
    for heading, paths in asked.items():
        if len(paths) <= _MOST_SECTIONS:
            group = "FAQ questions" if heading in questions else "headings"
            groups[group].append(Question(heading, dict.fromkeys(paths, 1.0)))
    return JudgedSet(name, texts, {group: some for group, some in groups.items() if some})


def _with_text(sections: Iterator[Section]) -> Iterator[tuple[str, str]]:
    """Heading without its number, and own text, of each section that has any."""
    for section, heading in sections:
        pieces: list[str] = []
        _collect(section, heading, pieces)
        lines = (" ".join(line.split()) for line in "".join(pieces).replace("\u00b6", "").split("\n"))
        text = "\n".join(line for line in lines if line)
        if len(text) >= _LEAST_CHARS:
            title = " ".join(heading.text_content().replace("\u00b6", "").split())
            yield _NUMBER.sub("", title), text


def _python_sections(page: html.HtmlElement) -> Iterator[Section]:
    for section in page.iter("section"):
        heading = next((child for child in section if child.tag in _HEADINGS), None)
        if heading is not None:
            yield section, heading


def _docbook_sections(page: html.HtmlElement) -> Iterator[Section]:
    for section in page.iter("div"):
        if _DOCBOOK.fullmatch(section.get("class") or ""):
            heading = next((one for one in section.iter(*_HEADINGS) if "title" in (one.get("class") or "title")), None)
            if heading is not None:
                yield section, heading


def _collect(element: html.HtmlElement, heading: html.HtmlElement, pieces: list[str]) -> None:
    pieces.append(element.text or "")
    for child in element:
        if isinstance(child.tag, str) and child is not heading and not _is_apart(child):
            _collect(child, heading, pieces)
            if child.tag in _ENDS_LINE:
                pieces.append("\n")
        pieces.append(child.tail or "")


def _is_apart(element: html.HtmlElement) -> bool:
    """Whether it is a section of its own, or no text of the page."""
    if element.tag in ("section", "nav", "script", "style"):
        return True
    return any(_DOCBOOK.fullmatch(name) or name in _NO_TEXT for name in (element.get("class") or "").split())
