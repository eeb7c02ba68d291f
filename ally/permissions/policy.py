"""Decides about every action of the model: it runs, it does not, or the user is asked.

In this order: what can have no effect or would destroy too much, what is Ally's own, and what a rule denies never runs,
nor does a change in plan mode. Secrets, files that run by themselves and what a rule asks about are asked in every
mode. After that bypass allows everything, but not a program that nobody knows where rules are about some; elsewhere a
rule may allow, what lies outside the working folder asks, and the mode decides about the rest. What nobody thought of
asks.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ally.config.settings import PermissionMode
from ally.permissions.action import Action, Allow, Ask, Decision, Deny, Grant
from ally.permissions.case import Case, Touch, examine, identity, is_shared
from ally.permissions.commands import may_evade, restricting
from ally.permissions.paths import ALWAYS_OPEN, Place, Spot, locate
from ally.permissions.protected import holds_own, own_reason, protected_reason
from ally.permissions.rules import SHELL, Rule, covers_path, covers_subject
from ally.permissions.secrets import find_secrets, secret_reason
from ally.permissions.settled import settle, settle_command

__all__ = ["Place", "Policy"]

Cause = tuple[str, str]
"""What decided, and why."""


class Policy:
    """The rules and the mode of one conversation; `mode` may be changed while it runs.

    `confined` says that commands run in a sandbox that holds (tier A). Without one every command asks unless a rule
    allows it; a function is asked when the first command comes. `answers` gives the rules that were remembered so far.
    """

    def __init__(
        self,
        place: Place,
        rules: Sequence[Rule],
        mode: PermissionMode,
        *,
        confined: bool | Callable[[], bool],
        answers: Callable[[], Sequence[Rule]] = lambda: (),
    ) -> None:
        self.place = place.resolved()
        self.mode: PermissionMode = mode
        self._confined = confined
        self._rules = tuple(rules)
        self._answers = answers

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules that hold now."""
        return (*self._rules, *self._answers())

    def add(self, rule: Rule) -> None:
        """Let `rule` hold, too, until the conversation ends."""
        self._rules = (*self._rules, rule)

    @property
    def confined(self) -> bool:
        """Whether commands run in a sandbox that holds."""
        return self._confined() if callable(self._confined) else self._confined

    def secrets(self) -> tuple[Path, ...]:
        """The secret files and folders that exist here and in the home folder: what a command must not see."""
        return find_secrets(self.place.root, self.place.home)

    def decide(self, action: Action) -> Decision:
        """What happens with `action`. Never raises."""
        case = examine(action, self.place)
        rules = self.rules
        if stop := self._stop(case, rules):
            return Deny(*stop)
        secrets = dict(self._secrets(case))
        causes = [("secret", reason) for reason in secrets.values()]
        if causes := [*causes, *self._protected(case), *_asked(case, rules, self.place)]:
            reasons = "; ".join(dict.fromkeys(reason for _, reason in causes))
            reasons = "; ".join([reasons, *self._further(case, reasons)])
            return Ask(causes[0][0], reasons, grant=_with_paths(case.grant(self.place), secrets))
        if self.mode == "bypass" and not (case.judgement is not None and may_evade(rules, case.judgement)):
            return Allow("bypass mode", "everything else is allowed in this mode", case.grant(self.place))
        if case.judgement is not None:
            return settle_command(case, case.judgement, rules, self.place, confined=self.confined)
        return settle(case, rules, self.place, self.mode)

    def hidden(self, path: Path) -> str:
        """Why grep, find and list must not look into or show `path`; "" if they may.

        `path` is as found by walking from a folder without links, so only its last part may be one.
        """
        text, spot = str(path), Spot(path, path)
        if any(text.startswith(f"{folder}/") for folder in self.place.readable):
            return ""
        if os.path.islink(text):  # noqa: PTH114 - asked for every file of a search
            spot = locate(path, self.place.root) or spot
        for form in spot.forms:
            if reason := secret_reason(form, self.place.home) or own_reason(form, self.place.own):
                return reason
        # Answers only ever allow.
        denying = (rule for rule in self._rules if rule.effect == "deny")
        return next((str(rule) for rule in denying if covers_path(rule, "read", "read", spot, self.place)), "")

    def _stop(self, case: Case, rules: Sequence[Rule]) -> Cause | None:
        """What stops it in every mode."""
        if case.impossible:
            return "impossible", case.impossible
        command = case.judgement.destructive if case.judgement is not None else ""
        if reason := command or _first(self._destroys(touch) for touch in case.touches):
            return "destructive", reason
        if reason := _first(self._owned(touch) for touch in case.touches):
            return "Ally's own files", reason
        if rule := next((rule for rule in rules if rule.effect == "deny" and _restricts(rule, case, self.place)), None):
            return str(rule), "a rule denies it"
        if self.mode == "plan" and case.action.kind != "none" and not case.is_read_only:
            why = case.judgement.reason if case.judgement is not None else ""
            return "plan mode", f"nothing is changed in plan mode{': ' + why if why else ''}"
        return None

    def _destroys(self, touch: Touch) -> str:
        if touch.right != "delete":
            return ""
        for form in touch.spot.forms:
            for folder, name in ((self.place.root, "the working folder"), (self.place.home, "the home folder")):
                if folder == form or folder.is_relative_to(form):
                    return f"it deletes {name}"
            if form.name.lower() == ".git":
                return "it deletes the repository's history (.git)"
        return ""

    def _owned(self, touch: Touch) -> str:
        place = self.place
        if touch.right == "read" and any(touch.spot.resolved.is_relative_to(folder) for folder in place.readable):
            return ""
        for form in touch.spot.forms:
            if reason := own_reason(form, place.own):
                return reason
            is_usual = touch.right == "write" and (place.root.is_relative_to(form) or form == place.home)
            if touch.right != "read" and not is_usual and holds_own(form, place.own):
                return f"{form} holds Ally's own files"
        return ""

    def _secrets(self, case: Case) -> Iterable[tuple[Path, str]]:
        for touch in case.touches:
            reason = _first(secret_reason(form, self.place.home) for form in touch.spot.forms)
            if reason := reason or self._linked_secret(touch):
                yield touch.spot.resolved, reason

    def _linked_secret(self, touch: Touch) -> str:
        """A file whose second name is that of a secret."""
        if touch.is_named or (this := identity(touch.spot.resolved)) is None or touch.spot.resolved.is_dir():
            return ""
        others = self.secrets()
        same = next((path for path in others if identity(path) == this), None)
        return f"the same file as {self.place.shown(same)}" if same else ""

    def _protected(self, case: Case) -> Iterable[Cause]:
        place = self.place
        for touch in case.touches:
            if touch.is_git or (touch.right == "read" and not touch.is_named) or touch.spot.resolved in ALWAYS_OPEN:
                continue
            if reason := _first(protected_reason(form, place.root, place.home) for form in touch.spot.forms):
                yield "protected", reason
            elif is_shared(touch):
                yield "protected", f"{place.shown(touch.spot.resolved)} has another name elsewhere (a hard link)"

    def _further(self, case: Case, reasons: str) -> list[str]:
        """What else would be allowed with it, but for what the reasons name already."""
        names = dict.fromkeys(self.place.shown(touch.spot.resolved) for touch in case.outside(self.place))
        places = [name for name in names if not reasons.endswith(f": {name}")]
        wants = ["it wants the network"] if case.action.network else []
        return wants + ([f"it touches {', '.join(places)}"] if places else [])


