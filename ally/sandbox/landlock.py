"""Tier B: Landlock and the system call filter, where no namespace can be had.

A command reads everything its user may read, but keys in the environment; it writes only in the working folder, granted
paths and a temporary folder of its own. Without the network it makes no sockets at all, since Landlock cannot keep it
from those of other programs. A small Python program confines itself and becomes the command.

Source: Linux `include/uapi/linux/landlock.h` and "Landlock: unprivileged access control" of the kernel's documentation.
"""

import contextlib
import ctypes
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ally.sandbox import private, seccomp
from ally.sandbox.base import Confinement, Launch, Tier
from ally.sandbox.environment import Parent, child_environment
from ally.sandbox.grants import check_root, check_writable, is_read_only
from ally.sandbox.leftovers import MARK, end_marked, new_mark

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF, _GET_VERSION, _PATH_BENEATH = 444, 445, 446, 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL_DEV = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FILE_RIGHTS_BY_ABI = ((5, (1 << 16) - 1), (3, (1 << 15) - 1), (2, (1 << 14) - 1), (1, (1 << 13) - 1))
_NETWORK_ABI, _TCP = 4, 3  # bind and connect
_SCOPE_ABI, _SCOPES = 6, 3  # abstract sockets and signals
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts")

_BECOME = """
import ctypes, os, sys
parent, ruleset, program = map(int, sys.argv[1:4])
libc = ctypes.CDLL(None, use_errno=True)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("lines", ctypes.c_char_p)]
def check(result):
    if result:
        sys.exit("ally: the command could not be confined: " + os.strerror(ctypes.get_errno()))
size = os.fstat(program).st_size
lines = os.pread(program, size, 0)
number = ctypes.c_ulong
check(libc.prctl(1, number(9), number(0), number(0), number(0)))
if os.getppid() != parent:
    sys.exit("ally: whoever started the command has ended")
check(libc.prctl(38, number(1), number(0), number(0), number(0)))
check(libc.syscall(ctypes.c_long(446), ctypes.c_int(ruleset), ctypes.c_uint(0)))
os.close(ruleset)
os.close(program)
check(libc.prctl(22, number(2), ctypes.byref(Program(size // 8, lines)), number(0), number(0)))
try:
    os.execvp(sys.argv[4], sys.argv[4:])
except OSError as error:
    sys.exit(f"ally: {sys.argv[4]}: {error.strerror}")
"""


@dataclass(frozen=True, slots=True)
class Landlock:
    """Runs commands under a Landlock ruleset of this kernel's `abi`; `why` there is nothing better."""

    why: str
    abi: int
    parent: Parent
    tier: Tier = field(default="B", init=False)
    name: str = field(default="landlock", init=False)

    @property
    def reason(self) -> str:
        """Why this is not tier A, and what it lacks."""
        return f"commands can read all your files and change .git in the working folder: {self.why}"

    def with_environment(self, env: Mapping[str, str]) -> "Landlock":
        """The same with another parent environment."""
        return replace(self, parent=Parent(env))

    def launch(self, argv: Sequence[str], confinement: Confinement) -> Launch:
        """Prepare to run `argv`; see `Sandbox.launch`. Masks, `git` and `readable` have no effect here."""
        check_root(confinement)
        own = private.own_folders(self.parent.env)
        writable = check_writable(confinement, self.parent.home, own)
        if not is_read_only(confinement, self.parent.home, own):
            writable.append(confinement.root)
        mark = new_mark()
        held = contextlib.ExitStack()
        try:
            temp = tempfile.mkdtemp(prefix="ally-command-")
            held.callback(shutil.rmtree, temp, ignore_errors=True)
            held.callback(end_marked, mark)
            ruleset = self._ruleset([*writable, Path(temp)], network=confinement.network)
            held.callback(os.close, ruleset)
            program = _filter(network=confinement.network)
            held.callback(os.close, program)
        except BaseException:
            held.close()
            raise
        python = os.path.realpath(sys.executable)
        words = [python, "-I", "-S", "-c", _BECOME, str(os.getpid()), str(ruleset), str(program), *argv]
        env = child_environment(self.parent, confinement.root, network=confinement.network, temp=temp)
        return Launch(words, env | {MARK: mark}, confinement.root, (ruleset, program), held)

    def _ruleset(self, writable: Sequence[Path], *, network: bool) -> int:
        rights = next(rights for abi, rights in _FILE_RIGHTS_BY_ABI if self.abi >= abi)
        ruleset = _make_ruleset(self.abi, rights, tcp=0 if network else _TCP)
        try:
            for path, allowed in _rules(writable, rights):
                _allow(ruleset, path, allowed & rights)
        except BaseException:
            os.close(ruleset)
            raise
        return ruleset


def find_abi() -> int:
    """The version of Landlock that the kernel offers; 0 without it."""
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_GET_VERSION))
    except (OSError, AttributeError):
        return 0


def restrict_self(readable: Sequence[Path]) -> None:
    """Leave this thread, and what it starts, nothing of the file system but reading below `readable`; for good.

    What is open already stays open. By TCP nobody can be reached any more, nor other processes by signals.

    Raises:
        OSError: the kernel has no Landlock or refuses.
    """
    abi = find_abi()
    rights = next((rights for least, rights in _FILE_RIGHTS_BY_ABI if abi >= least), 0)
    ruleset = _make_ruleset(abi, rights, tcp=_TCP)
    try:
        for path in readable:
            _allow(ruleset, path, (_READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE) & rights)
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0))
    finally:
        os.close(ruleset)


def _make_ruleset(abi: int, rights: int, *, tcp: int) -> int:
    attributes = struct.pack("=Q", rights)
    if abi >= _NETWORK_ABI:
        attributes += struct.pack("=Q", tcp)
    if abi >= _SCOPE_ABI:
        attributes += struct.pack("=Q", _SCOPES)
    return _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))


def _rules(writable: Sequence[Path], rights: int) -> Iterator[tuple[Path, int]]:
    yield Path("/"), _READ
    for path in map(Path, _DEVICES):
        if path.exists():
            yield path, _WRITE_FILE | _TRUNCATE | _IOCTL_DEV
    for path in writable:
        yield path, rights if path.is_dir() else _READ_FILE | _EXECUTE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV


def _allow(ruleset: int, path: Path, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, place)
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint(0))
    finally:
        os.close(place)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def _filter(*, network: bool) -> int:
    descriptor = os.memfd_create("ally-seccomp")
    os.write(descriptor, seccomp.program("internet" if network else "none") or b"")
    return descriptor
