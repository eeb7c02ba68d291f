"""What `ally doctor` says about configuration, `.env` files and plug-ins."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from ally.cli.finding import Finding
from ally.config.load import config_files
from ally.config.paths import Paths
from ally.config.secrets import EnvFile, env_files, read_env_file
from ally.providers.discovery.entry import ProviderEntry

MAX_PROBLEMS = 5


def config_findings(paths: Paths, checkout: Path | None) -> Iterator[Finding]:
    """Which config.json files are read."""
    places = config_files(paths, checkout)
    there = [str(path) for path in places if path.exists()]
    text = "read: " + ", ".join(there) if there else f"no file; defaults are used (it would be {places[0]})"
    yield Finding("configuration", "ok", text)


def env_findings(paths: Paths, checkout: Path | None) -> Iterator[Finding]:
    """The `.env` files: what can be used of them, and who may read them."""
    found = [read_env_file(path) for path in env_files(paths, checkout) if os.path.lexists(path)]
    if not found:
        yield Finding("keys", "ok", "no .env file; models on this machine need none")
    for file in found:
        names = len(file.values)
        without = f", {len(file.unset)} without a value" if file.unset else ""
        yield Finding("keys", "ok", f"{file.path}: {names} variable{'' if names == 1 else 's'}{without}")
        yield from _problems(file)
        yield from _permissions(file.path)


def plugin_findings(entries: Iterable[ProviderEntry]) -> Iterator[Finding]:
    """Plug-ins that were left out, with their cause, and those that replace something."""
    used = 0
    for entry in entries:
        if entry.error:
            place = str(entry.path or entry.name)
            yield Finding("plug-ins", "broken", f"{place} was left out: {entry.error}", f"mend or remove {place}")
        elif entry.origin in ("custom", "user", "entry-point"):
            used += 1
            if entry.overrides:
                yield Finding("plug-ins", "ok", f"{entry.name} ({entry.path or entry.origin}) replaces a provider")
    yield Finding("plug-ins", "ok", f"{used} in use")


def _problems(file: EnvFile) -> Iterator[Finding]:
    for problem in file.problems[:MAX_PROBLEMS]:
        yield Finding("keys", "warning", f"{file.path}: {problem}", f"edit {file.path}")
    if len(file.problems) > MAX_PROBLEMS:
        yield Finding("keys", "warning", f"{file.path}: {len(file.problems) - MAX_PROBLEMS} more problems")


def _permissions(path: Path) -> Iterator[Finding]:
    if os.name == "nt":  # permission bits mean nothing there
        return
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
        yield Finding("keys", "warning", f"{path} is open to other users of this machine", f"chmod 600 {path}")
