"""Whether one simple command only looks, and at which paths."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, isabs, join, normpath

from ally.permissions.shell import special
from ally.permissions.shell.flags import Parsed, Program, check, programs
from ally.permissions.shell.git import reading_form
from ally.permissions.shell.names import names
from ally.permissions.shell.walk import Folders, Redirect, Simple
from ally.permissions.shell.words import Word, matches

SYSTEM_FOLDERS = ("/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
_MAX_MATCHES = 200
_NOWHERE = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2"})
_UNREADABLE = re.compile(r"/+(dev|proc|sys)(/|$)")
_WRITERS = names(
    "cp mv tee touch mkdir ln install rm rmdir unlink shred truncate dd chmod chown chgrp sed rsync patch tar unzip "
    "sort split csplit mkfifo"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a command is not read-only ("" when it is) and the paths it names."""

    refusal: str
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()


def examine(simple: Simple, words: Sequence[Word], root: Path) -> Finding:
    """Judge one command, wrappers already taken off."""
    parsed = _parse(words, simple, root) if words else Parsed()
    refusal, reads, writes = parsed.refusal, list[Path](), list[Path]()
    if refusal:
        reads, writes = _generous(words, simple.folders)
    elif words and simple.folders is None and not parsed.is_placeless:
        refusal = "its folder is not known"
    else:
        if not parsed.is_placeless and simple.folders != (normpath(root),):
            reads += [Path(folder) for folder in simple.folders or ()]
        for word in parsed.paths:
            found = _paths(word, simple.folders)
            if found is None:
                refusal = refusal or "a path is not known"
            else:
                reads += found
    for redirect in simple.redirects:
        refusal = _redirect(redirect, simple.folders, reads, writes) or refusal
    if not refusal and any(_UNREADABLE.match(str(path)) and str(path) not in _NOWHERE for path in reads):
        refusal = "it reads a device or what the system knows about processes"
    return Finding(refusal, tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(writes)))


def _parse(words: Sequence[Word], simple: Simple, root: Path) -> Parsed:
    name = words[0].text
    if name is None:
        return Parsed(refusal="its program is not known")
    if "/" in name:
        if dirname(name) not in SYSTEM_FOLDERS:
            return Parsed(refusal=f"{name} is a program by its path")
        name = name.rsplit("/", 1)[-1]
    program = programs().get(name)
    if program is None or " " in name:
        return Parsed(refusal=f"{name} may do more than look")
    if _is_in_workspace(name, root):
        return Parsed(refusal=f"{name} is a program of this folder")
    parsed = _by_row(name, words, program)
    parsed.is_placeless = bool(program.exact) or program.operands != "paths" or program.special in ("echo", "printf")
    if not parsed.refusal and program.unless:
        parsed.refusal = _unless(program.unless, simple.folders)
    return parsed


def _by_row(name: str, words: Sequence[Word], program: Program) -> Parsed:
    rest = words[1:]
    match program.special:
        case "find":
            parsed = special.find(rest)
        case "test":
            parsed = special.test(rest, is_bracket=name == "[")
        case "echo":
            parsed = special.echo(rest)
        case "printf":
            parsed = special.printf(rest)
        case "git":
            parsed = _git(words)
        case _:
            parsed = _exact(name, rest, program) if program.exact else _checked(rest, program)
    return parsed


def _checked(rest: Sequence[Word], program: Program) -> Parsed:
    parsed = check(rest, program)
    parsed.refusal = parsed.refusal or _values(parsed, program)
    return parsed


def _exact(name: str, rest: Sequence[Word], program: Program) -> Parsed:
    texts = tuple(word.text or "" for word in rest)
    if texts in program.exact:
        return Parsed()
    if (
        program.prefix
        and texts[:1] == (program.prefix,)
        and all(re.fullmatch(r"\w[\w.-]*", text) for text in texts[1:])
    ):
        return Parsed()
    return Parsed(refusal=f"{name} may do more than look")


