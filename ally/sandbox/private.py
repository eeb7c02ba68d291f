"""What commands may not see: keys and logins of the user, Ally's own files, and the doors to other programs."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ally.config.paths import find_checkout, find_paths
from ally.config.secrets import env_files
from ally.errors import ConfigError

IN_HOME = (
    *(".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".oci", ".password-store", ".mozilla", ".thunderbird"),
    *(".config/gcloud", ".config/gh", ".config/hub", ".config/glab-cli", ".config/op", ".config/rclone"),
    *(".config/containers", ".config/chromium", ".config/google-chrome", ".config/sops", ".local/share/keyrings"),
    *(".netrc", ".pypirc", ".git-credentials", ".config/git/credentials", ".pgpass", ".my.cnf", ".vault-token"),
    *(".cargo/credentials", ".cargo/credentials.toml", ".terraform.d/credentials.tfrc.json", ".Xauthority"),
    *(".ICEauthority", ".bash_history", ".zsh_history", ".python_history", ".node_repl_history", ".psql_history"),
)
IN_SYSTEM = ("/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/gshadow-", "/etc/krb5.keytab", "/etc/ssl/private")
HIDDEN_FOLDERS = ("/tmp", "/var/tmp", "/run", "/var/run")  # noqa: S108 - these are the names of folders to hide
"""Replaced by empty ones: others' temporary files, and the sockets of the desktop, containers, agents and services."""

SHOWN_FOLDERS = ("/run/current-system", "/run/opengl-driver", "/run/booted-system")
"""Shown all the same: the programs of NixOS."""

RESOLVER = "/etc/resolv.conf"
"""Often a link into a hidden folder; with the network, the file that it leads to is shown."""

SOCKETS = Path("/proc/net/unix")


def own_folders(env: Mapping[str, str]) -> list[Path]:
    """Ally's configuration, data, state and cache."""
    try:
        paths = find_paths(env)
    except ConfigError:
        return []
    return list(dict.fromkeys([paths.config, paths.data, paths.state, paths.cache]))


def private_paths(env: Mapping[str, str], home: Path) -> Iterator[Path | str]:
    """The files and folders that no command reads, whether they are there or not."""
    # Strings, as most of them are not there and this runs for every command.
    yield from _in_home(home)
    yield from IN_SYSTEM
    if own := own_folders(env):
        yield from own
        yield from env_files(find_paths(env), find_checkout())


def is_keys_folder(folder: Path, home: Path) -> bool:
    """Whether `folder` is, or lies in, a place of keys in the home folder."""
    return any(str(folder) == place or str(folder).startswith(place + "/") for place in _in_home(home))


def _in_home(home: Path) -> Iterator[str]:
    return (f"{home}/{name}" for name in IN_HOME)


def listening_sockets() -> Iterator[Path]:
    """The sockets in the file system on which a program of this machine listens.

    A read-only mount does not stop anybody from connecting to one, so each has to be covered.
    """
    try:
        lines = SOCKETS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[7].startswith("/") and _is_socket(fields[7]):
            yield Path(fields[7])


def outermost(paths: Iterable[Path | str]) -> list[Path]:
    """The real paths of those that exist, without those that lie in another one."""
    kept: list[str] = []
    for path in sorted({os.path.realpath(path) for path in paths if os.path.exists(path)}):  # noqa: PTH110 - no error where a folder is closed
        if not any(path == other or path.startswith(other + "/") for other in kept):
            kept.append(path)
    return [Path(path) for path in kept]


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116 - called for every socket of the machine
    except (OSError, ValueError):
        return False
