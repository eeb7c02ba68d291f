"""What lies in a folder, without following links and without what `.gitignore` leaves out."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ally.storage.ignore import Ignore

DEFAULT_MAX_ENTRIES = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in the folder. `path` is relative to where the walk began, with `/`; a name that is no UTF-8 keeps its
    bytes as surrogates. A link is a link, whatever it leads to, and nothing else; devices and pipes are nothing."""

    path: str
    is_dir: bool
    is_link: bool
    is_file: bool = False


def walk(
    root: Path,
    *,
    respect_ignore: bool = True,
    max_entries: int = DEFAULT_MAX_ENTRIES,
    stop: Callable[[], bool] | None = None,
    on_error: Callable[[str, OSError], None] | None = None,
) -> Iterator[Entry]:
    """Every entry below `root` (absolute), each folder before what is in it, by name; `.git` folders are left out.

    It ends early after `max_entries`, and as soon as `stop()` is true, which is asked once for each folder and every
    few entries. `on_error` is told of a folder that cannot be listed, and its path; the walk goes on.
    """
    rules = Ignore.at(root) if respect_ignore else None
    waiting: list[Iterator[tuple[Entry, Ignore | None]]] = [_entries(root, "", rules, on_error)]
    count = 0
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        entry, rules = found
        if count >= max_entries or (stop and count % 64 == 0 and stop()):
            return
        count += 1
        yield entry
        if entry.is_dir:
            if stop and stop():
                return
            inner = rules.entered(os.path.join(root, entry.path)) if rules else None  # noqa: PTH118 - hot
            waiting.append(_entries(root, f"{entry.path}/", inner, on_error))


def _entries(
    root: Path, prefix: str, rules: Ignore | None, on_error: Callable[[str, OSError], None] | None
) -> Iterator[tuple[Entry, Ignore | None]]:
    """The entries of one folder with the rules seen from each of its subfolders."""
    try:
        with os.scandir(os.path.join(root, prefix)) as listing:  # noqa: PTH118 - hot
            found = sorted((one.name, *_kind(one)) for one in listing)
    except OSError as exc:
        if on_error:
            on_error(prefix.rstrip("/"), exc)
        return
    for name, is_link, is_dir, is_file in found:
        if (name == ".git" and not is_link) or (rules and rules.is_ignored(name, is_dir=is_dir)):
            continue
        yield Entry(prefix + name, is_dir, is_link, is_file), (rules.below(name) if rules and is_dir else rules)


def _kind(entry: os.DirEntry[str]) -> tuple[bool, bool, bool]:
    """Whether it is a link, a folder, a regular file."""
    return entry.is_symlink(), entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False)
