"""Source code as a tree of its definitions."""

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ally.rag.chunking.languages import BEFORE, FUNCTIONS, GRAMMARS, HOLDERS, VALUES, WRAPPERS, Grammar
from ally.rag.chunking.sections import Region, Section, split_by_headings
from ally.rag.document import Extracted

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_LARGEST = 300_000
"""Characters that are parsed; what is larger was written by a program."""
_CHARACTERS_FOR_A_STEP = 60
"""The parser reports once in some 200 characters of common code, and in 10 of code that was made to keep it busy."""
_STEPS = 1000
_MOST_S = 1.0
"""CPU time for text that makes single steps long; 300 kB of common code take 0.05 s."""
_DEEPEST = 12
_UNPARSED = re.compile(r"[^\t\n -~]+")
_LINE_REST = re.compile(r"[ \t;,]*(?:(?://|#|/\*)[^\n]*)?(?:\n|\Z)")
_NAMED_BY_LINE = re.compile(r"[\n({=]")
_ANNOTATION = re.compile(r"@[\w.]+(?:\([^()]*\))?")
_NAME_FIELDS = ("name", "declarator", "type")
_NAME = 120
"""Characters of a definition's name."""
_LINE = 200
"""Characters in which the end of a line is looked for; longer ones are not for people."""


def split_by_definitions(document: Extracted) -> list[Region]:
    """Classes and functions as sections; without any where the language is not known or the text not understood."""
    grammar = GRAMMARS.get(document.format.removeprefix("code:"))
    if grammar is None or document.parts or len(document.text) > _LARGEST:
        return split_by_headings(document)
    try:
        tree = _parse(grammar, document.text)
    except ImportError:
        tree = None
    if tree is None:
        return split_by_headings(document)
    root = Section(0, len(document.text))
    _Definitions(document.text, grammar.definitions).fill(root, tree.root_node)
    return [Region(root)]


def _parse(grammar: Grammar, text: str) -> "Tree | None":
    """The tree, whose offsets are those of `text`; None if that was too much work."""
    import tree_sitter  # heavy

    # One byte for each character; and scanners of some grammars crash the process on characters far beyond ASCII.
    data = _UNPARSED.sub(lambda match: "x" * len(match[0]), text).encode("ascii")
    left = _STEPS + len(data) // _CHARACTERS_FOR_A_STEP
    until = time.process_time() + _MOST_S

    def is_enough(_offset: int, _has_error: bool) -> bool:
        nonlocal left
        left -= 1
        return left < 0 or time.process_time() > until

    parser = tree_sitter.Parser(grammar.load())
    try:
        return parser.parse(lambda offset, _point: data[offset : offset + 65536], progress_callback=is_enough)
    except ValueError:  # the parser was stopped
        return None


@dataclass(frozen=True, slots=True)
class _Lead:
    """Comments and attributes that may belong to what follows: where they begin, and the row they end in."""

    start: int
    end_row: int


@dataclass(frozen=True, slots=True)
class _Definitions:
    text: str
    types: frozenset[str]

    def fill(self, section: Section, node: "Node", depth: int = 0, lead: _Lead | None = None) -> None:
        """Add the definitions in `node` to `section` as its children, and theirs to them."""
        for child in node.children:
            if not child.is_named:
                continue
            if child.type in BEFORE:
                lead = self._lead(child, lead)
                continue
            definition = self._definition(child)
            if definition is not None:
                near = lead is not None and child.start_point.row <= lead.end_row + 1
                start = lead.start if lead is not None and near else child.start_byte
                added = self._add(section, start, child.end_byte, definition)
                if added is not None and depth < _DEEPEST:
                    self.fill(added, definition, depth + 1)
            elif child.type in HOLDERS and depth < _DEEPEST:
                self.fill(section, child, depth + 1, lead)
            lead = None

    def _lead(self, comment: "Node", lead: _Lead | None) -> _Lead | None:
        """The comments before a definition, with one more; those behind code belong to that."""
        start = self._line_start(comment.start_byte)
        if start == comment.start_byte > 0 and self.text[start - 1] != "\n":
            return None
        end = comment.end_point
        end_row = end.row if end.column else end.row - 1
        if lead is not None and comment.start_point.row <= lead.end_row + 1:
            return _Lead(lead.start, end_row)
        return _Lead(start, end_row)

    def _definition(self, node: "Node") -> "Node | None":
        """The definition that a node is or wraps."""
        if node.type in VALUES:
            values = (child.child_by_field_name("value") for child in node.named_children)
            return node if any(value is not None and value.type in FUNCTIONS for value in values) else None
        if node.type in self.types:
            return node
        if node.type in WRAPPERS:
            return next((inner for child in node.named_children if (inner := self._definition(child))), None)
        return None

    def _add(self, section: Section, start: int, end: int, definition: "Node") -> Section | None:
        """A child for a definition, with the whole lines it stands in; None if it lies within the one before."""
        first = section.children[-1].end if section.children else section.start
        start = max(self._line_start(start), first)
        end = min(self._line_end(end), section.end)
        if start >= end:
            return None
        added = Section(start, end, self._name(definition), section)
        section.children.append(added)
        return added

    def _line_start(self, offset: int) -> int:
        """Where the line begins, if there is only blank space before `offset`."""
        start = self.text.rfind("\n", max(0, offset - _LINE), offset) + 1
        return start if offset - start <= _LINE and not self.text[start:offset].strip() else offset

    def _line_end(self, offset: int) -> int:
        """Where the next line begins, if the rest of this one is no more than a semicolon or a comment."""
        rest = _LINE_REST.match(self.text, offset, min(len(self.text), offset + _LINE))
        return offset if rest is None else rest.end()

    def _name(self, definition: "Node") -> str:
        """Its first words, up to the name: `async def fetch`, `func (s *Server) Start`, `impl Display for Foo`."""
        named = self._named(definition)
        start = next((c.start_byte for c in definition.children if c.type not in BEFORE), definition.start_byte)
        name = self.text[named.start_byte : min(named.end_byte, named.start_byte + _NAME)]
        if named is definition:
            return _NAMED_BY_LINE.split(name.lstrip(), maxsplit=1)[0].rstrip()
        words, body, _ = self.text[start : min(named.start_byte, start + _NAME)].partition("{")
        return " ".join(f"{_ANNOTATION.sub('', words)}{' ' if body else ''}{name}".split())

    def _named(self, definition: "Node") -> "Node":
        """The node of its name; itself if it has none."""
        for field in _NAME_FIELDS:
            named = definition
            while (inner := named.child_by_field_name(field)) is not None and inner.end_byte > inner.start_byte:
                named = inner
            if named is not definition:
                return named
        names = (child.child_by_field_name("name") for child in definition.named_children)
        return next((name for name in names if name is not None), definition)
