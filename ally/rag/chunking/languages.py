"""What the grammars of programming languages call the things that a passage should be."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tree_sitter import Language

WRAPPERS = frozenset(
    ["ambient_declaration", "decorated_definition", "export_statement", "expression_statement", "template_declaration"]
)
"""Nodes around one definition that belong to it: decorators, `export`."""

VALUES = frozenset(["lexical_declaration", "variable_declaration"])
"""Nodes that are definitions if what they set is one of `FUNCTIONS`."""

FUNCTIONS = frozenset(["arrow_function", "class", "function_expression", "generator_function"])

HOLDERS = frozenset(
    [
        "block",
        "body_statement",
        "class_body",
        "compound_statement",
        "declaration_list",
        "enum_body",
        "enum_body_declarations",
        "field_declaration_list",
        "if_statement",
        "interface_body",
        "linkage_specification",
        "object_type",
        "preproc_else",
        "preproc_if",
        "preproc_ifdef",
        "statement_block",
        "try_statement",
    ]
)
"""Nodes in which definitions are looked for."""

BEFORE = frozenset(["attribute_item", "attribute_list", "block_comment", "comment", "decorator", "line_comment"])
"""Nodes that belong to the definition after them."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """A module of a `tree-sitter-…` package, its function that gives the grammar, and which nodes are definitions."""

    module: str
    definitions: frozenset[str]
    function: str = "language"

    def load(self) -> "Language":
        """The grammar.

        Raises:
            ImportError: its package is not installed.
        """
        import tree_sitter  # heavy

        give = cast(Callable[[], object], getattr(import_module(self.module), self.function))
        return tree_sitter.Language(give())


_ECMA = "function_declaration generator_function_declaration class_declaration method_definition"
_TYPESCRIPT = (
    f"{_ECMA} abstract_class_declaration interface_declaration type_alias_declaration enum_declaration internal_module "
    "module"
)
_C = "function_definition struct_specifier union_specifier enum_specifier type_definition"


def _grammar(module: str, definitions: str, function: str = "language") -> Grammar:
    return Grammar(module, frozenset(definitions.split()), function)


GRAMMARS = {
    "bash": _grammar("tree_sitter_bash", "function_definition"),
    "c": _grammar("tree_sitter_c", _C),
    "cpp": _grammar("tree_sitter_cpp", f"{_C} class_specifier namespace_definition concept_definition"),
    "csharp": _grammar(
        "tree_sitter_c_sharp",
        "namespace_declaration class_declaration struct_declaration interface_declaration record_declaration "
        "enum_declaration method_declaration constructor_declaration property_declaration operator_declaration",
    ),
    "go": _grammar("tree_sitter_go", "function_declaration method_declaration type_declaration"),
    "java": _grammar(
        "tree_sitter_java",
        "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration "
        "method_declaration constructor_declaration",
    ),
    "javascript": _grammar("tree_sitter_javascript", _ECMA),
    "php": _grammar(
        "tree_sitter_php",
        "function_definition class_declaration interface_declaration trait_declaration enum_declaration "
        "method_declaration namespace_definition",
        "language_php",
    ),
    "python": _grammar("tree_sitter_python", "function_definition class_definition"),
    "ruby": _grammar("tree_sitter_ruby", "class module method singleton_method"),
    "rust": _grammar(
        "tree_sitter_rust",
        "function_item impl_item struct_item enum_item trait_item mod_item union_item macro_definition",
    ),
    "tsx": _grammar("tree_sitter_typescript", _TYPESCRIPT, "language_tsx"),
    "typescript": _grammar("tree_sitter_typescript", _TYPESCRIPT, "language_typescript"),
}
"""By the name of the language as `Extracted.format` has it after `code:`."""