def _values(parsed: Parsed, program: Program) -> str:
    """What is wrong with the values of options or with a program text among the operands."""
    if program.first == "sed":
        scripts = parsed.values if parsed.first is None else [parsed.first.text or ""]
        return next((reason for script in scripts if (reason := special.sed_refusal(script))), "")
    if program.first == "jq":
        return special.jq_refusal((parsed.first.text or "") if parsed.first else "")
    if program.values and not all(re.fullmatch(program.values, value) for value in parsed.values):
        return "the value of an option is not known to be harmless"
    return ""


def _git(words: Sequence[Word]) -> Parsed:
    program, start, refusal = reading_form(words)
    if program is None:
        return Parsed(refusal=refusal)
    if program.exact:
        return _exact("git config", words[start:], program)
    parsed = _checked(words[start:], program)
    inner = [word.text.partition(":")[2] for word in parsed.paths if word.text and ":" in word.text]
    parsed.paths += [Word(path, path, None, (path,)) for path in inner if path]
    return parsed


def _unless(names: Sequence[str], folders: Folders) -> str:
    """A file in or above the folder can make the program run something else."""
    for folder in folders or ("/",):
        for above in (Path(folder), *Path(folder).parents):
            for name in names:
                if (above / name).exists():
                    return f"{name} may choose what runs"
    return "" if folders else "its folder is not known"


def _is_in_workspace(name: str, root: Path) -> bool:
    found = shutil.which(name)
    if found is None or dirname(found) in SYSTEM_FOLDERS:
        return any(not isabs(folder) for folder in os.environ.get("PATH", "/bin").split(os.pathsep))
    return not isabs(found) or Path(found).is_relative_to(root)


def _paths(word: Word, folders: Folders) -> list[Path] | None:
    """The paths one operand stands for; None when they are not known."""
    if word.pattern is not None:
        return _matches(word.pattern, folders)
    if word.text is None:
        return None
    if isabs(word.text):
        return [Path(word.text)]
    if folders is None:
        return None
    return [Path(join(folder, word.text)) for folder in folders]


def _matches(pattern: str, folders: Folders) -> list[Path] | None:
    if folders is None and not isabs(pattern):
        return None
    found = list[Path]()
    for folder in folders or ("/",):
        paths = matches(pattern, folder, _MAX_MATCHES)
        if paths is None:
            return None
        found += [Path(path) for path in paths]
    return found


def _redirect(redirect: Redirect, folders: Folders, reads: list[Path], writes: list[Path]) -> str:
    """Note where a redirection leads; why it is not harmless."""
    text = redirect.target.text
    if redirect.operator in (">&", "<&") and re.fullmatch(r"\d+|-", text or ""):
        return "" if text != "-" else "it closes its output"
    if text in _NOWHERE and redirect.operator != "<>":
        return ""
    found = _paths(redirect.target, folders) if text is not None else None
    if redirect.operator == "<":
        reads += found or []
        return "" if found else "it reads from what is not known"
    writes += found or []
    return f"it writes to {text}" if text is not None else "it writes to what is not known"


def _generous(words: Sequence[Word], folders: Folders) -> tuple[list[Path], list[Path]]:
    """Everything that might be a path in a command that is not known to only look."""
    reads, writes = list[Path](), list[Path]()
    name = (words[0].text or "").rsplit("/", 1)[-1]
    for word in words[1:]:
        for part in _candidates(word):
            found = _paths(part, folders) or []
            reads += found
            if name in _WRITERS:
                writes += found
    if "/" in (words[0].text or ""):
        reads += _paths(words[0], folders) or []
    return reads, writes


def _candidates(word: Word) -> list[Word]:
    if word.text is None:
        return [word] if word.pattern is not None else []
    if "\n" in word.text or len(word.text) > 1000:
        return []
    texts = [word.text.partition("=")[2]] if "=" in word.text else []
    if not word.text.startswith("-"):
        texts.append(word.text)
    elif len(word.text) > 2 and not word.text.startswith("--"):
        texts.append(word.text[2:])
    return [Word(text, text, None, (text,)) for text in texts if text]
