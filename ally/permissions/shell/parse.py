"""Text → syntax tree, and the reasons not to trust what was understood."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ally.permissions.shell.scan import Scanner, Segment, Span, Unclear

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_CHARACTERS = 20_000
_MAX_DEPTH = 60
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_OPENERS = frozenset({"{", "!", "if", "then", "elif", "else", "while", "until", "do"})
_CLOSERS = frozenset({"}", "fi", "done"})
_COMMANDS = frozenset({"command", "declaration_command", "unset_command", "variable_assignment"})
_UNDERSTOOD = frozenset(
    [
        "program",
        "list",
        "pipeline",
        "command",
        "command_name",
        "redirected_statement",
        "file_redirect",
        "file_descriptor",
        "heredoc_redirect",
        "heredoc_start",
        "heredoc_body",
        "heredoc_content",
        "heredoc_end",
        "herestring_redirect",
        "subshell",
        "compound_statement",
        "negated_command",
        "if_statement",
        "elif_clause",
        "else_clause",
        "while_statement",
        "for_statement",
        "do_group",
        "word",
        "string",
        "string_content",
        "raw_string",
        "ansi_c_string",
        "concatenation",
        "comment",
        "number",
        "simple_expansion",
        "expansion",
        "arithmetic_expansion",
        "special_variable_name",
        "variable_name",
        "command_substitution",
        "process_substitution",
        "test_command",
        "unary_expression",
        "binary_expression",
        "parenthesized_expression",
        "postfix_expression",
        "ternary_expression",
        "test_operator",
        "variable_assignment",
        "variable_assignments",
        "declaration_command",
        "unset_command",
        "brace_expression",
        "extglob_pattern",
        "regex",
        "subscript",
    ]
)
_KINDS = {
    "function_definition": "a function definition",
    "case_statement": "a case statement",
    "c_style_for_statement": "arithmetic",
    "array": "an array",
}


_PLAIN = bytes(range(128)) + b"x" * 128
"""What the parser sees of each byte: its scanner crashes the process on characters far beyond ASCII (`{` and U+EDF9E).
To bash, too, they are parts of words like any letter."""


@dataclass(frozen=True, slots=True)
class Script:
    """A parsed command. `data` is its text in UTF-8, as the tree's positions count bytes."""

    tree: "Node"
    data: bytes
    opaque: str
    segments: tuple[Segment, ...] = ()

    def words_from(self, start: int) -> list[Span]:
        """The words from the one at `start` to the end of its command; none when the text was not understood."""
        for segment in self.segments:
            for index, span in enumerate(segment.words):
                if span[0] == start:
                    return segment.words[index:]
        return []

    def raw(self, start: int, end: int) -> str:
        return self.data[start:end].decode("utf-8", "replace")


def unseen(text: str) -> str:
    """Why `text` holds characters that are not what they seem, or ""."""
    if text.isascii() and text.replace("\n", " ").replace("\t", " ").isprintable():
        return ""
    for char in text:
        if char not in " \n\t" and unicodedata.category(char) in _UNSEEN:
            return f"it holds a character that cannot be seen (U+{ord(char):04X})"
    return ""


def parse(text: str) -> Script:
    """The tree of `text`; never raises."""
    data = text.encode("utf-8", "replace")
    tree = _parser().parse(data.translate(_PLAIN)).root_node
    opaque = unseen(text)
    if not opaque and len(text) > MAX_CHARACTERS:
        opaque = f"it is longer than {MAX_CHARACTERS} characters"
    if not opaque:
        opaque, segments = _doubt(tree, data)
        return Script(tree, data, opaque, tuple(segments))
    return Script(tree, data, opaque)


