"""What a shell command would touch, and which rules speak about it."""

import re
from collections.abc import Iterator, Sequence
from os.path import normpath
from pathlib import Path

from ally.permissions.paths import ALWAYS_OPEN, Place, Spot, fold, locate, words
from ally.permissions.patterns import first_word, permits_words, restricts_words
from ally.permissions.rules import SHELL, Rule
from ally.permissions.secrets import unsearched
from ally.permissions.shell import Command, Judgement, judge

MAX_FOLLOWED = 500
MAX_CHARACTERS = 4_096

_SEPARATORS = re.compile(r"[\s;|&<>()`'\"\\=,:@{}$]+")
_HOME = re.compile(r"(~|\$HOME|\$\{HOME\})(?=/|$)")
_SEARCHERS = frozenset(words("grep egrep fgrep rg diff"))
_RUNS_ITS_ARGUMENTS = re.compile(
    r"(ba|z|da|k|a|fi|tc|c)?sh|python[\d.]*|perl|ruby|node|deno|bun|php|lua|awk|gawk|xargs|parallel|env|eval|exec"
    r"|source|\.|ssh|sudo|doas|su|nsenter|chroot|busybox|tmux|screen|script|watch|make|npx|uvx|find|fd"
)


def judge_safely(command: str, place: Place) -> Judgement:
    """What the gate says; a command that it fails on is one that could not be judged."""
    try:
        return judge(command, place.root, place.home)
    except Exception as exc:  # noqa: BLE001 - boundary: any text comes here; a parser's bug must not open the gate
        return unknown(f"it could not be judged ({type(exc).__name__})")


def unknown(why: str) -> Judgement:
    """What is said of a command that nobody can judge."""
    return Judgement((), is_read_only=False, reason=why, opaque=why, destructive="", git=False)


def is_harmless(command: Command) -> bool:
    """Whether nothing has to be allowed for it but what it reads."""
    return command.is_read_only and not command.writes


def reads(judgement: Judgement, place: Place) -> tuple[Spot, ...]:
    """What the commands read, as far as it is known."""
    return _spots([path for command in judgement.commands for path in command.reads], place)


def writes(judgement: Judgement, place: Place) -> tuple[Spot, ...]:
    """What the commands write or delete, as far as it is known."""
    return _spots([path for command in judgement.commands for path in command.writes], place)


def named(judgement: Judgement, text: str, place: Place) -> Iterator[tuple[Spot, bool]]:
    """Paths that stand in the words of commands which are not understood well, and whether git is the command.

    What such a command does with a path is not known, but naming a secret is reason enough to ask.
    """
    words = [(word, False) for word in _SEPARATORS.split(_HOME.sub(_plain(place.home), text))]
    known = [
        (part, command.words[0] == "git")
        for command in judgement.commands
        if not is_harmless(command)
        for word in command.words[1:]
        if word is not None
        for part in _paths_in(word, place)
    ]
    seen: set[str] = set()
    for word, is_git in [*known, *(words if judgement.opaque or not judgement.commands else [])]:
        if not word or word in seen or len(word) > MAX_CHARACTERS:
            continue
        seen.add(word)
        if len(seen) > MAX_FOLLOWED:  # looking for links takes too long then
            yield Spot(*[Path(normpath(place.root / word))] * 2), is_git
        elif spot := locate(Path(word), place.root):
            yield spot, is_git


def searches_blindly(judgement: Judgement, place: Place) -> str:
    """Why a search through whole folders could show a key that nobody knows of, and that is not masked; else ""."""
    for command in judgement.commands:
        for folder in _searched(command, place):
            if blind := unsearched(folder, place.home):
                return f"it searches {place.shown(Path(blind))}, where keys are not hidden; the tool grep hides them"
    return ""


