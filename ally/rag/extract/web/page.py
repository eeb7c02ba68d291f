"""The words of a web page, in the order and with the lines of its source."""

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ally.permissions.paths import words
from ally.rag.document import Extracted
from ally.rag.extract.decoding import plain
from ally.rag.extract.web.shown import NEVER, Colours, colours_of, is_around, is_hidden, is_unreadable
from ally.rag.extract.web.writing import Writer

Element = Any  # Any: lxml has no types

_PARAGRAPHS = frozenset(words("p pre table dl blockquote figure section article aside main details hr address"))
_BLOCKS = frozenset(
    words("div li dt dd tr td th caption figcaption header summary fieldset legend center body html br form hgroup")
)
_LISTS = frozenset(words("ul ol menu dir"))
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_SIGNATURE_LEVEL = 7
_REMARKS = frozenset(words("note tip warning caution important danger hint attention error"))
_BLOCKS_IN_CELLS = words("table pre h1 h2 h3 h4 ul ol dl")
_MAIN_CLASSES = frozenset(words("document body content main-content post-content entry-content markdown-body"))
_MAIN_IDS = frozenset(words("content main-content maincontent main bodycontent mw-content-text readme"))
_MAIN_SHARE = 0.2
_PERMALINK = re.compile(r"\s*[¶🔗⚓]+$")
_PLAIN = " or ".join(f"self::{tag}" for tag in words("span code a b i em strong tt var kbd samp font u mark sup sub"))
_NEEDS_A_LOOK = (
    f"boolean(.//*[not({_PLAIN})] | .//@style | .//@hidden | .//@aria-hidden | .//a[@class]) or count(.//code) > 1"
)
_MARKS = frozenset(words("# § ¶ 🔗 ⚓ link permalink"))
_COUNTED_LINES = 65_535  # libxml2 knows no higher line of an element


class NoPage(Exception):
    """What was to be read as a web page is none."""


def read_page(text: str) -> Extracted:
    """The page whose source is `text`: what a reader would see of its main part, without what stands around it.

    Raises:
        NoPage: there is nothing in it that could be parsed.
        MemoryError: it is too large.
    """
    etree: Any = import_module("lxml.etree")  # Any: as above
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.LxmlError as exc:
        _refuse_partial(parser)
        raise NoPage(str(exc)) from exc
    _refuse_partial(parser)
    if root is None:
        raise NoPage("there is no element in it")
    walk = _read(etree, root, is_all=False)
    if not walk.writer.lines:
        walk = _read(etree, root, is_all=True)
    notes: list[str] = []
    if walk.hidden:
        notes.append(f"text that a reader would not see was left out ({walk.hidden} places)")
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        notes.append("it is nested too deeply, and what comes after that was left out")
    return _as_document(root, walk.writer, notes)


def _refuse_partial(parser: Any) -> None:  # Any: as above
    """The parser makes a page of what it had when memory came to an end."""
    if any(error.type_name == "ERR_NO_MEMORY" for error in parser.error_log):
        raise MemoryError


def _as_document(root: Element, writer: Writer, notes: list[str]) -> Extracted:
    highest = [heading.text for heading in writer.headings if heading.level == 1]
    named = next(root.iter("title"), None)
    # More than one heading of the first level are chapters.
    title = next(iter(highest), "") if named is None or len(highest) == 1 else plain(_text_of(named))
    return Extracted(
        writer.text, "html", title, tuple(writer.headings), line_numbers=tuple(writer.numbers), notes=tuple(notes)
    )


def _read(etree: Any, root: Element, *, is_all: bool) -> "_Walk":  # Any: as above
    top = root if is_all else _main_part(root)
    has_colours = any(
        "background" in (style.text or "") for style in root.iter("style")
    )  # then the page may be dark, and white text is seen
    walk = _Walk(top, is_all=is_all, background="" if has_colours else "white")
    walk.run(etree.iterwalk(top, events=("start", "end", "comment", "pi")))
    walk.writer.end_line()
    return walk


def _main_part(root: Element) -> Element:
    """The element that holds what the page is about; `root` where nothing says so."""
    candidates = _candidates(root)
    found = max(candidates, key=_length) if candidates else None
    if found is None or _length(found) < _MAIN_SHARE * _length(root):
        return root
    return found


