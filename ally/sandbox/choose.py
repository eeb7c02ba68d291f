"""Finding the strongest sandbox that works here, by trying it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ally.sandbox.base import Confinement, Sandbox
from ally.sandbox.environment import Parent
from ally.sandbox.none import Unconfined

PROGRAMS = ("/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap", "/run/current-system/sw/bin/bwrap")
"""Where bubblewrap is looked for: never on `PATH`, which may lead into somebody's project."""

VARIABLE = "ALLY_SANDBOX"
"""`B` or `C` asks for a weaker tier than the machine could give, to test with; a stronger one cannot be asked for."""

TRIAL_S = 10.0


def choose(env: Mapping[str, str], secrets: Sequence[str] = ()) -> Sandbox:
    """The sandbox for commands whose environment is made from `env`; `secrets` are values that must not be in it.

    The machine is tried once per process, which takes as long as a command.
    """
    wanted = env.get(VARIABLE, "").strip().upper()
    parent = Parent(env, secrets)
    if not sys.platform.startswith("linux"):
        return Unconfined(f"there is no sandbox for {sys.platform}", parent)
    from ally.sandbox.bubblewrap import Bubblewrap  # late: only for Linux
    from ally.sandbox.landlock import Landlock

    program, why = _find_bubblewrap()
    if wanted in ("B", "C"):
        program, why = "", f"{VARIABLE}={wanted}"
    if program:
        return Bubblewrap(program, parent)
    abi, why_not = (0, "") if wanted == "C" else _find_landlock()
    if abi:
        return Landlock(why, abi, parent)
    return Unconfined("; ".join(filter(None, (why, why_not))), parent)


def tidy(folder: Path) -> None:
    """Remove what an Ally that was killed had put into `folder` for its sandbox, unless a command runs there."""
    if sys.platform.startswith("linux"):
        from ally.sandbox.protected import possible_stand_ins  # late: only for Linux
        from ally.sandbox.standins import StandIns

        stand_ins = StandIns(folder, possible_stand_ins(folder))
        stand_ins.hold()
        stand_ins.release()


@cache
def _find_bubblewrap() -> tuple[str, str]:
    """The program, or why there is none that works."""
    from ally.sandbox.bubblewrap import Bubblewrap  # late: only for Linux

    program = next((path for path in PROGRAMS if os.access(path, os.X_OK)), "")
    if not program:
        return "", "bubblewrap is not installed"
    complaint = _try(Bubblewrap(program, Parent({"HOME": "/nonexistent"})))
    return ("", f"bubblewrap does not work here: {complaint}") if complaint else (program, "")


@cache
def _find_landlock() -> tuple[int, str]:
    """The version of Landlock, or 0 and why it cannot be used."""
    from ally.sandbox.landlock import Landlock, find_abi  # late: only for Linux

    abi = find_abi()
    if not abi:
        return 0, "the kernel has no Landlock"
    complaint = _try(Landlock("", abi, Parent({"HOME": "/nonexistent"})))
    return (0, f"Landlock does not work here: {complaint}") if complaint else (abi, "")


def _try(sandbox: Sandbox) -> str:
    """Run a command that checks its confinement; what went wrong, as the first line of what it said."""
    from ally.sandbox import seccomp  # late: only for Linux

    if seccomp.program("unix") is None:
        return "there is no system call filter for this processor"
    check = 'grep -q "^NoNewPrivs:.*1$" /proc/self/status && grep -q "^Seccomp:.*2$" /proc/self/status'
    with tempfile.TemporaryDirectory(prefix="ally-sandbox-") as folder:
        confinement = Confinement(Path(os.path.realpath(folder)), is_read_only=True)
        try:
            with sandbox.launch(["/bin/sh", "-c", check], confinement) as launch:
                done = subprocess.run(
                    launch.argv,
                    env=launch.env,
                    cwd=launch.cwd,
                    pass_fds=launch.pass_fds,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=TRIAL_S,
                    check=False,
                )
        except (OSError, subprocess.TimeoutExpired) as exc:
            return str(exc)
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip()
    return said.splitlines()[0] if said else f"the trial ended with {done.returncode}"
