"""The files of the repository, as the architecture tests look at them."""

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.name)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def comments(self) -> dict[int, str]:
        """Comment text by line number."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    def comment_on(self, node: ast.stmt | ast.expr | ast.ExceptHandler) -> str:
        """The comments on the lines of a node, joined."""
        last = node.body[0].lineno if isinstance(node, ast.ExceptHandler) else node.end_lineno or node.lineno
        return " ".join(self.comments.get(line, "") for line in range(node.lineno, last + 1))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (node for node in self.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def list_files() -> list[Path]:
    """Every file that is in the repository or would be added; all files where there is no git."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        files = [path for path in ROOT.rglob("*") if not _is_made(path.relative_to(ROOT))]
    return sorted(path for path in set(files) if path.is_file())


def _is_made(path: Path) -> bool:
    return any(part.startswith(".") or part in {"__pycache__", "build", "dist"} for part in path.parts[:-1])


def list_sources(*folders: str) -> list[Source]:
    """Python files below the folders; all of them without arguments."""
    wanted = [ROOT / folder for folder in folders] or [ROOT]
    return [source for source in _list_all() if any(source.path.is_relative_to(folder) for folder in wanted)]


@cache
def _list_all() -> list[Source]:
    return [Source(path) for path in list_files() if path.suffix == ".py"]