@cache
def _parser() -> "Parser":
    import tree_sitter  # heavy
    import tree_sitter_bash  # heavy

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def _doubt(tree: "Node", data: bytes) -> tuple[str, list[Segment]]:
    """Why the tree may not be what bash would do, or "", and the second reading."""
    nodes = list(nodes_of(tree))
    doubt = "it could not be parsed" if tree.has_error else ""
    for node, depth in nodes if not doubt else ():
        if depth > _MAX_DEPTH:
            doubt = "it is nested too deeply"
        elif node.is_missing:
            doubt = "it could not be parsed"
        elif node.is_named and node.type not in _UNDERSTOOD:
            doubt = f"it holds {_KINDS.get(node.type, node.type.replace('_', ' '))}"
        elif node.type == "compound_statement" and data[node.start_byte : node.start_byte + 1] != b"{":
            doubt = "it holds arithmetic"
    text, segments = data.decode("latin-1"), list[Segment]()
    try:
        segments = Scanner(text).scan()
    except Unclear as exc:
        doubt = doubt or f"it holds {exc}"
    except RecursionError:
        doubt = doubt or "it is nested too deeply"
    if not doubt and not _agree(text, segments, [node for node, _ in nodes]):
        doubt = "its parts could not be told apart for certain"
    return doubt, segments


def nodes_of(tree: "Node") -> Iterator[tuple["Node", int]]:
    """Every node with its depth, parents first."""
    todo = [(tree, 0)]
    while todo:
        node, depth = todo.pop()
        yield node, depth
        todo.extend((child, depth + 1) for child in reversed(node.children))


def command_spans(node: "Node") -> list[Span]:
    """Where the words of a command are, assignments before it included, redirections left out."""
    spans = list[Span]()
    for child in node.children:
        if child.type in ("file_redirect", "herestring_redirect", "heredoc_redirect"):
            spans += stray_spans(child)
        else:
            spans.append((child.start_byte, child.end_byte))
    parent = node.parent
    if parent is not None and parent.type == "redirected_statement":
        for sibling in parent.children_by_field_name("redirect"):
            spans += stray_spans(sibling)
    return sorted(spans)


def stray_spans(redirect: "Node") -> list[Span]:
    """Words the parser counts to a redirection and bash to the command: all after its target."""
    if redirect.type == "heredoc_redirect":
        words = redirect.children_by_field_name("argument")
        for inner in redirect.children_by_field_name("redirect"):
            words += inner.children_by_field_name("destination")[1:]
    else:
        words = redirect.children_by_field_name("destination")[1:]
    return [(word.start_byte, word.end_byte) for word in words]


def _agree(text: str, segments: list[Segment], nodes: list["Node"]) -> bool:
    """Whether both readings see the same commands with the same words."""
    commands = {
        tuple(_word_spans(node)): node
        for node in nodes
        if node.type in _COMMANDS and not (node.type == "variable_assignment" and _is_part(node))
    }
    tests = {(node.start_byte, node.end_byte) for node in nodes if node.type == "test_command"}
    loops = {node.start_byte: node for node in nodes if node.type == "for_statement"}
    for segment in segments:
        words = segment.words
        while words and text[slice(*words[0])] in _OPENERS:
            words = words[1:]
        if not words:
            continue
        first = text[slice(*words[0])]
        if first in _CLOSERS:
            if len(words) > 1:
                return False
        elif first == "for":
            if not _is_loop(loops.pop(words[0][0], None), words, text):
                return False
        elif (span := (words[0][0], words[-1][1])) in tests:
            tests.remove(span)
        elif commands.pop(tuple(words), None) is None:
            return False
    return not (commands or tests or loops)


def _word_spans(node: "Node") -> list[Span]:
    return [(node.start_byte, node.end_byte)] if node.type == "variable_assignment" else command_spans(node)


def _is_part(node: "Node") -> bool:
    return node.parent is not None and node.parent.type in ("command", "declaration_command", "variable_assignments")


def _is_loop(node: "Node | None", words: list[Span], text: str) -> bool:
    if node is None or len(words) < 3 or text[slice(*words[2])] != "in":
        return False
    values = [(value.start_byte, value.end_byte) for value in node.children_by_field_name("value")]
    return values == words[3:]
