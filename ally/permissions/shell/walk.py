"""The commands of a tree in the order bash meets them, with what is known about folder and variables at each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from posixpath import isdir, join, normpath
from typing import TYPE_CHECKING

from ally.permissions.shell.parse import Script, command_spans, nodes_of
from ally.permissions.shell.words import Surroundings, Word, assigned, expand

if TYPE_CHECKING:
    from tree_sitter import Node

Folders = tuple[str, ...] | None
"""Where a command may run; None when that cannot be known."""

_MAX_VISITED = 2000
_MAX_FOLDERS = 8
_SUBSTITUTIONS = ("command_substitution", "process_substitution")


@dataclass(frozen=True, slots=True)
class Redirect:
    """`operator` without its descriptor, and where it leads."""

    operator: str
    target: Word


@dataclass(slots=True)
class Simple:
    """One simple command. `fed_by` is the command before it in a pipe, `stdin` the text of a here-document."""

    words: list[Word]
    folders: Folders
    home: str
    redirects: list[Redirect] = field(default_factory=list[Redirect])
    fed_by: "Simple | None" = None
    stdin: str = ""
    variables: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(slots=True)
class Walk:
    """Collects what a tree holds: `notes` say why it is not read-only, `opaque` why it cannot be judged."""

    script: Script
    home: str
    simples: list[Simple] = field(default_factory=list[Simple])
    notes: list[str] = field(default_factory=list[str])
    opaque: list[str] = field(default_factory=list[str])
    variables: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def visit(self, node: "Node", folders: Folders) -> tuple[Folders, Folders]:
        """Where bash is after `node`: when it succeeded, when it failed."""
        if len(self.simples) > _MAX_VISITED:
            return folders, folders
        result = folders, folders
        match node.type:
            case "command" | "test_command" | "declaration_command" | "unset_command":
                result = self._command(node, folders)
            case "variable_assignment":
                self._assign(node, folders)
            case "list":
                result = self._list(node, folders)
            case "pipeline":
                self._pipeline(node, folders)
            case "redirected_statement":
                result = self._redirected(node, folders)
            case "negated_command":
                success, failure = self._sequence(node.named_children, folders)
                result = failure, success
            case "subshell" | "command_substitution" | "process_substitution":
                self._nested(node, folders)
            case "for_statement":
                result = self._loop(node, folders)
            case _:
                self._note_background(node)
                result = self._sequence(node.named_children, folders)
        return result

    def _note_background(self, node: "Node") -> None:
        if any(child.type == "&" for child in node.children):
            self.notes.append("it leaves something running in the background")

    def _sequence(self, nodes: "Sequence[Node]", folders: Folders) -> tuple[Folders, Folders]:
        for node in nodes:
            success, failure = self.visit(node, folders)
            folders = _union(success, failure)
        return folders, folders

    def _nested(self, node: "Node", folders: Folders) -> None:
        if node.type in _SUBSTITUTIONS:
            self.notes.append("it holds a substitution")
        self._note_background(node)
        variables = dict(self.variables)
        self._sequence(node.named_children, folders)
        self.variables = variables

    def _list(self, node: "Node", folders: Folders) -> tuple[Folders, Folders]:
        parts = node.named_children
        operator = next((child.type for child in node.children if child.type in ("&&", "||")), "")
        if len(parts) != 2 or not operator:
            return self._sequence(parts, folders)
        first_success, first_failure = self.visit(parts[0], folders)
        if operator == "&&":
            success, failure = self.visit(parts[1], first_success)
            return success, _union(first_failure, failure)
        success, failure = self.visit(parts[1], first_failure)
        return _union(first_success, success), failure

    def _pipeline(self, node: "Node", folders: Folders) -> None:
        before: Simple | None = None
        for child in node.named_children:
            start = len(self.simples)
            self.visit(child, folders)
            if before is not None and len(self.simples) > start:
                self.simples[start].fed_by = before
            before = self.simples[-1] if len(self.simples) == start + 1 else None

    def _loop(self, node: "Node", folders: Folders) -> tuple[Folders, Folders]:
        name = node.child_by_field_name("variable")
        variable = self._raw(name) if name is not None else ""
        if not variable.islower():
            self.opaque.append(f"it sets {variable}")
        values = [word for value in node.children_by_field_name("value") for word in self._words(value, folders)]
        self.variables = assigned(self.variables, variable, values)
        for value in node.children_by_field_name("value"):
            self._substitutions(value, folders)
        body = node.child_by_field_name("body")
        return self._sequence([body] if body is not None else [], folders)

    def _redirected(self, node: "Node", folders: Folders) -> tuple[Folders, Folders]:
        start = len(self.simples)
        body = node.child_by_field_name("body")
        result = self.visit(body, folders) if body is not None else (folders, folders)
        if len(self.simples) == start:
            self.simples.append(Simple([], folders, self.home))
        for redirect in node.children_by_field_name("redirect"):
            self._redirect(redirect, self.simples[start:], folders)
        return result

    def _redirect(self, node: "Node", simples: list[Simple], folders: Folders) -> None:
        if node.type == "heredoc_redirect":
            self._heredoc(node, simples, folders)
            return
        if node.type == "herestring_redirect":
            for word in [word for child in node.named_children for word in self._words(child, folders)]:
                self._feed(simples, word.text if word.text is not None else "".join(word.guesses[:1]))
                if word.text is None:
                    self.notes.append("it uses a value that is not known")
        else:
            operator = next((child.type for child in node.children if not child.is_named), "")
            targets = node.children_by_field_name("destination")[:1]
            words = [word for target in targets for word in self._words(target, folders)]
            for word in words or [Word("", None)]:
                simples[-1].redirects.append(Redirect(operator, word))
        self._substitutions(node, folders)

    def _heredoc(self, node: "Node", simples: list[Simple], folders: Folders) -> None:
        for child in node.named_children:
            if child.type in ("file_redirect", "herestring_redirect"):
                self._redirect(child, simples, folders)
            elif child.type == "heredoc_body":
                self._feed(simples, self._raw(child))
                kinds = {inner.type for inner, _ in nodes_of(child)}
                if kinds & {"simple_expansion", "expansion", "arithmetic_expansion"}:
                    self.notes.append("it uses a value that is not known")
                self._substitutions(child, folders)
            elif child.type == "pipeline":
                start = len(self.simples)
                self.visit(child, folders)
                if len(self.simples) > start:
                    self.simples[start].fed_by = simples[-1]
            elif child.type in ("list", "command", "redirected_statement"):
                self.visit(child, folders)

    def _feed(self, simples: list[Simple], text: str) -> None:
        for simple in simples:
            simple.stdin = text

    def _command(self, node: "Node", folders: Folders) -> tuple[Folders, Folders]:
        spans = command_spans(node)
        words = list[Word]()
        index = len(self.simples)
        simple = Simple(words, folders, self.home)
        self.simples.append(simple)
        assignments = {child.start_byte: child for child in node.children if child.type == "variable_assignment"}
        for start, end in spans:
            if start in assignments:
                self._assign(assignments[start], folders)
            else:
                words += expand(self.script.raw(start, end), self._around(folders))
        if node.type == "test_command":
            self._test(simple, node, folders)
        elif node.type in ("declaration_command", "unset_command"):
            self.opaque.append("it sets variables")
        simple.variables = self.variables
        for child in node.children:
            if child.type in ("file_redirect", "herestring_redirect"):
                self._redirect(child, [self.simples[index]], folders)
        self._substitutions(node, folders)
        return _after(words, folders, self.home)

    def _test(self, simple: Simple, node: "Node", folders: Folders) -> None:
        """`[` has words like any command; `[[` is a language of its own and stays unknown."""
        spans = self.script.words_from(node.start_byte)
        if spans and self.script.raw(*spans[0]) != "[[":
            simple.words[:] = [word for span in spans for word in expand(self.script.raw(*span), self._around(folders))]
        else:
            simple.words[:] = [Word("[[", "[["), Word("", None)]

    def _assign(self, node: "Node", folders: Folders) -> None:
        self.opaque.append("it sets variables")
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None:
            words = self._words(value, folders) if value is not None else [Word("", "", None, ("",))]
            self.variables = assigned(self.variables, self._raw(name), words)
        if node.parent is None or node.parent.type not in ("command", "declaration_command"):
            self._substitutions(node, folders)

    def _substitutions(self, node: "Node", folders: Folders) -> None:
        """The commands inside the outermost substitutions of `node`."""
        todo = [node]
        while todo:
            child = todo.pop()
            if child.type in _SUBSTITUTIONS:
                self.visit(child, folders)
            else:
                todo += reversed(child.children)

    def _words(self, node: "Node", folders: Folders) -> list[Word]:
        return expand(self._raw(node), self._around(folders))

    def _raw(self, node: "Node") -> str:
        return self.script.raw(node.start_byte, node.end_byte)

    def _around(self, folders: Folders) -> Surroundings:
        return Surroundings(self.home, folders, self.variables)


def _union(first: Folders, second: Folders) -> Folders:
    if first == second:
        return first
    if first is None or second is None:
        return None
    both = tuple(dict.fromkeys(first + second))
    return both if len(both) <= _MAX_FOLDERS else None


def _after(words: list[Word], folders: Folders, home: str) -> tuple[Folders, Folders]:
    """Where bash is after a command, which is the same place for all but those that change it."""
    texts = [word.text for word in words]
    if texts[:1] in (["builtin"], ["command"]):
        texts = texts[1:]
    if not texts or texts[0] not in ("cd", "pushd", "popd"):
        return folders, folders
    operands = [text for text in texts[1:] if text not in ("-L", "-P", "--")]
    if texts[0] == "popd" or len(operands) > 1 or folders is None:
        return None, None
    if not operands:
        return (home,), folders
    if operands[0] is None or operands[0].startswith(("-", "+")):
        return None, None
    targets = tuple(normpath(join(folder, operands[0])) for folder in folders)
    return targets, targets if all(isdir(target) for target in targets) else folders
