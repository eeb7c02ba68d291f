import ast
import re

from tests.architecture.sources import Source, list_sources

FILE_LINES = 400
TEST_FILE_LINES = 600
FUNCTION_LINES = 60
PARAMETERS = 6
LINE_LENGTH = 120
PRAGMA = re.compile(r"  # (noqa|type: ignore|pyright: ignore).*")  # a reasoned exception may run on


def test_files_are_small_enough_to_read_in_one_sitting():
    too_long = {
        source.name: len(source.lines)
        for source in list_sources()
        if len(source.lines) > (TEST_FILE_LINES if source.name.startswith("tests/") else FILE_LINES)
    }
    assert too_long == {}


def test_functions_fit_on_a_screen():
    too_long = {
        f"{source.name}:{function.lineno} {function.name}": _length(function)
        for source in list_sources()
        for function in source.functions()
        if _length(function) > FUNCTION_LINES
    }
    assert too_long == {}


def test_functions_take_few_parameters():
    too_many = {
        f"{source.name}:{function.lineno} {function.name}": _parameters(function)
        for source in _product()
        for function in source.functions()
        if _parameters(function) > PARAMETERS and "noqa: PLR0913" not in source.comments.get(function.lineno, "")
    }
    assert too_many == {}


def test_lines_are_short():
    too_long = [
        f"{source.name}:{number}"
        for source in list_sources()
        for number, line in enumerate(source.lines, 1)
        if len(PRAGMA.sub("", line)) > LINE_LENGTH
    ]
    assert not too_long, "\n".join(too_long)


def _product() -> list[Source]:
    return [source for source in list_sources() if not source.name.startswith("tests/")]


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    return len([one for one in named if one.arg not in {"self", "cls"}])
