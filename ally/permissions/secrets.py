"""Which files hold secrets, judged by their names and places: their content never has to be read for that.

What is found here is read and written only when the user says so each time, and is hidden from commands.
"""

import os
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ally.permissions.paths import fold, fold_path, words

MAX_FOLDERS = 5_000
MAX_FOUND = 200
_FRESH_NS = 100_000_000  # a folder changed this recently may change again without a new time of change

# Patterns are compiled by their first use, not at every start of the program.
_HARMLESS = r"(.*[._-])?(example|sample|template|dist|defaults?|schema)|(example|sample|template)\.env"
_ENV = r"\.env(rc)?([._~-].*)?|.+\.env"
_PRIVATE_KEY = (
    r"id_(rsa|dsa|ecdsa|ed25519|xmss)(_sk)?([._-](?!pub$).*)?|ssh_host_.*_key|master\.key|wallet\.dat"
    r"|.+\.(pem|key|p8|p12|pfx|pkcs12|kdbx?|jks|keystore|ppk|keytab|ovpn|agilekeychain|keychain(-db)?)"
)
_CREDENTIALS = (
    r"\.?_?netrc|\.npmrc|\.yarnrc\.yml|\.pypirc|\.pgpass|pgpass\.conf|\.my\.cnf|\.mylogin\.cnf|\.htpasswd|\.dockercfg"
    r"|\.git-credentials|\.s3cfg|\.boto|\.vault-token|\.terraformrc|terraform\.rc|\.databrickscfg|\.dbshell"
    r"|\.xauthority|\.iceauthority|\.authinfo(\.gpg)?"
    r"|(application_default_|\.)?credentials(\.(json|ya?ml|toml|csv|ini|db|xml|tfrc\.json))?|kubeconfig|.+\.kubeconfig"
    r"|client_?secrets?.*\.json|.*service[-_]?account.*\.json|.*-sa-key\.json|oauth_creds\.json|kaggle\.json"
    r"|\.?secrets?(\.(json|ya?ml|toml|ini|env|txt))?|.+\.tfvars(\.json)?|.+\.tfstate(\..*)?|local\.settings\.json"
)
_HISTORY = r"\.?\w*_history|\.histfile|\.zhistory|fish_history|consolehost_history\.txt|\.lesshst|\.viminfo"
_BY_NAME = (
    ("holds keys", _ENV),
    ("private key", _PRIVATE_KEY),
    ("holds credentials", _CREDENTIALS),
    ("shell history", _HISTORY),
)
_NO_SECRETS = {"cacert.pem", "secrets.py"}  # certificates of authorities, which programs need; a module

_CREDENTIAL_PLACES = words(
    ".ssh .aws .gnupg .kube .azure .oci .password-store .cloudflared .snowsql .fly .terraform.d .bitcoin "
    ".ethereum .electrum .config/gcloud .config/gh .config/hub .config/op .config/rclone .config/doctl "
    ".config/heroku .config/sops .config/github-copilot .config/git/credentials .config/containers/auth.json "
    ".config/pip/pip.conf .pip/pip.conf .docker/config.json .docker/contexts .cargo/credentials "
    ".cargo/credentials.toml .gem/credentials .m2/settings.xml .m2/settings-security.xml "
    ".gradle/gradle.properties .subversion/auth .composer/auth.json .kaggle .huggingface/token "
    ".cache/huggingface/token .claude/.credentials.json .codex/auth.json .gemini/oauth_creds.json "
    ".netlify/config.json .dbt/profiles.yml .config/stripe .config/wrangler .config/configstore"
)
_KEYRING_PLACES = words(
    ".local/share/keyrings .local/share/kwalletd .gnome2/keyrings .kde/share/apps/kwallet .config/1password "
    ".config/bitwarden .config/keepassxc library/keychains .config/signal"
)
_BROWSER_PLACES = words(
    ".mozilla .thunderbird .librewolf .config/google-chrome .config/chromium .config/bravesoftware "
    ".config/microsoft-edge .config/vivaldi .config/opera .config/slack .config/discord snap/firefox "
    "snap/chromium .var/app/org.mozilla.firefox .var/app/com.google.chrome .var/app/org.chromium.chromium "
    "library/cookies library/safari"
)
_BROWSER_PLACES_WITH_BLANKS = (
    "library/application support/google/chrome",
    "library/application support/firefox",
    "library/application support/bravesoftware",
)
_SYSTEM_PLACES = (
    r"/etc/g?shadow-?|/etc/sudoers(\.d)?|/etc/ssl/private|/(var/)?run/secrets|/run/user/\d+/(keyring|gnupg)|/dev/k?mem"
    r"|/proc/kcore|/proc/[^/]+/(task/[^/]+/)?(environ|mem)|/etc/krb5\.keytab|/etc/wireguard|/etc/openvpn"
    r"|/etc/networkmanager/system-connections"
)


def _places(places: Sequence[str]) -> str:
    return "(?:^|.*/)(" + "|".join(map(re.escape, places)) + ")(/.*)?"


