"""Programs that run another one: what they run, and what that takes away."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ally.permissions.shell.names import names
from ally.permissions.shell.words import Word

SHELLS = names("sh bash dash ash zsh ksh mksh fish rbash")
OPAQUE = names(
    "eval source . trap alias unalias shopt enable bind complete compgen compopt mapfile readarray read getopts let "
    "coproc select function hash fc history exec unset export declare typeset local readonly parallel"
)
OTHER_USERS = names("sudo doas su pkexec run0 runuser")
LAUNCHERS = names(
    "env timeout nice nohup time setsid stdbuf command builtin exec xargs watch busybox toybox parallel ionice chrt "
    "taskset unshare chroot nsenter strace ltrace flock script unbuffer systemd-run caffeinate setarch linux64 prlimit "
    "firejail bwrap proot fakeroot numactl coproc ssh-agent dbus-run-session xvfb-run catchsegv sudo doas su pkexec "
    "run0 runuser gtimeout chpst softlimit torsocks proxychains"
)
"""Whatever stands anywhere after these may be run."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a wrapper is written: options without and with a value, how many operands stand before the command."""

    short: str = ""
    short_value: str = ""
    long: str = ""
    long_value: str = ""
    operand: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """What runs inside. `refusal` says why the whole is not read-only, `opaque` why it cannot be judged."""

    words: tuple[Word, ...] = ()
    refusal: str = ""
    opaque: str = ""
    is_other_user: bool = False


_FORMS = {
    "timeout": Form("fvp", "ks", "foreground preserve-status verbose", "kill-after signal", r"\d+(\.\d+)?[smhd]?"),
    "nice": Form("", "n", "", "adjustment"),
    "nohup": Form(refusal="nohup may write its output to a file"),
    "time": Form("p"),
    "setsid": Form("wfc", "", "wait fork ctty", refusal="it leaves something running"),
    "stdbuf": Form("", "ioe", "", "input output error"),
    "command": Form("p"),
    "builtin": Form(),
    "exec": Form(refusal="it replaces the shell"),
    "env": Form("i", "", "ignore-environment"),
    "xargs": Form(
        "0rtx",
        "nPILdsE",
        "null no-run-if-empty verbose exit",
        "max-args max-procs max-lines replace delimiter max-chars",
        refusal="its operands come from its input",
    ),
    "watch": Form("bcdegtx", "n", "color differences exec no-title", "interval", refusal="it runs again and again"),
    "busybox": Form(refusal="its programs differ from the usual ones"),
    "toybox": Form(refusal="its programs differ from the usual ones"),
    "ionice": Form("t", "cn", "", "", refusal="it changes how others run"),
}
_USER_FORM = Form(
    "AEHnkSbiPs", "ugphCDTUrtc", "non-interactive preserve-env login stdin", "user group prompt host chdir"
)
_NO_OPTION = re.compile(r"-[vV]")


def unwrap(words: Sequence[Word]) -> Unwrapped | None:
    """What the wrapper at the head of `words` runs; None when it is no wrapper."""
    name = (words[0].text or "").rsplit("/", 1)[-1]
    if name in OTHER_USERS:
        rest, _ = _skip(list(words[1:]), _USER_FORM)
        return Unwrapped(tuple(rest), "it runs as another user", "it runs as another user", is_other_user=True)
    form = _FORMS.get(name)
    if form is None or (name == "command" and any(_NO_OPTION.fullmatch(word.text or "") for word in words[1:2])):
        return None
    rest, problem = _skip(list(words[1:]), form)
    opaque = ""
    if problem:
        opaque = f"{name}: {problem}"
    if name == "env":
        while rest and "=" in (rest[0].text or rest[0].raw):
            rest, opaque = rest[1:], "it sets variables"
    if name == "exec" and not rest:
        opaque = "it changes where the shell reads and writes"
    if name == "xargs":
        rest = [*(rest or [Word("echo", "echo", None, ("echo",))]), Word("", None)]
    if not rest and not opaque:
        return None
    return Unwrapped(tuple(rest), form.refusal or opaque, opaque)


def _skip(rest: list[Word], form: Form) -> tuple[list[Word], str]:
    """What follows a wrapper's own options and operands, and a problem with them."""
    problem = ""
    while rest:
        text = rest[0].text
        if text is None:
            return rest, "it uses a value that is not known"
        if not text.startswith("-") or text == "-":
            break
        rest = rest[1:]
        if text == "--":
            break
        takes_next, fault = _option(text, form)
        if takes_next and rest and rest[0].text is None:
            fault = "it uses a value that is not known"
        problem = problem or fault
        rest = rest[1:] if takes_next else rest
    if form.operand and rest:
        if not re.fullmatch(form.operand, rest[0].text or ""):
            problem = problem or "another form than is known"
        rest = rest[1:]
    return rest, problem


def _option(text: str, form: Form) -> tuple[bool, str]:
    """Whether the option takes the next word, and a problem with it."""
    if text.startswith("--"):
        name, equals, _ = text[2:].partition("=")
        if name in form.long_value.split():
            return not equals, ""
        return False, "" if name in form.long.split() and not equals else f"--{name} is not known"
    if re.fullmatch(r"-\d+", text) and "n" in form.short_value:
        return False, ""
    for i, letter in enumerate(text[1:], start=1):
        if letter in form.short_value:
            return not text[i + 1 :], ""
        if letter not in form.short:
            return False, f"-{letter} is not known"
    return False, ""


def shell_script(words: Sequence[Word]) -> str | None:
    """The text a shell or `eval` is told to run; None when it is not one of these or it is not known."""
    name = (words[0].text or "").rsplit("/", 1)[-1]
    if name in ("eval", "trap"):
        texts = [word.text if word.text is not None else "".join(word.guesses[:1]) for word in words[1:]]
        return " ".join(texts) if name == "eval" else "".join(texts[:1])
    if name not in SHELLS and name not in ("su", "watch", "script", "env"):
        return None
    for i, word in enumerate(words[1:], start=1):
        if re.fullmatch(r"-[a-zA-Z]*[cS]", word.text or "") and i + 1 < len(words):
            following = words[i + 1]
            return following.text if following.text is not None else "".join(following.guesses[:1])
        if (word.text or "").startswith(("-S", "--split-string=")) and name == "env":
            return re.sub(r"^(-S|--split-string=)", "", word.text or "")
    return None
