"""Tier A: bubblewrap and the system call filter.

A command sees the whole file system read-only, but for the working folder; `/tmp` and `/run` are empty and its own, so
are processes, devices and, without a grant, the network. It has no capabilities and can get none. Its processes end
with it: the kernel ends them with their process namespace.

In the working folder, what others would run stays read-only (`protected`), also where it is missing (`standins`). A
home folder may be the working folder: then everything in it that begins with a dot, and `bin`, stays read-only. A
working folder that contains the home folder, or that is one of Ally's own, is read-only as a whole.

With the network granted, sockets of other programs that have no place in the file system can be reached.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ally.config.paths import find_checkout
from ally.sandbox import private, protected, seccomp
from ally.sandbox.base import Confinement, Launch, Tier
from ally.sandbox.environment import Parent, child_environment
from ally.sandbox.grants import check_root, check_writable, is_read_only
from ally.sandbox.standins import StandIns

TEMP = "/tmp"  # noqa: S108 - the sandbox has its own

_NAMESPACES = (
    *("--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--die-with-parent", "--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
    # root in a namespace is still the owner of the kernel's settings
    *("--remount-ro", "/proc"),
)

BASH = ("/bin/bash", "/usr/bin/bash")

Mount = Literal["read", "write", "temporary", "no folder", "no file"]


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Runs commands through the bubblewrap at `program`."""

    program: str
    parent: Parent
    tier: Tier = field(default="A", init=False)
    name: str = field(default="bubblewrap", init=False)
    reason: str = field(default="", init=False)

    def with_environment(self, env: Mapping[str, str]) -> "Bubblewrap":
        """The same with another parent environment."""
        return replace(self, parent=Parent(env))

    def launch(self, argv: Sequence[str], confinement: Confinement) -> Launch:
        """Prepare to run `argv`; see `Sandbox.launch`."""
        check_root(confinement)
        held = contextlib.ExitStack()
        try:
            mounts = self._mounts(confinement, held)
            descriptor = _filter(network=confinement.network)
            held.callback(os.close, descriptor)
            line = _life_line(held)
        except BaseException:
            held.close()
            raise
        words = [
            *(self.program, *_NAMESPACES),
            *(() if confinement.network else ("--unshare-net",)),
            *_words(mounts),
            *("--seccomp", str(descriptor), "--chdir", str(confinement.root), "--", *_alive(line), *argv),
        ]
        env = child_environment(
            self.parent, confinement.root, network=confinement.network, temp=TEMP, own_programs=True
        )
        return Launch(words, env, confinement.root, (descriptor, line), held)

    def _mounts(self, confinement: Confinement, held: contextlib.ExitStack) -> dict[Path, Mount]:
        root, home, env = confinement.root, self.parent.home, self.parent.env
        own = private.own_folders(env)
        writable = check_writable(confinement, home, own)
        closed = root not in writable and (is_read_only(confinement, home, own) or private.is_keys_folder(root, home))
        mounts: dict[Path, Mount] = {Path(path): "temporary" for path in private.HIDDEN_FOLDERS if _is_folder(path)}
        shown = [*private.SHOWN_FOLDERS, *([os.path.realpath(private.RESOLVER)] if confinement.network else [])]
        mounts |= {path: "read" for path in map(Path, shown) if _is_hidden(path, mounts)}
        if _is_hidden(home, mounts):
            mounts[home] = "read"
        if _is_hidden(root, mounts) and (outer := protected.enclosing_repository(root)) and _is_hidden(outer, mounts):
            mounts[outer] = "read"  # else git would take the rest of the repository for deleted
        mounts[root] = "read" if closed else "write"
        mounts |= dict.fromkeys(writable, "write")
        if not closed:
            _guard(mounts, root, home, confinement, held)
        for folder in writable:
            is_covered = folder.is_relative_to(root) and not closed
            if folder.is_dir() and not is_covered and not protected.is_protected(folder):
                _guard(mounts, folder, home, replace(confinement, git=False), held)
        _hide(mounts, [*private.private_paths(env, home), *confinement.masks], (root, *writable))
        mounts |= dict.fromkeys(private.outermost(confinement.readable), "read")
        mounts |= {path: "no file" for path in private.listening_sockets() if not _is_hidden(path, mounts)}
        return mounts


