"""What `ally doctor` says about Python, packages, disk and terminal. Nothing is imported to find out."""

import importlib.util
import locale
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ally import __version__
from ally.cli.finding import Finding
from ally.config.paths import Paths
from ally.models.store import models_dir

LOW_DISK_BYTES = 2_000_000_000

_ENGINE = ("xllamacpp", "huggingface-hub")
_LANGCHAIN = (
    "langchain-core",
    "langchain-openai",
    "langchain-anthropic",
    "langchain-google-genai",
    "langchain-cerebras",
    "langchain-groq",
    "langchain-ollama",
)


def machine_findings(paths: Paths, checkout: Path | None) -> Iterator[Finding]:
    """Everything that does not depend on the configuration."""
    place = f"from the checkout {checkout}" if checkout else f"installed in {Path(__file__).parents[2]}"
    yield Finding("Ally", "ok", f"{__version__}, {place}")
    where = "a virtual environment" if sys.prefix != sys.base_prefix else "the system's Python"
    yield Finding("Python", "ok", f"{platform.python_version()} on {platform.system()}, {where}: {sys.executable}")
    yield _packages("engine", _ENGINE, "models that run inside Ally")
    yield _packages("LangChain", _LANGCHAIN, "plug-ins that build LangChain models")
    yield _disk(models_dir(paths))
    yield _text()


def _packages(topic: str, names: Sequence[str], purpose: str) -> Finding:
    missing = [name for name in names if importlib.util.find_spec(_module(name)) is None]
    if not missing:
        return Finding(topic, "ok", ", ".join(f"{name} {_version(name)}".rstrip() for name in names))
    step = f"{sys.executable} -m pip install {' '.join(missing)}"
    return Finding(topic, "missing", f"{', '.join(missing)} not installed; needed for {purpose}", step)


def _module(name: str) -> str:
    return name.replace("-", "_")  # all of them are top-level modules, so that looking for them imports nothing


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _disk(folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        free = shutil.disk_usage(there).free
    except OSError as exc:
        return Finding("disk", "warning", f"{there}: {exc.strerror or exc}")
    text = f"{free / 1e9:.1f} GB free for models in {folder}"
    if not os.access(there, os.W_OK):
        return Finding("disk", "warning", f"{there} cannot be written to", "change its permissions, or set ALLY_HOME")
    if free < LOW_DISK_BYTES:
        return Finding("disk", "warning", text, "free some space: a small model needs 0.1 to 5 GB")
    return Finding("disk", "ok", text)


def _text() -> Finding:
    encoding = "UTF-8" if sys.flags.utf8_mode else locale.getencoding()
    kind = os.environ.get("TERM", "") or "no TERM"
    what = f"{encoding}, {kind}, {'a terminal' if sys.stdout.isatty() else 'no terminal'}"
    if encoding.upper().replace("-", "") != "UTF8":
        return Finding("text", "warning", what, "export LANG=C.UTF-8, or letters beyond ASCII may come out wrong")
    return Finding("text", "ok", what)
