#!/usr/bin/env python3
"""Shows that a local session reaches nothing beyond this machine: `scripts/netns_rig.py` (Linux, strace, unshare).

In a network namespace of its own, which has loopback and nothing else, Ally answers with the embedded model, chats,
lists, answers through Ollama on a loopback fake, on both roads. strace notes every network call of every process and
thread, native code and children included. Whatever would have left the machine is printed and fails the run.

Accepted, because nothing leaves the machine by it: loopback addresses; unix sockets, unless one resolves names;
netlink, by which a program asks the kernel for its addresses; `AF_UNSPEC`, which only undoes a connect.
Refused even on loopback: port 53, because a resolver there would pass the question on. Refused for `bind`: the
wildcard address, because others could come in. io_uring is refused, because strace cannot see what goes through it.

Exit 0: nothing was tried. 1: something was. 77: this machine cannot run it (the reason is printed).
"""

import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CANNOT_RUN = 77
TOOLS = {"strace": "strace", "unshare": "util-linux", "ip": "iproute2"}
TRACE = ("strace", "-ff", "--seccomp-bpf", "-qq", "-s", "120", "-e", "trace=%network,io_uring_setup")
QUIET_FAMILIES = {"AF_UNIX", "AF_NETLINK", "AF_UNSPEC"}
RESOLVERS = ("nscd", "resolve", "dbus", "avahi")
ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')
OUTWARD = re.compile(r"^(?:\d+ +)?(connect|bind|sendto|sendmsg|sendmmsg|io_uring_setup)\(")

OLLAMA_BY_LANGCHAIN = """
from ally.providers.builtin.ollama import OllamaProvider

class Wrapped(OllamaProvider):
    @property
    def name(self):
        return "wrapped"

    def create_llm(self, model_name, temperature, api_key=None, **kwargs):
        return super().create_llm(model_name, temperature, api_key, **kwargs)
"""


def find_escapes(lines: Iterable[str]) -> Iterator[str]:
    """The lines of an strace log that name a destination beyond this machine."""
    for line in lines:
        call = OUTWARD.match(line)
        if call and _escapes(call[1], line):
            yield line.strip()


def _escapes(call: str, line: str) -> bool:
    if call == "io_uring_setup":
        return True
    for part in re.split(r"(?=sa_family=)", line)[1:]:
        family = re.match(r"sa_family=(\w+)", part)
        if family and family[1] == "AF_UNIX":
            if any(name in part for name in RESOLVERS) and "ENOENT" not in line:
                return True
        elif family and family[1] not in QUIET_FAMILIES and not _stays(part):
            return True
    return False


def _stays(part: str) -> bool:
    found = ADDRESS.search(part)
    if not found:
        return False
    address = ipaddress.ip_address(found[2])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback and found[1] != "53"


def explain_unfit() -> str:
    """Why this machine cannot run the rig, or ''."""
    if sys.platform != "linux":
        return "network namespaces exist on Linux only"
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    tried = subprocess.run(
        [*_namespace(), "sh", "-c", "ip link set lo up && strace -qq -o /dev/null true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"no network namespace or no tracing here: {tried.stderr.strip()}" if tried.returncode else ""


def _namespace() -> list[str]:
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]


def run_session(work: Path) -> None:
    """Inside the namespace: the commands of the session, each traced into `work/trace`."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    home = work / "home"
    fake = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes", "ollama", "--text", "From the fake."],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = (fake.stdout.readline() if fake.stdout else "").strip()
        _write_home(home, address)
        traced(work, home, "-p", "Say hello.", "--provider", "local")
        traced(work, home, "--plain", "--provider", "local", typed="Hi\n/model\nBye\n/quit\n")
        traced(work, home, "providers", "list")
        traced(work, home, "models", "list")
        traced(work, home, "-p", "Hello", "--provider", "ollama", expected="From the fake.")
        traced(work, home, "-p", "Hello", "--provider", "wrapped", expected="From the fake.")
    finally:
        fake.terminate()
        fake.wait()
    control = "import socket; socket.socket().connect_ex(('192.0.2.1', 80))"
    subprocess.run([*TRACE, "-o", str(work / "control" / "t"), sys.executable, "-c", control], check=True)


def _write_home(home: Path, ollama: str) -> None:
    plugins = home / "providers"
    plugins.mkdir(parents=True)
    (plugins / "wrapped.py").write_text(OLLAMA_BY_LANGCHAIN, encoding="utf-8")
    options = {"ollama": {"base_url": ollama}, "wrapped": {"base_url": ollama}}
    config = json.dumps({"provider_options": options})
    (home / "config.json").write_text(config, encoding="utf-8")


def traced(work: Path, home: Path, *arguments: str, typed: str = "", expected: str = "") -> None:
    """Run one `ally` command under strace; it has to succeed and to print something."""
    environment = {"ALLY_HOME": str(home), "HOME": str(work), "PATH": os.environ["PATH"], "TERM": "dumb"}
    command = [*TRACE, "-o", str(work / "trace" / "t"), sys.executable, "-m", "ally", *arguments]
    done = subprocess.run(
        command, cwd=work, env=environment, input=typed, capture_output=True, text=True, timeout=300, check=False
    )
    shown = f"ally {' '.join(arguments)}"
    if done.returncode or not done.stdout.strip() or expected not in done.stdout:
        sys.exit(f"{shown} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    sys.stdout.write(f"  {shown}: {done.stdout.strip().splitlines()[0][:60]}\n")


def _read(folder: Path) -> list[str]:
    return [line for file in sorted(folder.iterdir()) for line in file.read_text(errors="replace").splitlines()]


def main() -> int:
    """Run the session in a namespace and judge what was traced."""
    if sys.argv[1:2] == ["--session"]:
        run_session(Path(sys.argv[2]))
        return 0
    unfit = explain_unfit()
    if unfit:
        sys.stderr.write(f"cannot run here: {unfit}\n")
        return CANNOT_RUN
    with tempfile.TemporaryDirectory(prefix="ally-netns-") as name:
        work = Path(name)
        for folder in ("trace", "control"):
            (work / folder).mkdir()
        inner = [sys.executable, str(Path(__file__).resolve()), "--session", str(work)]
        if subprocess.run([*_namespace(), *inner], check=False).returncode:
            return 1
        if not list(find_escapes(_read(work / "control"))):
            sys.stderr.write("the rig is blind: it did not see a connection that was made on purpose\n")
            return 1
        lines = _read(work / "trace")
        escapes = list(find_escapes(lines))
    for line in escapes:
        sys.stdout.write(f"LEFT THE MACHINE: {line}\n")
    calls = sum(bool(OUTWARD.match(line)) for line in lines)
    sys.stdout.write(f"{calls} calls with an address seen, {len(escapes)} of them beyond this machine\n")
    return 1 if escapes or not calls else 0


if __name__ == "__main__":
    sys.exit(main())
