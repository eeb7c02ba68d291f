"""What must not run in any mode: losing the home folder, the system, the workspace, its repository, a disk."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from posixpath import basename, dirname, isabs, isdir, join, normpath, realpath

from ally.permissions.shell.git import subcommand
from ally.permissions.shell.names import names
from ally.permissions.shell.walk import Simple
from ally.permissions.shell.words import Word
from ally.permissions.shell.wrappers import LAUNCHERS, SHELLS

_REMOVERS = frozenset({"rm", "rmdir", "unlink", "shred", "truncate", "srm", "trash"})
_CHANGERS = frozenset({"chmod", "chown", "chgrp", "setfacl", "chattr"})
_DISK_TOOLS = names("wipefs mkswap fdisk sfdisk sgdisk parted blkdiscard badblocks hdparm cryptsetup")
_DISK = re.compile(r"/dev/(sd|hd|vd|xvd|nvme|mmcblk|disk|mapper|dm-|md\d|loop|mem|kmem|port|nbd|zd)")
_SYSTEM_FILES = frozenset(f"/etc/{name}" for name in ("passwd", "shadow", "sudoers", "fstab", "group", "gshadow"))
_ALL = re.compile(r"\.{0,2}[*?]+|\*+\.\*+|\*+/?|\.?\[[!^][^\]]*\]\*|\.\?\?\*|\*\*|[?*]+\.?[*?]+")
_NARROWING = re.compile(r"-(i?name|i?path|i?wholename|i?regex|empty|newer.*|[acm](time|min)|size|user|group|perm|inum)")
_RUNS = ("-exec", "-execdir", "-ok", "-okdir")
_BELOW_HOME = (".ssh", ".gnupg", ".config", ".local")


@dataclass(frozen=True, slots=True)
class Vital:
    """The folders that must survive."""

    root: str
    home: str

    @classmethod
    def of(cls, root: Path, home: Path) -> "Vital":
        return cls(realpath(root), realpath(home))

    def why(self, path: str) -> str:
        """What `path` is that must not be lost, or ""."""
        folder, name = dirname(path), basename(path)
        if path == "/" or (folder == "/" and isdir(path)) or path in ("/var/lib", "/var/log"):
            return f"{path} belongs to the system"
        if folder in ("/usr", "/home", "/Users") and not f"{self.root}/".startswith(f"{path}/"):
            return f"{path} belongs to the system or is somebody's home"
        if name.casefold() == ".git":
            return f"{path} is a repository's history"
        if folder == self.home and name in _BELOW_HOME:
            return f"{path} is a vital part of the home folder"
        for vital, title in ((self.home, "the home folder"), (self.root, "the working folder")):
            if f"{vital}/".startswith(f"{path}/"):
                return f"{path} is {title}" if path == vital else f"{path} holds {title}"
        return ""


def fork_bomb(text: str) -> str:
    """Why `text` multiplies without end, or ""."""
    bare = re.sub(r"\s", "", text) if "()" in text.replace(" ", "") else ""
    for start in re.finditer(r"\(\)\{", bare):
        name = re.search(r"[^(){};|&]*$", bare[max(start.start() - 100, 0) : start.start()])
        body = bare[start.end() : start.end() + 1000].partition("}")[0]
        if name and name[0] and f"{name[0]}|{name[0]}&" in body:
            return "it starts itself again and again"
    return ""


def destruction(simple: Simple, vital: Vital) -> str:
    """Why one command, wrappers still around it, must not run; ""."""
    for redirect in simple.redirects:
        if redirect.operator not in ("<", "<&"):
            for path in _places(redirect.target.guesses, simple.folders):
                if _DISK.match(path) or path in _SYSTEM_FILES:
                    return f"it overwrites {path}"
    for words in _calls(simple.words):
        if reason := _call(words, simple, vital):
            return reason
    return ""


def _calls(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """The command itself, and behind a launcher everything that may be the command it runs."""
    if words:
        yield words
        if _name(words[0]) in LAUNCHERS:
            for start in range(1, len(words)):
                yield words[start:]


def _name(word: Word) -> str:
    return (word.guesses[0] if word.guesses else word.text or "").rsplit("/", 1)[-1]


def _call(words: Sequence[Word], simple: Simple, vital: Vital) -> str:
    name, rest = _name(words[0]), [*words[1:], *_fed(simple)]
    guesses = [guess for word in rest for guess in word.guesses]
    operands = _operands(rest)
    lost: list[str] = []
    if name in _REMOVERS:
        lost = operands
    elif name in _CHANGERS and any(re.match(r"-[a-zA-Z]*R|--recursive", guess) for guess in guesses):
        lost = operands[1:]
    elif name == "rsync" and any(guess.startswith("--del") for guess in guesses):
        lost = operands[-1:]
    elif name == "find":
        lost = _found(rest)
    elif name == "mv":
        lost = _moved(operands, simple, vital)
    elif name == "git":
        return _git(words, simple, vital)
    elif name.startswith("mkfs") and guesses:
        return "it makes a new file system"
    else:
        return _disk(name, guesses, simple)
    return _lost(lost, simple, vital)


def _operands(words: Sequence[Word]) -> list[str]:
    """What is no option, each with all it may be."""
    after = [i for i, word in enumerate(words) if word.text == "--"]
    end = after[0] if after else len(words)
    return [
        guess
        for i, word in enumerate(words)
        for guess in word.guesses
        if (i > end or not guess.startswith("-")) and guess and i != end
    ]


def _fed(simple: Simple) -> list[Word]:
    """What xargs gets from the command before it in the pipe, as far as that can be told."""
    before = simple.fed_by
    if before is None or not before.words or not any(_name(word) in ("xargs", "parallel") for word in simple.words):
        return []
    match _name(before.words[0]):
        case "echo" | "printf":
            texts = [guess for word in before.words[1:] for guess in word.guesses]
            texts = [piece for text in texts for piece in re.split(r"\s|\\n|\\0", text) if "%" not in piece]
            return [Word(text, text, None, (text,)) for text in texts]
        case "find":
            words = before.words[1:]
            if any(_NARROWING.fullmatch(word.text or "") for word in words):
                return []
            starts = [word for word in words if word.guesses and not word.guesses[0].startswith(("-", "(", "!"))]
            return starts[:1] or [Word(".", ".", None, (".",))]
        case "ls":
            return [] if len(before.words) > 2 else [Word("*", None, "*", ("*",))]
        case _:
            return []


def _places(guesses: Sequence[str], folders: Sequence[str] | None) -> Iterator[str]:
    """The paths a guess may mean, links in the way followed, the last part kept unless a slash follows it."""
    for guess in guesses:
        if not guess:
            continue
        for base in folders if folders is not None and not isabs(guess) else ("",) if isabs(guess) else ():
            path = join(base, guess)
            plain = normpath(path)
            yield plain.replace("//", "/", 1) if plain.startswith("//") else plain
            if guess.endswith(("/", "/.")) or basename(plain) in ("", "..", "."):
                yield realpath(path)
            else:
                yield join(realpath(dirname(plain)), basename(plain))


def _lost(operands: Sequence[str], simple: Simple, vital: Vital) -> str:
    """Why one of the operands must not be lost."""
    for operand in operands:
        whole = _without_glob(operand)
        if whole is None:
            continue
        for path in _places([whole], simple.folders):
            if reason := vital.why(path):
                return reason
    return ""


def _without_glob(operand: str) -> str | None:
    """The folder a glob that takes everything would empty; the operand itself without one; None for a narrow glob."""
    stripped = operand.rstrip("/") or "/"
    folder, last = dirname(stripped), basename(stripped)
    if re.search(r"[*?\[]", folder):
        inner = _without_glob(folder)
        return inner if _ALL.fullmatch(last) or re.match(r"/+[^/]*[*?\[]", folder) else None
    if not re.search(r"[*?]|\[.*\]", last):
        return operand
    if _ALL.fullmatch(last) or normpath(folder or ".") == "/":
        return (folder or ".") + "/"
    return None


def _found(rest: Sequence[Word]) -> list[str]:
    """The folders whose whole content `find` would remove; none when it picks."""
    texts = [word.guesses[0] if word.guesses else "" for word in rest]
    if "-delete" not in texts and not any(_removes(texts[i + 1 :]) for i, text in enumerate(texts) if text in _RUNS):
        return []
    for text, value in pairwise([*texts, ""]):
        if _NARROWING.fullmatch(text) and not _ALL.fullmatch(value):
            return []
    starts = list[str]()
    for word, text in zip(rest, texts, strict=True):
        if text.startswith(("-", "(", "!")) and text not in ("-H", "-L", "-P"):
            break
        starts += word.guesses if text not in ("-H", "-L", "-P") else ()
    return starts or ["."]


def _removes(texts: Sequence[str]) -> bool:
    """Whether what `find -exec` runs removes what is found."""
    name = basename(texts[0]) if texts else ""
    if name in LAUNCHERS or name in SHELLS:
        return any(basename(text) in _REMOVERS or re.search(r"\brm\b", text) for text in texts[1:])
    return name in _REMOVERS or name == "mv"


def _moved(operands: Sequence[str], simple: Simple, vital: Vital) -> list[str]:
    """What `mv` takes away; tidying up with a glob inside the workspace is not that."""
    target = operands[-1] if operands else ""
    has_target = any(word.text and word.text.startswith(("-t", "--target")) for word in simple.words)
    stays = all(path.startswith(vital.root + "/") for path in _places([target], simple.folders))
    sources = operands if has_target else operands[:-1]
    return [source for source in sources if not (stays and not isabs(source) and re.search(r"[*?]", source))]


def _git(words: Sequence[Word], simple: Simple, vital: Vital) -> str:
    """`git clean` where it would empty the home folder or more."""
    i, _ = subcommand(words)
    texts = [word.text or "" for word in words]
    if not i or texts[i] != "clean" or not any(re.match(r"-[a-zA-Z]*f|--force", text) for text in texts[i:]):
        return ""
    folders = list(simple.folders or ())
    for flag, value in pairwise(words[:i]):
        if flag.text == "-C":
            folders = [join(folder, guess) for folder in folders for guess in value.guesses]
    operands = _operands(words[i + 1 :]) or ["."]
    targets = [join(folder, operand) for folder in folders for operand in operands]
    for path in _places([target for target in targets if isabs(target)], None):
        reason = "" if path == vital.root != vital.home or path.endswith(".git") else vital.why(path)
        if reason:
            return reason
    return ""


def _disk(name: str, guesses: Sequence[str], simple: Simple) -> str:
    """Why a disk or a file the system cannot do without would be overwritten."""
    if name == "dd":
        targets = [guess[3:] for guess in guesses if guess.startswith("of=")]
    elif name == "cp":
        targets = list(guesses[-1:])
    else:
        targets = list(guesses) if name == "tee" or name in _DISK_TOOLS else []
    for path in _places(targets, simple.folders):
        if _DISK.match(path) or path in _SYSTEM_FILES:
            return f"it overwrites {path}"
    return ""