def _first(reasons: Iterable[str]) -> str:
    return next(filter(None, reasons), "")


def _with_paths(grant: Grant, paths: Iterable[Path]) -> Grant:
    return replace(grant, paths=tuple(dict.fromkeys([*grant.paths, *paths])))


def _asked(case: Case, rules: Sequence[Rule], place: Place) -> Iterable[Cause]:
    for rule in rules:
        if rule.effect == "ask" and _restricts(rule, case, place):
            yield str(rule), f"a rule asks: {rule.text}"


def _restricts(rule: Rule, case: Case, place: Place) -> bool:
    """Whether a rule that denies or asks is about this case."""
    if rule.tool == "*":
        return True
    if rule.tool in SHELL:
        is_meant = case.judgement is not None and (rule.tool == "shell" or case.action.network)
        return is_meant and case.judgement is not None and restricting(rule, case.judgement, case.action.command)
    if case.judgement is None and _names_subject(rule, case):
        return True
    tool = "shell" if case.judgement is not None else case.action.tool
    return any(
        covers_path(rule, tool, right, touch.spot, place)
        for touch in case.touches
        for right in (("write", "delete") if tool == "shell" and touch.right == "write" else (touch.right,))
    )


def _names_subject(rule: Rule, case: Case) -> bool:
    """Rules about paths are compared with paths, unless there is none."""
    has_paths = bool(case.touches) and case.action.kind in ("read", "write", "delete")
    return covers_subject(rule, case.action) and (rule.pattern is None or not has_paths)
