import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ally.permissions.shell import Judgement, judge

CORPUS = Path(__file__).parent / "corpus"
Gate = Callable[[str], Judgement]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home" / "user"
    (home / "ws" / "src").mkdir(parents=True)
    return home


@pytest.fixture
def root(home: Path) -> Path:
    return home / "ws"


@pytest.fixture
def gate(root: Path, home: Path) -> Gate:
    return lambda command: judge(command, root, home)


def read_corpus(name: str, without: str = "") -> list[str]:
    """The commands of a file, which is a list, or lists by class of which one may be left out."""
    content = json.loads((CORPUS / f"{name}.json").read_text("utf-8"))
    classes = {"": content} if isinstance(content, list) else content
    return [command for title, commands in classes.items() if title != without or not title for command in commands]