def _searched(command: Command, place: Place) -> list[Path]:
    name = (command.words[0] or "").rpartition("/")[2] if command.words else ""
    if name not in _SEARCHERS:
        return []
    options = [word for word in command.words[1:] if word and word.startswith("-")]
    is_deep = name == "rg" or any(re.fullmatch(r"-[a-zA-Z]*[rR].*|--(deref.*-)?rec.*", word) for word in options)
    if not is_deep:
        return []
    return [path for path in command.reads if path.is_dir()] or ([] if command.reads else [place.root])


def permitting(rules: Sequence[Rule], judgement: Judgement, *, network: bool, confined: bool) -> list[Rule]:
    """The rules that together allow every command; none if one is not allowed, or nothing had to be.

    What only reads needs no rule where it is `confined`.
    """
    if judgement.opaque:
        return []
    found: dict[Rule, None] = {}
    allowing = _allowing(rules, network=network)
    for command in judgement.commands:
        if rule := _covering(allowing, command):
            found[rule] = None
        elif not (confined and is_harmless(command)):
            return []
    return list(found)


def uncovered(rules: Sequence[Rule], judgement: Judgement, *, network: bool, confined: bool) -> list[Command]:
    """The commands for which a rule is missing."""
    allowing = _allowing(rules, network=network)
    needy = [command for command in judgement.commands if not (confined and is_harmless(command))]
    return [command for command in needy if _covering(allowing, command) is None]


def _allowing(rules: Sequence[Rule], *, network: bool) -> list[Rule]:
    tools = ("shell-network",) if network else ("shell", "shell-network")
    return [rule for rule in rules if rule.effect == "allow" and rule.tool in tools]


def _covering(allowing: Sequence[Rule], command: Command) -> Rule | None:
    matching = (rule for rule in allowing if rule.pattern is None or permits_words(rule.pattern, command.words))
    return next(matching, None)


def restricting(rule: Rule, judgement: Judgement, text: str) -> bool:
    """Whether a rule that asks or denies is about one of the commands, as far as anybody can tell.

    Where it cannot be told what runs, the name of the program anywhere in the text is enough.
    """
    if rule.pattern is None:
        return True
    if any(restricts_words(rule.pattern, command.words) for command in judgement.commands):
        return True
    if not judgement.opaque and not any(_may_run_anything(command) for command in judgement.commands):
        return False
    program = first_word(rule.pattern)
    bare = re.sub(r"['\"\\]", "", text.replace("\\\n", ""))
    return not program or program in {fold(token.rpartition("/")[2]) for token in re.split(r"[^\w./+-]+", bare)}


def _may_run_anything(command: Command) -> bool:
    program = command.words[0] if command.words else None
    if program is None:
        return bool(command.words)
    name = fold(program.rpartition("/")[2])
    from ally.permissions.shell.wrappers import LAUNCHERS  # late: with the grammar

    return not command.is_read_only and (name in LAUNCHERS or _RUNS_ITS_ARGUMENTS.fullmatch(name) is not None)


def may_evade(rules: Sequence[Rule], judgement: Judgement) -> bool:
    """Whether a program that nobody knows could be one that a rule asks about or denies."""
    is_limited = any(rule.effect != "allow" and rule.tool in SHELL for rule in rules)
    return is_limited and any(command.words[:1] == (None,) for command in judgement.commands)


def _spots(paths: Sequence[Path], place: Place) -> tuple[Spot, ...]:
    spots = (locate(path, place.root) for path in dict.fromkeys(paths) if path not in ALWAYS_OPEN)
    return tuple(spot for spot in spots if spot is not None)


def _paths_in(word: str, place: Place) -> Iterator[str]:
    """`word` and what it may hold: `--file=PATH`, `@PATH`, `file://PATH`."""
    for part in {word, word.rpartition("=")[2], word.removeprefix("@"), word.removeprefix("file://")}:
        yield _HOME.sub(_plain(place.home), part.removeprefix("@"))


def _plain(home: Path) -> str:
    return str(home).replace("\\", r"\\")
