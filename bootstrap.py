"""Sets a checkout up: makes `.venv`, installs the lock file into it, and goes on inside it.

Standard library only, and readable by any Python 3.7, so that an old one gets a sentence and not a traceback.
Everything it says goes to stderr.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn

OLDEST_PYTHON = (3, 11)
RUNTIME_LOCK = "requirements.lock"
DEV_LOCK = "requirements-dev.lock"  # holds everything RUNTIME_LOCK holds, at the same versions
STAMP = "ally-installed.json"
UNFINISHED = "ally-unfinished"
NEEDED = {
    RUNTIME_LOCK: ("httpx2", "jsonschema", "msgspec", "platformdirs", "dotenv", "rich", "langchain_core", "xllamacpp"),
    DEV_LOCK: ("httpx2", "xllamacpp", "langchain_tests", "pytest", "pytest_socket", "xdist", "hypothesis", "trustme"),
}
PIP_OPTIONS = ("--disable-pip-version-check", "--no-input", "install", "--no-deps", "--progress-bar", "off")
PLAIN_EVERY = 20


class SetupFailed(Exception):
    """The set-up cannot go on; the text says why and what to do."""


def ensure_installed(root: Path, lock: str = RUNTIME_LOCK) -> None:
    """Return if this interpreter can run Ally, else set `root/.venv` up and start the same command again in it.

    Does not return when it has to change the interpreter: the command goes on in the new process.
    """
    check_python()
    venv = root / ".venv"
    inside = runs_in(venv)
    if is_stamped(root, lock):
        if not inside:
            restart(python_of(venv))
        return
    unfinished = (venv / UNFINISHED).exists()
    ours = inside and (unfinished or (venv / STAMP).exists())
    if not ours and can_import(NEEDED[lock]):
        return
    if inside and unfinished:
        restart(Path(getattr(sys, "_base_executable", sys.executable)))
    install(root, lock)
    if not inside:
        restart(python_of(venv))


def install(root: Path, lock: str) -> None:
    """Bring `.venv` to what `lock` says, once even when several start together; exits with a sentence if it cannot."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that pip is stopped too
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with one_at_a_time(root):
            if not is_stamped(root, lock):
                set_up(root, lock)
    except SetupFailed as error:
        sys.exit(f"ally set-up: {error}")
    except PermissionError as error:
        sys.exit(f"ally set-up: {error.filename or root} cannot be written; clone into a folder of your own")
    except KeyboardInterrupt:
        say("interrupted; the next start takes it up again")
        sys.exit(130)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def check_python() -> None:
    """Exit with a sentence if this Python is too old."""
    if sys.version_info < OLDEST_PYTHON:
        have = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"ally set-up: needs Python 3.11 or newer; {sys.executable} is {have}. Try: python3.11 main.py")


def set_up(root: Path, lock: str) -> None:
    """Make or mend `.venv` and install `lock` and the project into it.

    A marker file stands in `.venv` while files are being written; if it is found there, `.venv` is made anew.
    """
    begun = time.monotonic()
    venv = root / ".venv"
    first = not (venv / STAMP).exists()
    if first:
        say(f"first start: installing into {venv} (a few minutes at most; this happens once)")
    make_venv(venv)
    (venv / UNFINISHED).touch()
    install_lock(venv, root / lock)
    say("adding the ally command")
    run_pip(venv, ["--no-build-isolation", "--no-index", "--editable", str(root)], Progress(0))
    write_stamp(root, lock)
    (venv / UNFINISHED).unlink()
    say(f"done in {time.monotonic() - begun:.0f} s")
    if first:
        announce_command(venv)


def make_venv(venv: Path) -> None:
    """A virtual environment at `venv`, kept if it is already one.

    One that was made under another path is made anew, because its commands have that path written in them.
    """
    moved = read_stamp(venv).get("root", str(venv.parent)) != str(venv.parent)
    if python_of(venv).exists() and not moved and not (venv / UNFINISHED).exists():
        return
    venv.mkdir(exist_ok=True)
    (venv / UNFINISHED).touch()  # an interruption from here on leaves a half-made folder
    empty(venv)
    if importlib.util.find_spec("venv") is None:
        raise SetupFailed(f"this Python has no venv module. {debian_hint()}")
    if not run_quietly([sys.executable, "-m", "venv", "--without-pip", str(venv)]):
        raise SetupFailed(f"could not make {venv}; the reason is above")


