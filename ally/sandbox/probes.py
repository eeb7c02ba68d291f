"""Whether a sandbox holds: a program in it tries to get out, against files and processes made for that.

Nothing of the user's is touched, and nothing is sent to another machine, whatever the sandbox lets through.
"""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from ally.errors import SandboxRefused
from ally.sandbox.base import Confinement, Sandbox

ESCAPES = Path(__file__).with_name("escapes.py")
TIME_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt to get out. `detail` says what stopped it, or why it cannot be told."""

    name: str
    blocked: bool
    detail: str


def run_probes(sandbox: Sandbox) -> list[Probe]:
    """Try every escape once. If the program cannot be run at all, the only probe says why."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ally-probes-", ignore_cleanup_errors=True))
        home, root = _lay_out(Path(os.path.realpath(folder)))
        plan = {"home": str(home), "root": str(root), "mark": "probe" + secrets.token_hex(8)}
        plan["secret"] = (root / ".env").read_text().removeprefix("KEY=")
        plan |= stack.enter_context(_listen(home, plan["mark"]))
        plan["victim"] = str(stack.enter_context(_victim(plan["mark"])))
        before = _state(home, root)
        try:
            said = _run(sandbox.with_environment(_environment(home, plan["secret"])), plan)
            results: dict[str, str] = json.loads(said)
        except (OSError, subprocess.SubprocessError, SandboxRefused, ValueError) as exc:
            return [Probe("run a program", blocked=False, detail=f"the probes could not be run: {exc}")]
        results["leave a process behind"] = "" if _runs(f"{plan['mark']}-daemon") else "it ended with the command"
        results["change anything outside"] = "" if _state(home, root) != before else "all as it was"
        return [Probe(name, bool(detail), detail or "it succeeded") for name, detail in results.items()]


def _lay_out(folder: Path) -> tuple[Path, Path]:
    secret = secrets.token_hex(16)
    home, root = folder / "home", folder / "work"
    files = {
        home / ".ssh" / "id_rsa": secret,
        home / ".config" / "ally" / "config.json": secret,
        home / "letter.txt": "dear",
        home / "second.txt": "dear",
        root / ".env": f"KEY={secret}",
        root / ".bashrc": "",
        root / ".git" / "config": "[core]\n",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / ".git" / "hooks").mkdir()
    return home, root


def _state(home: Path, root: Path) -> dict[str, tuple[int, bytes]]:
    """What must be the same afterwards, by path: mode and content."""
    watched = [*home.rglob("*"), *(path for path in root.rglob("*") if path.name not in ("soft", "hard"))]
    return {
        str(path): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in watched
        if not path.is_socket()
    }


@contextlib.contextmanager
def _listen(home: Path, mark: str) -> Generator[dict[str, str]]:
    """Somebody to talk to, of every kind."""
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        addresses = {"socket": str(home / "s"), "abstract": mark}
        for address in (addresses["socket"], "\0" + addresses["abstract"]):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen()
        yield {"tcp": str(tcp.getsockname()[1]), "udp": str(udp.getsockname()[1]), **addresses}


@contextlib.contextmanager
def _victim(mark: str) -> Generator[int]:
    """A process outside the sandbox, with the mark in its words and its environment."""
    with subprocess.Popen([f"{mark}-victim", "60"], executable="/bin/sleep", env={"MARK": mark}) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def _environment(home: Path, secret: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": str(home), "PROBE_API_KEY": secret, "HARMLESS": f"x{secret}x"}


def _run(sandbox: Sandbox, plan: dict[str, str]) -> str:
    python = os.path.realpath(sys.executable)
    words = [python, "-I", "-S", "-c", ESCAPES.read_text(encoding="utf-8"), json.dumps(plan)]
    root = Path(plan["root"])
    with sandbox.launch(words, Confinement(root, masks=(root / ".env",))) as launch:
        done = subprocess.run(
            launch.argv,
            env=launch.env,
            cwd=launch.cwd,
            pass_fds=launch.pass_fds,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=False,
            start_new_session=True,
        )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        raise ValueError(last[0])
    return done.stdout


def _runs(name: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if name.encode() in path.read_bytes():
                return True
    return False
