"""What the reading process can do once it is confined, tried from inside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ally.sandbox.landlock import find_abi

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="confined by limits only elsewhere")

TRY = """
import ctypes, json, os, socket, subprocess, sys, threading
from ally.rag.extract.confinement import confine
from ally.rag.extract.worker import readable
folder = sys.argv[1]
held = open(folder + "/held.txt")
attempts = {
    "read": lambda: open(folder + "/secret.txt").read(),
    "list": lambda: os.listdir(folder),
    "write": lambda: open(folder + "/new.txt", "w"),
    "change": lambda: os.chmod(folder + "/secret.txt", 0o777),
    "delete": lambda: os.unlink(folder + "/secret.txt"),
    "rename": lambda: os.rename(folder + "/secret.txt", folder + "/x"),
    "link": lambda: os.link(folder + "/secret.txt", folder + "/x"),
    "secrets": lambda: open("/etc/passwd").read(),
    "tcp": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "unix": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "fork": os.fork,
    "run": lambda: subprocess.run(["/bin/true"]),
    "become": lambda: os.execv("/bin/true", ["true"]),
    "kill": lambda: os.kill(os.getppid(), 0),
    "memory": lambda: bytearray(400_000_000),
    "parser": lambda: __import__("lxml.etree"),
    "held": held.read,
}
said = {"confined": confine(readable(), 300_000_000)}
for name, attempt in attempts.items():
    try:
        attempt()
        said[name] = "done"
    except BaseException as exc:
        said[name] = type(exc).__name__
print(json.dumps(said))
"""


def test_a_confined_process_reaches_no_file_socket_program_or_process(tmp_path: Path):
    for name in ("secret.txt", "held.txt"):
        (tmp_path / name).write_text("words")
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    if not find_abi():
        pytest.skip("the kernel has no Landlock")
    assert said.pop("confined") == ["memory", "network", "programs", "files"]
    assert {name for name, outcome in said.items() if outcome == "done"} == {"parser", "held"}
    assert said["memory"] == "MemoryError"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["held.txt", "secret.txt"]