_BY_PLACE = (
    ("holds credentials", _places(_CREDENTIAL_PLACES)),
    ("password store", _places(_KEYRING_PLACES)),
    ("browser profile", _places([*_BROWSER_PLACES, *_BROWSER_PLACES_WITH_BLANKS])),
    ("secret of the system", f"({_SYSTEM_PLACES})(/.*)?"),
)
_HOME_PLACES = (*_CREDENTIAL_PLACES, *_KEYRING_PLACES, *_BROWSER_PLACES, *_BROWSER_PLACES_WITH_BLANKS)
_LAST_PARTS = frozenset(place.rpartition("/")[2] for place in _HOME_PLACES)
_SYSTEM_ROOTS = ("/etc/", "/proc/", "/run/", "/var/", "/dev/")
_SKIPPED = frozenset(
    words(
        ".git node_modules .venv venv site-packages __pycache__ .tox .nox .mypy_cache .ruff_cache .cache target "
        "bower_components .hg .svn"
    )
)

_OTHERS_CODE = _SKIPPED - frozenset(words(".git __pycache__ .mypy_cache .ruff_cache .hg .svn"))
"""Skipped, although somebody might keep a key there."""


def secret_reason(path: Path, home: Path) -> str:
    """Why `path`, a file or folder, is secret: `holds keys: .env`; "" if its name says nothing of the kind.

    It looks at the text alone, so give it a path with and without its links followed.
    """
    text = str(path)
    folder, _, name = text.rpartition("/")
    return _folder_reason(folder, str(home)) or _name_reason(name) or _last_part_reason(text, name, str(home))


def find_secrets(root: Path, home: Path, max_folders: int = MAX_FOLDERS) -> tuple[Path, ...]:
    """Secret files inside `root` and the known places in `home` that exist, links followed.

    Folders of others' code (`node_modules`, `.venv`) are left out, links to folders are not followed, and it looks
    into at most `max_folders`, near ones first. A folder that did not change is not read again.
    """
    found = dict.fromkeys(_home_secrets(home))
    waiting = deque([str(root)])
    for _ in range(max_folders):
        if not waiting or len(found) >= MAX_FOUND:
            break
        here = _look(waiting.popleft(), str(home))
        waiting.extend(here.folders)
        found |= dict.fromkeys(os.path.realpath(path) for path in here.secrets)
    real_root = os.path.realpath(root)
    return tuple(Path(path) for path in found if not _holds(path, real_root))


def unsearched(folder: Path, home: Path, max_folders: int = MAX_FOLDERS) -> str:
    """A folder inside `folder` into which `find_secrets` does not look, as a path; "" if it looks into all."""
    waiting, count = deque([str(folder)]), 0
    for _ in range(max_folders):
        if not waiting:
            return ""
        here = _look(waiting.popleft(), str(home))
        count += len(here.secrets)
        if here.skipped or count >= MAX_FOUND:
            return next(iter(here.skipped), str(folder))
        waiting.extend(here.folders)
    return str(folder)


def _home_secrets(home: Path) -> Iterator[str]:
    for name in _HOME_PLACES:
        if os.path.lexists(home / name):
            yield os.path.realpath(home / name)
    for path in _look(str(home), str(home)).secrets:
        yield os.path.realpath(path)


def _holds(path: str, root: str) -> bool:
    """Whether hiding `path` would hide the folder one works in."""
    return root == path or root.startswith(path.rstrip("/") + "/")


class _Listing(NamedTuple):
    """The paths directly in a folder: folders to look into, secrets, and folders of others' code."""

    folders: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def _look(folder: str, home: str) -> _Listing:
    """What is directly in `folder`; nothing where it cannot be read."""
    try:
        changed_ns = os.stat(folder).st_mtime_ns  # noqa: PTH116 - ten thousands of them, without a Path each
        is_fresh = abs(time.time_ns() - changed_ns) < _FRESH_NS
        return _scan(folder, home) if is_fresh else _scan_once(folder, home, changed_ns)
    except OSError:
        return _Listing()


@lru_cache(maxsize=20_000)
def _scan_once(folder: str, home: str, changed_ns: int) -> _Listing:
    return _scan(folder, home)


def _scan(folder: str, home: str) -> _Listing:
    folders: list[str] = []
    secrets: list[str] = []
    skipped: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if (_name_reason(entry.name) and not is_folder) or _last_part_reason(entry.path, entry.name, home):
                secrets.append(entry.path)
            elif is_folder and entry.name not in _SKIPPED:
                folders.append(entry.path)
            elif is_folder and entry.name in _OTHERS_CODE:
                skipped.append(entry.path)
    return _Listing(tuple(folders), tuple(secrets), tuple(skipped))


@lru_cache(maxsize=16_384)
def _folder_reason(folder: str, home: str) -> str:
    """Why everything in `folder` is secret; "" if it is not."""
    return _place_reason(folder, home)


@lru_cache(maxsize=16_384)
def _name_reason(name: str) -> str:
    folded = fold(name)
    if folded in _NO_SECRETS or re.fullmatch(_HARMLESS, folded):
        return ""
    return next((f"{kind}: {name}" for kind, pattern in _BY_NAME if re.fullmatch(pattern, folded)), "")


def _last_part_reason(text: str, name: str, home: str) -> str:
    """As `_place_reason`, for a path whose folder is no such place: only a few last parts can make it one."""
    is_candidate = fold(name) in _LAST_PARTS or text[:6].lower().startswith(_SYSTEM_ROOTS)
    return _place_reason(text, home) if is_candidate else ""


def _place_reason(text: str, home: str) -> str:
    folded = fold_path(text)
    shown = "~" + text[len(home) :] if text.startswith(home + "/") else text
    return next((f"{kind}: {shown}" for kind, pattern in _BY_PLACE if re.fullmatch(pattern, folded)), "")