def _candidates(root: Element) -> list[Element]:
    """Those of the surest kind that there is."""
    by_kind: tuple[list[Element], ...] = ([], [], [], [])
    for element in root.iter("main", "article", "div", "section", "td"):
        attributes = element.attrib
        if element.tag == "main" or attributes.get("role") == "main":
            by_kind[0].append(element)
        elif element.tag == "article":
            by_kind[1].append(element)
        elif not attributes:
            continue
        elif attributes.get("id", "").lower() in _MAIN_IDS:
            by_kind[2].append(element)
        elif not _MAIN_CLASSES.isdisjoint(attributes.get("class", "").lower().split()):
            by_kind[3].append(element)
    if len(by_kind[1]) > 1:  # a list of articles is not one of them
        by_kind[1].clear()
    if _title_of(root) is not None:  # what is only called the content must hold the title
        for kind in by_kind[2:]:
            kind[:] = [element for element in kind[:20] if _title_of(element) is not None]
    return next((kind[:20] for kind in by_kind if kind), by_kind[0])


def _title_of(element: Element) -> Element | None:
    return next(element.iter("h1"), None)


def _length(element: Element) -> float:
    return element.xpath("string-length(normalize-space(.))")


@dataclass(slots=True)
class _Walk:
    """One way through the elements below `top`. `line` is where the source is being read."""

    top: Element
    is_all: bool
    background: str
    writer: Writer = field(default_factory=Writer)
    hidden: int = 0
    _line: int = 1
    _verbatim: int = 0
    _heading: Element = None
    _heading_line: int = 0
    _lists: list[int] = field(default_factory=list[int])
    _tables: list[bool] = field(default_factory=list[bool])
    _row: list[str] | None = None
    _row_line: int = 0
    _colours: list[tuple[Element, Colours]] = field(default_factory=list[tuple[Element, Colours]])

    def __post_init__(self) -> None:
        self._colours.append((None, Colours(background=self.background)))

    def run(self, events: Any) -> None:  # Any: as above
        skipped: Element = None
        for event, element in events:
            if event == "start":
                line = element.sourceline or 0
                self._line = line if 0 < line < _COUNTED_LINES else self._line
                if element is not self.top and self._is_left_out(element):
                    events.skip_subtree()
                    skipped = element
                elif element.tag == "pre" and self._is_plain(element):
                    events.skip_subtree()
                    self._begin(element, "pre")
                    self._take(_text_of(element))
                else:
                    self._begin(element, element.tag)
                    self._take(element.text)
                continue
            if event != "end":
                self._line += (element.text or "").count("\n")
            elif element is skipped:
                self._line += _text_of(element).count("\n")
            else:
                self._end(element, element.tag)
            if element is not self.top:
                self._take(element.tail)

    def _take(self, text: str | None) -> None:
        if not text:
            return
        if self._verbatim:
            self.writer.write_verbatim(text, self._line)
        else:
            self.writer.write(text, self._line)
        self._line += text.count("\n")

    def _is_left_out(self, element: Element) -> bool:
        tag = element.tag
        if tag in NEVER:
            return not (self.is_all and tag in ("nav", "footer", "form"))
        if tag == "header" and not self.is_all and self.top.tag in ("html", "body"):
            return _title_of(element) is None
        if tag == "a" and self._heading is not None and _text_of(element).strip().lower() in _MARKS:
            return True  # leads to the heading itself
        names = element.keys()
        if names and names != ["class"] and self._is_hidden(element):
            self.hidden += any(not text.isspace() for text in element.itertext())
            return True
        if self.is_all or not (names or tag == "aside"):
            return False
        return is_around(tag, element.get("role", ""), element.get("class", ""))

    def _is_hidden(self, element: Element) -> bool:
        style = _style(element)
        if is_hidden(element.attrib):
            return True
        return bool(style) and is_unreadable(colours_of(style, self._colours[-1][1]))

    def _begin(self, element: Element, tag: str) -> None:
        if style := _style(element):
            self._colours.append((element, colours_of(style, self._colours[-1][1])))
        if self._heading is not None or (self._row is not None and tag not in ("td", "th", "tr")):
            if tag in _BLOCKS or tag in _PARAGRAPHS:
                self.writer.write(" ", self._line)
        elif tag in _LEVELS or _is_signature(element):
            self._begin_heading(element)
        elif tag in _LISTS:
            self._end_block(is_apart=not self._lists)
            start = element.attrib.get("start", "1")
            self._lists.append(int(start) if tag == "ol" and start.isdecimal() and len(start) < 6 else 0)
        elif tag == "li":
            self.writer.end_line()
            self.writer.prefix = self._bullet()
        elif tag == "table":
            self._tables.append(_is_leaf(element))
            self.writer.end_paragraph()
        elif tag == "tr" and self._tables and self._tables[-1]:
            self.writer.end_line()
            self._row, self._row_line, self.writer.is_joined = [], self._line, True
        elif tag in _BLOCKS or tag in _PARAGRAPHS or (tag == "code" and self._verbatim):
            self._end_block(is_apart=tag in _PARAGRAPHS)
            if tag == "pre":
                self._begin_verbatim(element)

    def _end(self, element: Element, tag: str) -> None:
        if element is self._colours[-1][0]:
            self._colours.pop()
        if element is self._heading:
            self._end_heading(element)
        elif self._heading is not None:
            return
        elif self._row is not None:
            self._end_in_row(tag)
        elif tag in _LISTS:
            self._lists.pop()
            self._end_block(is_apart=not self._lists)
        elif tag == "table":
            self._tables.pop()
            self.writer.end_paragraph()
        elif tag in _BLOCKS or tag in _PARAGRAPHS:
            self._verbatim -= tag == "pre"
            self._end_block(is_apart=tag in _PARAGRAPHS)
            self.writer.prefix = "" if tag == "li" else self.writer.prefix

    def _begin_heading(self, element: Element) -> None:
        self.writer.end_paragraph()
        self._heading, self._heading_line, self.writer.is_joined = element, self._line, True

    def _end_heading(self, element: Element) -> None:
        text = _PERMALINK.sub("", self.writer.take_line())
        level = _LEVELS.get(element.tag) or _SIGNATURE_LEVEL + sum(1 for _ in element.iterancestors("dl")) - 1
        if text.lower().rstrip(":") in _REMARKS:  # what follows after it does not belong to it
            self.writer.end_paragraph()
            self.writer.add_line(text, self._heading_line)
            self._heading, self.writer.is_joined = None, False
            return
        # The path of headings stands before every passage: of a signature the name is enough.
        name = text if level < _SIGNATURE_LEVEL else text.partition("(")[0] + "()" * ("(" in text)
        self.writer.add_heading(level, text, self._heading_line, name)
        self._heading, self.writer.is_joined = None, False

    def _end_in_row(self, tag: str) -> None:
        if self._row is None:
            return
        if tag in ("td", "th"):
            self._row.append(self.writer.take_line())
        elif tag in ("tr", "table"):
            row = [*self._row, self.writer.take_line()]
            line = " | ".join(row).rstrip(" |")
            self._row, self.writer.is_joined = None, False
            if line.strip(" |"):
                self.writer.add_line(line, self._row_line)
            if tag == "table":
                self._tables.pop()
                self.writer.end_paragraph()
        elif tag in _BLOCKS or tag in _PARAGRAPHS:
            self.writer.write(" ", self._line)

    def _is_plain(self, element: Element) -> bool:
        """Whether nothing in it needs a look: most code on web pages has a `span` for every word."""
        return self._row is None and self._heading is None and not element.xpath(_NEEDS_A_LOOK)

    def _begin_verbatim(self, element: Element) -> None:
        self._verbatim += 1
        if element.text and element.text.startswith("\n"):
            element.text = element.text[1:]
            self._line += 1

    def _end_block(self, *, is_apart: bool) -> None:
        if is_apart and not self._lists:
            self.writer.end_paragraph()
        else:
            self.writer.end_line()

    def _bullet(self) -> str:
        if not self._lists:
            return "- "
        number = self._lists[-1]
        self._lists[-1] += number > 0
        return "  " * min(len(self._lists) - 1, 10) + (f"{number}. " if number else "- ")


def _text_of(element: Element) -> str:
    return "".join(element.itertext())


def _is_leaf(table: Element) -> bool:
    inside = table.iter(*_BLOCKS_IN_CELLS)
    return next((element for element in inside if element is not table), None) is None


def _is_signature(element: Element) -> bool:
    """Whether it is the signature of a function or class in a reference made by Sphinx."""
    return element.tag == "dt" and "sig" in element.get("class", "").split()


def _style(element: Element) -> str:
    style = element.get("style", "")
    if colour := element.get("color"):
        style = f"color:{colour};{style}"
    if background := element.get("bgcolor"):
        style = f"background:{background};{style}"
    return style
