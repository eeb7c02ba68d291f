"""Which server and database collections are kept in, as `knowledge.store` says it, and with which password."""

import getpass
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ally.egress.location import Location, classify_host
from ally.errors import ConfigError

Tls = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]

KEY = "knowledge.store"
SCHEMES = ("postgresql", "postgres")
_EXAMPLE = "for example postgresql://me@db.example.org/knowledge"
_DEFAULT_PORT = 5432
_SOCKET_FOLDERS = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108 - where PostgreSQL puts its socket
_OPTIONS = frozenset({"host", "port", "user", "dbname", "sslmode", "sslrootcert"})


@dataclass(frozen=True, slots=True)
class Address:
    """`host` is a name, an address, or the folder of a Unix socket, which begins with /."""

    host: str
    port: int
    database: str
    user: str
    tls: Tls
    root_certificate: str = ""

    @property
    def is_socket(self) -> bool:
        """Whether it is a Unix socket."""
        return self.host.startswith("/")

    @property
    def socket(self) -> str:
        """The file of the Unix socket."""
        return f"{self.host}/.s.PGSQL.{self.port}"

    @property
    def location(self) -> Location:
        """Where the server is."""
        return "local" if self.is_socket else classify_host(self.host)

    @property
    def server(self) -> str:
        """The server in words."""
        return self.socket if self.is_socket else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.database} at {self.server}"


def parse(url: str, env: Mapping[str, str]) -> Address:
    """The address in a `postgresql://USER@HOST:PORT/DATABASE?sslmode=…` URL, with the defaults of PostgreSQL's clients.

    Without sslmode, the connection to another machine is encrypted and its certificate is verified (`verify-full`); on
    this machine TLS is used if the server offers it (`prefer`).

    Raises:
        ConfigError: it cannot be understood, or holds a password. The message never holds the URL.
    """
    parts, port = _split(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.password or options.get("password"):
        raise _wrong(
            "holds a password, which does not belong in a file of settings.",
            "take it out of the URL; set PGPASSWORD in .env or the environment, or write it to ~/.pgpass",
        )
    if unknown := sorted(options.keys() - _OPTIONS - {"password"}):
        raise _wrong(f"has options that are not known: {', '.join(unknown)}.", f"use {', '.join(sorted(_OPTIONS))}")
    host = options.get("host") or unquote(parts.hostname or "") or _local_host(port)
    user = options.get("user") or unquote(parts.username or "") or env.get("PGUSER") or getpass.getuser()
    database = options.get("dbname") or unquote(parts.path.removeprefix("/")) or env.get("PGDATABASE") or user
    if "," in host or "/" in host.removeprefix("/") * (not host.startswith("/")) or "\0" in host + user + database:
        raise _wrong("names no single server.", f"give one host, {_EXAMPLE}")
    if options.get("port"):
        port = _number(options["port"])
    is_local = host.startswith("/") or classify_host(host) == "local"
    tls = _tls(options.get("sslmode") or ("prefer" if is_local else "verify-full"))
    return Address(host, port, database, user, tls, options.get("sslrootcert", ""))


def find_password(address: Address, env: Mapping[str, str], home: Path) -> tuple[str, str]:
    """The password from PGPASSWORD or the password file, "" if there is none, and why a file was not used.

    Source: PostgreSQL documentation, "The Password File".
    """
    if env.get("PGPASSWORD"):
        return env["PGPASSWORD"], ""
    file = Path(env.get("PGPASSFILE") or _password_file(env, home))
    try:
        found = file.stat()
        if os.name != "nt" and (not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077):
            return "", f"{file} was not read because others may read it: chmod 600 {file}"
        lines = file.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return "", ""
    hosts = {address.host, "localhost"} if address.is_socket else {address.host}
    wanted = (hosts, {str(address.port)}, {address.database}, {address.user})
    for line in lines:
        fields = _fields(line)
        if not line.startswith("#") and len(fields) == 5 and _fit(fields, wanted):
            return fields[4], ""
    return "", ""


def _split(url: str) -> tuple[SplitResult, int]:
    problem = "is no URL of a database server."
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORT
        _ = parts.hostname
    except ValueError:
        # What urlsplit says may hold a part of a password with signs that an URL cannot have.
        raise _wrong(problem, _EXAMPLE) from None
    if parts.scheme not in SCHEMES or parts.fragment or "://" not in url:
        raise _wrong(problem, _EXAMPLE)
    return parts, port


def _number(port: str) -> int:
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise _wrong("has no good port.", "give a number, usually 5432")
    return int(port)


def _tls(mode: str) -> Tls:
    for known in get_args(Tls):
        if mode == known:
            return known
    raise _wrong(f"has an unknown sslmode {mode!r}.", f"use one of {', '.join(get_args(Tls))}")


def _local_host(port: int) -> str:
    """Where a server on this machine listens: its socket if there is one."""
    for folder in _SOCKET_FOLDERS:
        if Path(folder, f".s.PGSQL.{port}").exists():
            return folder
    return "localhost"


def _password_file(env: Mapping[str, str], home: Path) -> Path:
    if os.name == "nt":
        return Path(env.get("APPDATA", ""), "postgresql", "pgpass.conf")
    return home / ".pgpass"


def _fields(line: str) -> list[str]:
    """The parts between colons; a backslash takes the next sign as it is."""
    fields = [""]
    signs = iter(line)
    for sign in signs:
        if sign == ":" and len(fields) < 5:
            fields.append("")
        else:
            fields[-1] += next(signs, "") if sign == "\\" else sign
    return fields


def _fit(fields: list[str], wanted: tuple[set[str], ...]) -> bool:
    return all(field == "*" or field in good for field, good in zip(fields, wanted, strict=False))


def _wrong(problem: str, hint: str) -> ConfigError:
    return ConfigError(f"{KEY} {problem}", key=KEY, hint=hint)
