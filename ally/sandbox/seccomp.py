"""The system call filter: a BPF program for x86-64 and 64-bit ARM.

What it refuses can change the sandbox itself, reach other processes, or reach parts of the kernel that a build or a
test does not need. Refused calls fail with EPERM; those that programs know how to do without fail with ENOSYS.

Source: Linux `include/uapi/linux/{seccomp,audit,filter,prctl}.h` and the system call tables of both machines.
"""

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass
from functools import cache
from typing import Literal

Sockets = Literal["none", "unix", "internet"]
"""Which sockets may be made: none (only connected pairs), those of this machine, or those of the internet too."""

_LOAD_WORD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; both machines are little-endian
_X32_BIT = 0x40000000
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_A_THREAD = 0x10000
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2  # of prctl
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # both type into a terminal for its user
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16


@dataclass(frozen=True, slots=True)
class _Machine:
    audit: int
    socket: int
    socketpair: int
    clone: int
    ioctl: int
    refused: tuple[int, ...]
    lone: tuple[int, ...]
    has_x32: bool = False


# open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, pidfd_getfd, mount_setattr, process_madvise, open_tree_attr
_REFUSED_EVERYWHERE = (428, 429, 430, 431, 432, 433, 438, 440, 442, 467)
_ABSENT = (425, 426, 427, 435)  # io_uring_setup, _enter, _register; clone3, whose flags a filter cannot see

_MACHINES = {
    "x86_64": _Machine(
        audit=0xC000003E,
        socket=41,
        socketpair=53,
        clone=56,
        ioctl=16,
        refused=(
            *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
            *(
                165,
                166,
                155,
                161,
                272,
                308,
                304,
            ),  # mount, umount2, pivot_root, chroot, unshare, setns, open_by_handle_at
            *(
                248,
                249,
                250,
                321,
                298,
                323,
                300,
            ),  # add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd, fanotify
            *(246, 320, 174, 175, 176, 313),  # kexec_load, kexec_file_load, create_, init_, delete_, finit_module
            *(103, 163, 167, 168, 169, 172, 173, 179),  # syslog, acct, swapon, swapoff, reboot, iopl, ioperm, quotactl
        ),
        lone=(
            *(57, 58, 59, 322),  # fork, vfork, execve, execveat
            *(62, 200, 129, 297, 424),  # kill, tkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_send_signal
            *(90, 91, 92, 93, 94, 260, 268, 452),  # chmod, fchmod, chown, fchown, lchown, fchownat, fchmodat, fchmodat2
            *(132, 235, 261, 280),  # utime, utimes, futimesat, utimensat
            *(188, 189, 190, 197, 198, 199, 463, 466),  # setxattr, removexattr and their kin
        ),
        has_x32=True,
    ),
    "aarch64": _Machine(
        audit=0xC00000B7,
        socket=198,
        socketpair=199,
        clone=220,
        ioctl=29,
        refused=(
            *(117, 270, 271, 272),
            *(40, 39, 41, 51, 97, 268, 265),
            *(217, 218, 219, 280, 241, 282, 262),
            *(104, 294, 105, 106, 273),
            *(116, 89, 224, 225, 142, 60),
        ),
        lone=(*(221, 281, 129, 130, 138, 240, 424), *(52, 53, 54, 55, 452), 88, *(5, 6, 7, 14, 15, 16, 463, 466)),
    ),
}


@cache
def program(sockets: Sockets, machine: str = platform.machine(), *, is_lone: bool = False) -> bytes | None:
    """The filter as an array of `struct sock_filter`, as the kernel and bubblewrap take it; None for other machines.

    A process that `is_lone` starts no other, signals none, and changes nothing about files that Landlock leaves open.
    """
    known = _MACHINES.get(machine)
    if known is None:
        return None
    lines = [
        _line(_LOAD_WORD, _MACHINE),
        _line(_IF_EQUAL, known.audit, yes=1),
        _line(_RETURN, _KILL_PROCESS),  # 32-bit programs have other call numbers
        _line(_LOAD_WORD, _NUMBER),
    ]
    if known.has_x32:
        lines += [_line(_IF_AT_LEAST, _X32_BIT, no=1), _refuse(errno.ENOSYS)]
    refused = (*known.refused, *_REFUSED_EVERYWHERE, *(known.lone if is_lone else ()))
    for numbers, error in ((refused, errno.EPERM), (_ABSENT, errno.ENOSYS)):
        for number in numbers:
            lines += [_line(_IF_EQUAL, number, no=1), _refuse(error)]
    new = [_line(_IF_ANY_BIT, _NEW_NAMESPACES, no=1), _refuse(errno.EPERM)]
    if is_lone:
        new += [_line(_IF_ANY_BIT, _A_THREAD, yes=1), _refuse(errno.EPERM)]
    lines += _for_call(known.clone, 0, new)
    terminal = [_line(_IF_EQUAL, _TIOCSTI, yes=1), _line(_IF_EQUAL, _TIOCLINUX, no=1), _refuse(errno.EPERM)]
    lines += _for_call(known.ioctl, 1, terminal)
    lines += _for_call(known.socketpair, 0, _only([_AF_UNIX]))
    lines += _for_call(known.socket, 0, _only(_families(sockets)))
    lines.append(_line(_RETURN, _ALLOW))
    return b"".join(lines)


def install(code: bytes) -> None:
    """Put this thread, and what it starts, under the filter `code`; for good.

    Raises:
        OSError: the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_ulong
    for call in (
        (_NO_NEW_PRIVILEGES, number(1), number(0)),
        (_SET_SECCOMP, number(_FILTER), ctypes.byref(_Program(len(code) // 8, code))),
    ):
        if libc.prctl(*call, number(0), number(0)):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_char_p))


def _families(sockets: Sockets) -> list[int]:
    match sockets:
        case "none":
            return []
        case "unix":
            return [_AF_UNIX]
        case "internet":
            return [_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK]


def _only(families: list[int]) -> list[bytes]:
    """Refuse the call unless its family is one of these."""
    last = len(families)
    return [
        *(_line(_IF_EQUAL, family, yes=last - position) for position, family in enumerate(families)),
        _refuse(errno.EPERM),
    ]


def _for_call(number: int, argument: int, body: list[bytes]) -> list[bytes]:
    """Run `body` on the low half of an argument if the call is `number`; it allows what the body lets through.

    The kernel itself reads only that half of the arguments looked at here, but for the flags of clone, whose high half
    has no flags.
    """
    inside = [_line(_LOAD_WORD, _ARGUMENTS + 8 * argument), *body, _line(_RETURN, _ALLOW)]
    return [_line(_IF_EQUAL, number, no=len(inside)), *inside]


def _refuse(error: int) -> bytes:
    return _line(_RETURN, _ERRNO | error)


def _line(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """One instruction; `yes` and `no` are how many of the following to skip."""
    return struct.pack("<HBBI", code, yes, no, value)
