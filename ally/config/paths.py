"""Where Ally's files are: four folders of the user, and the checkout it runs from, if any."""

import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ally.errors import ConfigError

_WRITTEN = (
    *("sessions.db", "sessions.db-wal", "sessions.db-shm", "sessions.db.lock", "prompts.jsonl", "prompts.jsonl.lock"),
    *("drafts", "kb", "models", "embeddings", "hosted.json", "measured.json", "checkpoints", "locks", "logs"),
    *("permissions.json", "trust.json", "cache", "spill", "pictures", "providers.json", "embedders.json"),
    "ollama-windows.json",
)

CHECKOUT_MARK = Path("app/src/providers/base_provider.py")


@dataclass(frozen=True, slots=True)
class Paths:
    """Ally's folders. They need not exist; nothing is created here."""

    config: Path
    data: Path
    state: Path
    cache: Path

    def written(self, root: Path) -> list[Path]:
        """What Ally itself writes while it works in `root`: its folders, or what it keeps in the one around `root`."""
        found: list[Path] = []
        for folder in dict.fromkeys((self.data, self.state, self.cache)):
            found += [folder / name for name in _WRITTEN] if root.is_relative_to(folder) else [folder]
        return found


def find_paths(env: Mapping[str, str]) -> Paths:
    """The folders for this user: `ALLY_HOME`, else the XDG folders (elsewhere those of the platform).

    Raises:
        ConfigError: `ALLY_HOME` is not an absolute path, or there is no home folder.
    """
    chosen = env.get("ALLY_HOME", "").strip()
    if chosen:
        home = _absolute_home(chosen, env)
        return Paths(config=home, data=home, state=home, cache=home / "cache")
    if sys.platform in ("win32", "darwin"):
        return _platform_paths()
    return Paths(
        config=_xdg(env, "XDG_CONFIG_HOME", ".config"),
        data=_xdg(env, "XDG_DATA_HOME", ".local/share"),
        state=_xdg(env, "XDG_STATE_HOME", ".local/state"),
        cache=_xdg(env, "XDG_CACHE_HOME", ".cache"),
    )


def moved_folder(env: Mapping[str, str], variable: str, default: Path, warn: Callable[[str], None]) -> Path:
    """The folder that `variable` names for a part of Ally's files, else `default`.

    A value that cannot be one is told to `warn` and has no effect: the rest of Ally works without it.
    """
    text = env.get(variable, "").strip()
    if not text:
        return default
    folder = _home(env) / text[2:] if text == "~" or text.startswith("~/") else Path(text)
    if folder.is_absolute() and _may_be_folder(folder):
        return folder
    # A relative folder would be another one in every working directory, and could come with a stranger's project.
    warn(f"{variable} is not the absolute path of a folder; {default} is used instead.")
    return default


def config_files(paths: Paths, checkout: Path | None) -> list[Path]:
    """The places of config.json, the one that wins last; the files need not exist."""
    files = [paths.config / "config.json"]
    if checkout is not None:
        files.append(checkout / "config.json")
    return files


def find_checkout() -> Path | None:
    """The source checkout that this package runs from, or None for an installed one."""
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / CHECKOUT_MARK).is_file() else None


def _may_be_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):  # ValueError: a null character
        return False


def _absolute_home(text: str, env: Mapping[str, str]) -> Path:
    path = _home(env) / text[2:] if text == "~" or text.startswith("~/") else Path(text)
    if not path.is_absolute():
        # A relative folder would be another one in every working directory, and could come with a stranger's project.
        raise ConfigError(
            f"ALLY_HOME must be an absolute path, not {text!r}.",
            key="ALLY_HOME",
            hint="write the full path, or unset ALLY_HOME",
        )
    return path


def _xdg(env: Mapping[str, str], variable: str, default: str) -> Path:
    text = env.get(variable, "")
    # The XDG specification: a relative path is invalid and ignored.
    base = Path(text) if Path(text).is_absolute() else _home(env) / default
    return base / "ally"


def _home(env: Mapping[str, str]) -> Path:
    text = env.get("HOME", "")
    if Path(text).is_absolute():
        return Path(text)
    try:
        return Path.home()
    except RuntimeError:
        raise ConfigError("There is no home folder.", key="HOME", hint="set HOME or ALLY_HOME") from None


def _platform_paths() -> Paths:
    from platformdirs import PlatformDirs  # heavy

    dirs = PlatformDirs("ally", appauthor=False)
    return Paths(dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_cache_path)