def debian_hint() -> str:
    """The install line of what Debian splits off Python."""
    return "On Debian or Ubuntu: apt install python{}.{}-venv".format(*sys.version_info)


def empty(venv: Path) -> None:
    """Remove everything in `venv` but the marker."""
    for entry in venv.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != UNFINISHED:
            entry.unlink()


def install_lock(venv: Path, lock: Path) -> None:
    """Install exactly the versions and hashes of `lock`, showing how far it is.

    The locked pip comes first: with the one of Python 3.11 the rest takes twice as long (44 s, not 19 s, 2026-11-22).
    """
    entries = re.split(r"^(?=[a-zA-Z0-9])", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    say(f"installing {len(entries)} packages of {lock.name}, each checked against its hash")
    options = ["--no-compile", "--require-hashes", "--requirement"]  # compiling everything took another 20 s
    pip = [entry for entry in entries if entry.startswith("pip==")]
    if pip:
        (venv / "pip.lock").write_text(pip[0], encoding="utf-8")
        run_pip(venv, [*options, str(venv / "pip.lock")], Progress(0))
    run_pip(venv, [*options, str(lock)], Progress(len(entries)))


def find_pip(venv: Path) -> list[str]:
    """The beginning of a pip command that installs into `venv`: its own pip, else that of the running Python.

    Python's way, ensurepip, comes last: it takes six seconds for a pip that is replaced at once.
    """
    python = python_of(venv)
    own = [str(python), "-m", "pip"]
    if has_pip(python):
        return own
    if has_pip(Path(sys.executable)):
        return [sys.executable, "-m", "pip", "--python", str(python)]
    if not run_quietly([str(python), "-m", "ensurepip"]):
        raise SetupFailed(f"this Python has neither pip nor ensurepip. {debian_hint()}")
    return own


def run_pip(venv: Path, options: list[str], progress: Progress) -> None:
    """Let pip install into `venv`; its output feeds `progress` and is shown only if it fails."""
    process = subprocess.Popen(
        [*find_pip(venv), *PIP_OPTIONS, *options],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        close_fds=False,  # pip holds the lock too: if this process is killed, no second set-up starts beside it
    )
    try:
        with progress:
            for line in process.stdout or ():
                progress.read(line)
            code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if code:
        sys.stderr.write("".join(progress.last_lines))
        raise SetupFailed(
            "pip could not install (its last words are above). It needs the Python package index or a mirror of it; "
            "behind a proxy set HTTPS_PROXY. The next start takes it up again."
        )


class Progress:
    """Shows pip's progress on stderr: one moving line on a terminal, else a plain line now and then.

    `total` is the number of packages; 0 shows none of them.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.seen = 0
        self.doing = ""
        self.last_lines: deque[str] = deque(maxlen=12)
        self.begun = time.monotonic()
        self.on_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.ended = threading.Event()
        self.clock = threading.Thread(target=self.tick, daemon=True)

    def __enter__(self) -> None:
        if self.on_terminal:
            self.clock.start()

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        if self.on_terminal:
            self.clock.join()
            sys.stderr.write("\r\x1b[K")

    def read(self, line: str) -> None:
        """Take one line of pip's output into account."""
        self.last_lines.append(line)
        verb, _, rest = line.strip().partition(" ")
        if line.startswith(("Collecting ", "Processing ", "Requirement already satisfied: ", "Ignoring ")):
            self.seen += 1
            self.doing = rest.split(" ")[0] if verb == "Collecting" else ""
            if self.seen % PLAIN_EVERY == 0:
                self.say_plainly(f"{self.seen} of {self.total}")
        elif verb == "Downloading":
            size = rest.rpartition(" (")[2].rstrip(")")
            self.doing = f"{self.doing} ({size})"
            if re.fullmatch(r"\d{2,}\.\d MB", size):
                self.say_plainly(f"fetching {self.doing}")
        elif line.startswith("Installing collected packages"):
            self.doing = "unpacking"
            self.say_plainly("all fetched, unpacking")
        elif line.startswith("WARNING: Retrying"):
            self.doing = "the package index does not answer, trying again"
            self.say_plainly(self.doing)

    def say_plainly(self, text: str) -> None:
        """A line of its own, unless the moving line shows it."""
        if self.total and not self.on_terminal:
            say("  " + text)

    def tick(self) -> None:
        """Redraw the moving line until the end."""
        while not self.ended.wait(0.2):
            count = f"{self.seen} of {self.total}" if self.total else ""
            parts = [count, f"{time.monotonic() - self.begun:.0f} s", self.doing]
            text = "ally set-up: " + ", ".join(filter(None, parts))
            sys.stderr.write("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1])
            sys.stderr.flush()


def clean_environment() -> dict[str, str]:
    """The environment for pip, without settings that would make it write elsewhere than into `.venv`."""
    dropped = {"PYTHONHOME", "PYTHONPATH", "PIP_PREFIX", "PIP_ROOT", "PIP_TARGET", "PIP_USER", "__PYVENV_LAUNCHER__"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PIP_USER": "0", "PYTHONNOUSERSITE": "1"}


def run_quietly(command: list[str]) -> bool:
    """Whether `command` succeeded; its output is shown only if not."""
    done = subprocess.run(
        command, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
    return done.returncode == 0


def has_pip(python: Path) -> bool:
    """Whether `python` has a pip that can also serve another environment (the option `--python`, since 22.3)."""
    command = [str(python), "-c", "import pip, sys; sys.exit(int(pip.__version__.split('.')[0]) < 23)"]
    return subprocess.run(command, env=clean_environment(), stderr=subprocess.DEVNULL, check=False).returncode == 0


def is_stamped(root: Path, lock: str) -> bool:
    """Whether `.venv` was made for this folder and holds what `lock` says today."""
    venv = root / ".venv"
    stamp = read_stamp(venv)
    fresh = stamp.get("root") == str(root) and stamp.get(lock) == hash_of(root / lock)
    return fresh and python_of(venv).exists() and not (venv / UNFINISHED).exists()


def read_stamp(venv: Path) -> dict[str, str]:
    """The folder `venv` was made for and the hash of each lock in it; empty if it was not made here."""
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(root: Path, lock: str) -> None:
    """Remember what was installed."""
    hashes = {name: hash_of(root / name) for name in {lock, RUNTIME_LOCK}}
    (root / ".venv" / STAMP).write_text(json.dumps({"root": str(root), **hashes}), encoding="utf-8")


def hash_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def can_import(modules: tuple[str, ...]) -> bool:
    """Whether this interpreter has them, e.g. because someone installed the lock by hand."""
    return all(importlib.util.find_spec(name) for name in modules)


def python_of(venv: Path) -> Path:
    """The interpreter of a virtual environment."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def runs_in(venv: Path) -> bool:
    """Whether this process runs in `venv`."""
    return venv.exists() and venv.samefile(sys.prefix)


def restart(python: Path) -> NoReturn:
    """Run the same command line with `python`."""
    command = [str(python), *sys.orig_argv[1:]]
    if os.name == "nt":
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)  # noqa: S606 - our own interpreter, no shell wanted


@contextlib.contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Hold `root/.venv.lock`; waits for another set-up of the same checkout."""
    with (root / ".venv.lock").open("a+", encoding="utf-8") as file:
        os.set_inheritable(file.fileno(), True)
        if not try_lock(file):
            say("another start of Ally is setting this checkout up; waiting for it")
            while not try_lock(file):
                time.sleep(0.2)
        yield


def try_lock(file: IO[str]) -> bool:
    """Whether this process now holds the lock; it ends with the process."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def announce_command(venv: Path) -> None:
    """Say where the `ally` command is and how to have it everywhere."""
    scripts = python_of(venv).parent
    way = f'setx PATH "%PATH%;{scripts}"' if os.name == "nt" else f'export PATH="{scripts}:$PATH"'
    say(f"the command is {scripts / 'ally'}; to have it everywhere: {way}")


def say(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"ally set-up: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":  # only the set-up: `python3 bootstrap.py [--dev]`
    check_python()
    install(Path(__file__).resolve().parent, DEV_LOCK if "--dev" in sys.argv[1:] else RUNTIME_LOCK)