def _guard(
    mounts: dict[Path, Mount], folder: Path, home: Path, confinement: Confinement, held: contextlib.ExitStack
) -> None:
    """Protect what must not be written in `folder` for as long as `held` is."""
    stand_ins = StandIns(folder, protected.possible_stand_ins(folder))
    held.callback(stand_ins.release)
    stand_ins.hold()  # before looking at what is there
    parts = protected.protect(folder, home, git=confinement.git, granted=confinement.writable)
    if confinement.git and not (folder / ".git").exists():
        outer = protected.protect_repository(folder)
        parts = replace(
            parts, **{name: [*getattr(parts, name), *getattr(outer, name)] for name in protected.Protection.__slots__}
        )
    held.callback(_set_aside, parts.unwanted)
    made = stand_ins.make(parts.missing)
    mounts |= dict.fromkeys(parts.writable, "write")
    mounts |= dict.fromkeys([*parts.read_only, *made], "read")
    checkout = find_checkout()
    if checkout and (settings := checkout / "config.json").is_relative_to(folder) and settings.exists():
        mounts[settings] = "read"


def _hide(mounts: dict[Path, Mount], paths: Iterable[Path | str], shown: Sequence[Path]) -> None:
    """Mask the paths, but not what a shown folder lies in: that one is only not writable."""
    for path in private.outermost(paths):
        if _is_hidden(path, mounts) or path in shown:
            continue
        mounts[path] = "no folder" if path.is_dir() else "no file"


def _set_aside(unwanted: Sequence[Path]) -> None:
    for path in unwanted:
        with contextlib.suppress(OSError):
            path.rename(path.with_name(f"{path.name}.set-aside-by-ally"))


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)  # noqa: PTH112, PTH114 - strings are all there is


def _is_hidden(path: Path, mounts: Mapping[Path, Mount]) -> bool:
    """Whether the nearest mount above `path` has replaced what is there."""
    nearest = next((parent for parent in (path, *path.parents) if parent in mounts), None)
    return nearest is not None and path.exists() and mounts[nearest] in ("temporary", "no folder")


def _words(mounts: Mapping[Path, Mount]) -> list[str]:
    """The mounts as options, outer ones first so that inner ones lie on them."""
    words: list[str] = []
    last: list[str] = []
    for path, mount in sorted(mounts.items(), key=lambda item: len(item[0].parts)):
        target = str(path)
        match mount:
            case "read":
                words += ["--ro-bind", target, target]
            case "write":
                words += ["--bind", target, target]
            case "temporary":
                words += ["--perms", "1777", "--tmpfs", target]
            case "no folder":
                words += ["--perms", "0555", "--tmpfs", target]
                last += ["--remount-ro", target]
            case "no file":
                words += ["--ro-bind", "/dev/null", target]
    return words + last


def _life_line(held: contextlib.ExitStack) -> int:
    """The reading end of a pipe that is at its end once this program has ended."""
    reading, writing = os.pipe()
    held.callback(os.close, reading)
    held.callback(os.close, writing)
    return reading


def _alive(line: int) -> Sequence[str]:
    """Words before a command that end it, and all that it started, when this program ends.

    bubblewrap binds itself to its parent some milliseconds after its start, and its own first process later still: a
    program killed before that has a sandbox that outlives it. The watcher is no child of the command, which may wait
    for all of its own.
    """
    bash = next((path for path in BASH if os.access(path, os.X_OK)), "")
    watch = f"read -r -u {line}; kill -s KILL -- -1"
    script = f'( {{ {watch}; }} </dev/null >/dev/null 2>&1 & ); exec {line}<&-; exec -- "$@"'
    return (bash, "--noprofile", "--norc", "-c", script, bash) if bash else ()


def _filter(*, network: bool) -> int:
    """A descriptor from which bubblewrap reads the system call filter."""
    program = seccomp.program("internet" if network else "unix")
    descriptor = os.memfd_create("ally-seccomp")
    os.write(descriptor, program or b"")
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
