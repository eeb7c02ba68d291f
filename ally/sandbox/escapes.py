"""The program that tries to get out; `probes` runs it inside a sandbox as `python -I -c SOURCE PLAN`.

It stands alone, imports nothing of Ally, touches nothing but what the plan names, and sends nothing to any other
machine. It prints one JSON object: the name of each attempt and what came of it; an error text means that it failed.
"""

import contextlib
import ctypes
import errno
import json
import os
import platform
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

IS_ARM = platform.machine() == "aarch64"


class Blocked(Exception):
    """The attempt failed; the text says how."""


class Escapes:
    """The attempts; `plan` names the places, ports and processes that were made for them."""

    def __init__(self, plan: dict[str, str]) -> None:
        self.plan = plan
        self.home, self.root = Path(plan["home"]), Path(plan["root"])
        self.libc = ctypes.CDLL(None, use_errno=True)

    def attempts(self) -> dict[str, Callable[[], object]]:
        """What is tried, in this order."""
        home, root = self.home, self.root
        return {
            "write into the home folder": lambda: write(home / "letter.txt"),
            "write Ally's own settings": lambda: write(home / ".config" / "ally" / "config.json"),
            "write .git/config": lambda: write(root / ".git" / "config"),
            "delete .git/config": (root / ".git" / "config").unlink,
            "make a git hook": lambda: write(root / ".git" / "hooks" / "post-checkout"),
            "move .git away": lambda: (root / ".git").rename(root / "moved"),
            "make a missing .ally": lambda: write(root / ".ally" / "config.json"),
            "make a missing .vscode": lambda: write(root / ".vscode" / "tasks.json"),
            "make a missing .envrc": lambda: write(root / ".envrc"),
            "write an existing .bashrc": lambda: write(root / ".bashrc"),
            "write through a symbolic link": self.through_link,
            "write through a hard link": self.through_hard_link,
            "change the mode of a file outside": lambda: (home / "letter.txt").chmod(0o777),
            "delete a file outside": (home / "second.txt").unlink,
            "connect by TCP": lambda: socket.create_connection(("127.0.0.1", int(self.plan["tcp"])), 2).close(),
            "send by UDP": self.send,
            "listen on TCP": lambda: socket.create_server(("127.0.0.1", 0)).close(),
            "ask for a name on the network": self.ask_for_name,
            "connect to a socket in the file system": lambda: connect(self.plan["socket"]),
            "connect to an abstract socket": lambda: connect("\0" + self.plan["abstract"]),
            # families 40 and 16: to the host of a virtual machine, and the settings of the network
            "make a socket to the machine's host": lambda: socket.socket(40, socket.SOCK_STREAM).close(),
            "make a socket to the kernel": lambda: socket.socket(16, socket.SOCK_RAW, 0).close(),
            "see a process outside": lambda: self.find_process("cmdline"),
            "read the environment of a process outside": lambda: self.find_process("environ"),
            "signal a process outside": lambda: os.kill(int(self.plan["victim"]), signal.SIGCONT),
            "trace a process outside": self.trace,
            "open the memory of a process outside": lambda: Path(f"/proc/{self.plan['victim']}/mem").open("rb").close(),
            "read an SSH key": lambda: self.read(home / ".ssh" / "id_rsa"),
            "read .env in the working folder": lambda: self.read(root / ".env"),
            "read Ally's own settings": lambda: self.read(home / ".config" / "ally" / "config.json"),
            "see a key's variable": lambda: self.look_for("PROBE_API_KEY", " ".join(os.environ)),
            "see a key under another name": lambda: self.look_for(self.plan["secret"], " ".join(os.environ.values())),
            "use io_uring": lambda: self.call(425, 8, ctypes.addressof(ctypes.create_string_buffer(256))),
            "make a user namespace": lambda: self.call_in_child(97 if IS_ARM else 272, 0x10000000),
            "mount a file system": lambda: self.call_in_child(40 if IS_ARM else 165, 0, 0, 0, 0, 0),
            "gain privileges": self.gain_privileges,
            "type into the terminal": self.type,
            "change the kernel's settings": lambda: os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)),
            "leave a process behind": self.leave_process,
        }

    def through_link(self) -> None:
        (self.root / "soft").symlink_to(self.home / "letter.txt")
        write(self.root / "soft")

    def through_hard_link(self) -> None:
        (self.root / "hard").hardlink_to(self.home / "letter.txt")
        write(self.root / "hard")

    def send(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
            talk.sendto(b"escaped", ("127.0.0.1", int(self.plan["udp"])))

    def ask_for_name(self) -> None:
        for path in ("/run/systemd/resolve/io.systemd.Resolve", "/run/nscd/socket", "/var/run/nscd/socket"):
            with socket.socket(socket.AF_UNIX) as talk:
                if talk.connect_ex(path) == 0:
                    return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
            talk.connect(("127.0.0.53", 53))  # sends nothing, but could

    def find_process(self, file: str) -> None:
        """Look for the mark in a file of every process, but for those that carry this program in their words."""
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                text = (folder / file).read_bytes()
                if self.plan["mark"].encode() in text and b"class Escapes" not in text:
                    return
        raise Blocked("not to be seen")

    def trace(self) -> None:
        self.call(117 if IS_ARM else 101, 0x4206, int(self.plan["victim"]), 0, 0)  # PTRACE_SEIZE: does not stop it

    def read(self, path: Path) -> None:
        self.look_for(self.plan["secret"], path.read_text())

    def look_for(self, wanted: str, text: str) -> None:
        if wanted not in text:
            raise Blocked("not there")

    def gain_privileges(self) -> None:
        if self.libc.prctl(39, 0, 0, 0, 0) == 1:  # PR_GET_NO_NEW_PRIVS
            raise Blocked("no new privileges")

    def type(self) -> None:
        with Path("/dev/null").open() as file:
            self.libc.ioctl(file.fileno(), ctypes.c_ulong(0x5412), b"x")
        if ctypes.get_errno() == errno.EPERM:  # else the kernel got to see that this is no terminal
            raise Blocked("refused")

    def leave_process(self) -> None:
        """Start a daemon; `probes` looks for it when all this has ended."""
        if os.fork():
            return
        os.setsid()
        if os.fork():
            os._exit(0)
        for descriptor in range(3):
            os.close(descriptor)
        os.execv("/bin/sleep", [self.plan["mark"] + "-daemon", "60"])  # noqa: S606 - a fixed program

    def call(self, number: int, *arguments: int) -> None:
        if self.libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def call_in_child(self, number: int, *arguments: int) -> None:
        """A call that would change this process for the attempts that follow."""
        child = os.fork()
        if child == 0:
            try:
                self.call(number, *arguments)
            except OSError as error:
                os._exit(error.errno or 1)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            raise Blocked(os.strerror(code))


def write(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write("escaped\n")


def connect(address: str) -> None:
    with socket.socket(socket.AF_UNIX) as talk:
        talk.connect(address)


def main() -> None:
    results: dict[str, str] = {}
    for name, attempt in Escapes(json.loads(sys.argv[1])).attempts().items():
        try:
            attempt()
            results[name] = ""
        except (OSError, Blocked) as error:
            results[name] = str(error) or type(error).__name__
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
