import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

HEAVY = {"httpcore", "httpcore2", "httpx", "httpx2", "langsmith", "numpy", "openai", "rich", "textual", "xllamacpp"}
HEAVIER_THAN_HELP = HEAVY | {"asyncio", "jsonschema", "msgspec", "pydantic", "pydantic_core"}


def list_imports(home: Path, *arguments: str) -> set[str]:
    """Top-level modules that the real command imports."""
    environment = {"ALLY_HOME": str(home), "HOME": str(home), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-X", "importtime", "-m", "ally", *arguments]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, re.sub(r"^import time:.*\n", "", done.stderr, flags=re.MULTILINE)
    assert done.stdout, "the command printed nothing"
    return {name.split(".")[0] for name in re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE)}


@pytest.mark.parametrize("flag", ["--version", "-h"])
def test_version_and_help_import_next_to_nothing(tmp_path: Path, flag: str):
    imported = list_imports(tmp_path, flag)
    assert "ally" in imported
    assert _heavy(imported, HEAVIER_THAN_HELP) == set()


@pytest.mark.parametrize("start", ["first", "second"])
def test_listing_providers_imports_no_model_library(tmp_path: Path, start: str):
    if start == "second":
        list_imports(tmp_path, "providers", "list")
    assert _heavy(list_imports(tmp_path, "providers", "list"), HEAVY) == set()


def test_importing_any_module_has_no_effect(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def _heavy(imported: set[str], heavy: set[str]) -> set[str]:
    return {name for name in imported if name in heavy or name.startswith("langchain")}


IMPORT_EVERYTHING = """
import importlib, os, pkgutil, sys, threading
import ally

names = [m.name for m in pkgutil.walk_packages(ally.__path__, "ally.") if not m.name.endswith("__main__")]
heavy = [name for name in names if name.startswith("ally.providers.langchain")]
for name in heavy:
    importlib.import_module(name)  # LangChain itself asks the platform a lot; what it does is not ours

def watch(event, args):
    if event in {"os.putenv", "os.mkdir", "socket.connect", "socket.bind", "subprocess.Popen", "os.posix_spawn"}:
        sys.exit(f"{event} {args}")
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        sys.exit(f"{event} {args}")

before = dict(os.environ)
sys.addaudithook(watch)
for name in names:
    importlib.import_module(name)
assert dict(os.environ) == before
assert threading.active_count() == 1
"""
