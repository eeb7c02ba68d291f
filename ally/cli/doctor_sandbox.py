"""What `ally doctor` says about where commands run: the tier, what gets out of it, and the programs it is made of."""

import shutil
import sys
from collections.abc import Iterator, Mapping

from ally.cli.finding import Finding
from ally.sandbox import Sandbox, choose
from ally.sandbox.choose import PROGRAMS
from ally.sandbox.probes import run_probes

_PACKAGES = {"bwrap": "bubblewrap", "rg": "ripgrep"}
_INSTALLERS = (
    ("apt-get", "sudo apt-get install {}"),
    ("dnf", "sudo dnf install {}"),
    ("pacman", "sudo pacman -S {}"),
    ("zypper", "sudo zypper install {}"),
    ("apk", "sudo apk add {}"),
    ("brew", "brew install {}"),
)


def sandbox_findings(env: Mapping[str, str]) -> Iterator[Finding]:
    """The sandbox with its score, and the programs that are missing."""
    sandbox = choose(env)
    yield _score(sandbox)
    if sys.platform.startswith("linux") and not any(map(shutil.which, PROGRAMS)):
        yield Finding("bubblewrap", "missing", "not installed; needed for the strongest sandbox", _install("bwrap"))
    if shutil.which("rg") is None:
        yield Finding("ripgrep", "missing", "not installed; searching is slower without it", _install("rg"))


def _score(sandbox: Sandbox) -> Finding:
    if sandbox.tier == "C":
        return Finding("sandbox", "warning", f"C (none): {sandbox.reason}", _step(sandbox))
    probes = run_probes(sandbox)
    opened = [probe for probe in probes if not probe.blocked]
    text = f"{sandbox.tier} ({sandbox.name}), {len(probes) - len(opened)}/{len(probes)} escapes blocked"
    if sandbox.reason:
        text += f": {sandbox.reason}"
    if not opened:
        return Finding("sandbox", "ok", text)
    names = "; ".join(
        probe.name if probe.detail == "it succeeded" else f"{probe.name} ({probe.detail})" for probe in opened
    )
    return Finding("sandbox", "warning", f"{text}; open: {names}", _step(sandbox))


def _step(sandbox: Sandbox) -> str:
    if "bubblewrap does not work" in sandbox.reason:
        return "let bubblewrap make user namespaces (on Ubuntu: an AppArmor profile for /usr/bin/bwrap)"
    return "look at every command before you allow it"


def _install(program: str) -> str:
    for installer, line in _INSTALLERS:
        if shutil.which(installer):
            return line.format(_PACKAGES[program])
    return f"install the package {_PACKAGES[program]}"
