import ast
import re
from collections.abc import Iterator

from tests.architecture.sources import Source, list_sources

DIRECTIVE = re.compile(r"#\s*(noqa(?::\s*[A-Z0-9, ]+)?|type: ignore(?:\[[^\]]*\])?|pyright: ignore(?:\[[^\]]*\])?)(.*)")
TAKES_MARKUP = {"Static", "Label", "Button", "Link", "Checkbox", "RadioButton", "OptionList", "SelectionList", "notify"}
MARKUP_TITLES = {"border_title", "border_subtitle", "tooltip"}
GUIDE_SIGNATURES = {"create_llm", "create_model", "validate_config"}  # their types are fixed by the guide


def test_catching_everything_is_explained_as_a_boundary():
    unexplained = [
        f"{source.name}:{handler.lineno}"
        for source in _product()
        for handler in source.nodes
        if isinstance(handler, ast.ExceptHandler) and _catches_all(handler) and not _raises_again(handler)
        if not re.search(r"boundary: \w+", source.comment_on(handler))
    ]
    assert not unexplained, "\n".join(unexplained)


def test_imports_inside_functions_say_why():
    unexplained = [
        f"{source.name}:{statement.lineno}"
        for source in list_sources("ally")
        for statement in _late_imports(source)
        if not re.search(r"# (heavy|late: \w+)", source.comment_on(statement))
    ]
    assert not unexplained, "\n".join(unexplained)


def test_only_the_command_line_prints():
    printing = [
        f"{source.name}:{node.lineno}"
        for source in list_sources("ally", "app")
        if not source.name.startswith("ally/cli/")
        for node in source.nodes
        if isinstance(node, ast.Call) and _is_print(node.func)
    ]
    assert not printing, "\n".join(printing)


def test_the_screen_reads_no_markup():
    read = [
        f"{source.name}:{node.lineno}"  # type: ignore[attr-defined] - those that are found have a place
        for source in list_sources("ally/tui")
        for node in source.nodes
        if _reads_markup(node)
    ]
    assert not read, "\n".join(read)


def test_any_carries_a_reason():
    unexplained = [
        f"{source.name}:{node.lineno}"
        for source in list_sources("ally")
        for node in _any_annotations(source)
        if len(source.comments.get(node.lineno, "")) < len("# a reason") and "`Any`" not in source.lines[node.lineno]
    ]
    assert not unexplained, "\n".join(unexplained)


def test_silenced_checks_name_the_rule_and_the_reason():
    unexplained: list[str] = []
    for source in list_sources():
        if not DIRECTIVE.search(source.text):
            continue
        reasoned: set[str] = set()  # a reason given once in a file holds for the same rule further down
        for line, comment in source.comments.items():
            for directive, reason in DIRECTIVE.findall(comment):
                rule = directive.strip(" -")
                if re.search(r"\w{3}", reason):
                    reasoned.add(rule)
                if (
                    not re.search(r"[\[:]", rule.removeprefix("type: ").removeprefix("pyright: "))
                    or rule not in reasoned
                ):
                    unexplained.append(f"{source.name}:{line} {rule}")
    assert not unexplained, "\n".join(unexplained)


def _product() -> list[Source]:
    return [source for source in list_sources() if not source.name.startswith("tests/")]


def _catches_all(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        one is None or (isinstance(one, ast.Name) and one.id in {"Exception", "BaseException"}) for one in caught
    )


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _late_imports(source: Source) -> Iterator[ast.Import | ast.ImportFrom]:
    """The first import of every run of imports inside a function."""
    for function in source.functions():
        for block in ast.walk(function):
            for name in ("body", "orelse", "handlers", "finalbody"):
                statements = getattr(block, name, [])
                if isinstance(statements, list):
                    yield from _first_of_runs(statements)


def _first_of_runs(statements: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    before: ast.stmt | None = None
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom) and not isinstance(before, ast.Import | ast.ImportFrom):
            yield statement
        before = statement


def _is_print(function: ast.expr) -> bool:
    return (isinstance(function, ast.Name) and function.id == "print") or ast.unparse(function) in {
        "sys.stdout.write",
        "sys.stderr.write",
    }


def _reads_markup(node: ast.AST) -> bool:
    """Whether Textual or Rich would take text for markup here: a widget or message without `markup=False`, a title."""
    match node:
        case ast.Call(ast.Attribute(_, "from_markup")) | ast.Call(ast.Attribute(_, "assemble_markup")):
            return True
        case ast.Call(ast.Name(name) | ast.Attribute(_, name), keywords=keywords) if name in TAKES_MARKUP:
            return not any(one.arg == "markup" and ast.unparse(one.value) == "False" for one in keywords)
        case ast.ClassDef(bases=bases):
            return any(isinstance(base, ast.Name) and base.id in TAKES_MARKUP for base in bases)
        case ast.Assign(targets=[ast.Attribute(_, name)]):
            return name in MARKUP_TITLES
        case ast.ImportFrom("rich" | "rich.markup"):
            return True
        case _:
            return False


def _any_annotations(source: Source) -> Iterator[ast.Name]:
    fixed = {
        id(node)
        for function in source.functions()
        if function.name in GUIDE_SIGNATURES
        for part in (function.args, function.returns)
        if part is not None
        for node in ast.walk(part)
    }
    for node in source.nodes:
        if isinstance(node, ast.Name) and node.id == "Any" and id(node) not in fixed:
            yield node
