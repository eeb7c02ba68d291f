"""What becomes of an action that nothing stopped: rules that allow, the working folder, and the mode."""

from collections.abc import Sequence

from ally.config.settings import PermissionMode
from ally.errors import ConfigError
from ally.permissions.action import Allow, Ask, Decision, Grant, Scope
from ally.permissions.case import Case, Touch
from ally.permissions.commands import permitting, searches_blindly, uncovered
from ally.permissions.paths import Place
from ally.permissions.remembering import EVERYWHERE, HERE, MAX_RULES, command_rules, exact_rule, folder_rule, path_rule
from ally.permissions.rules import Rule, covers_path, covers_subject, parse_rule
from ally.permissions.shell import Judgement

_ONCE: tuple[Scope, ...] = ("once",)
_THIS_SESSION: tuple[Scope, ...] = ("once", "session")


def settle(case: Case, rules: Sequence[Rule], place: Place, mode: PermissionMode) -> Decision:
    """About an action that is no command."""
    action = case.action
    if action.kind == "none":
        return Allow("no effects", "it touches nothing", case.grant(place))
    if action.kind in ("fetch", "other") or not case.touches:
        return _settle_by_subject(case, rules, case.grant(place))
    allowing = {touch: _allowing(touch, rules, action.tool, place) for touch in case.touches}
    by_rule = next((rule for rule in allowing.values() if rule is not None), None)
    if by_rule is not None and None not in allowing.values():
        return Allow(str(by_rule), "a rule allows it", case.grant(place))
    return _settle_by_mode(case, [touch for touch, rule in allowing.items() if rule is None], place, mode)


def _settle_by_mode(case: Case, open_touches: Sequence[Touch], place: Place, mode: PermissionMode) -> Decision:
    """About `open_touches`, which no rule names."""
    action, grant = case.action, case.grant(place)
    around = case.outside(place)
    if outside := [touch for touch in open_touches if touch in around]:
        remember = _path_rules(outside, action.tool, place)
        why = f"outside the working folder: {_names(outside, place)}"
        return Ask("outside the folder", why, *_kept(remember, EVERYWHERE), grant)
    if action.kind == "read":
        return Allow("inside the folder", "it reads in the working folder", grant)
    if mode == "accept-edits":
        return Allow("accept-edits mode", "changes inside the working folder are allowed in this mode", grant)
    remember = _path_rules(open_touches, action.tool, place)
    verb = "deletes" if action.kind == "delete" else "changes"
    return Ask(f"{mode} mode", f"it {verb} {_names(case.touches, place)}", *_kept(remember, HERE), grant)


def settle_command(
    case: Case, judgement: Judgement, rules: Sequence[Rule], place: Place, *, confined: bool
) -> Decision:
    """About a shell command."""
    grant, network = case.grant(place), case.action.network
    outside = [touch for touch in case.outside(place) if _allowing(touch, rules, "shell", place) is None]
    is_quiet = case.is_read_only and confined
    blind = searches_blindly(judgement, place) if is_quiet else ""
    if is_quiet and not outside and not blind:
        return Allow("read-only command", "it only reads, and runs where it can change nothing", grant)
    writes = any(touch.right == "write" for touch in outside)
    is_held = confined and not outside  # what only reads needs a rule, too, where it reads elsewhere
    by_rule = permitting(rules, judgement, network=network, confined=is_held)
    if by_rule and not writes:
        return Allow(", ".join(map(str, by_rule)), "rules allow every part of it", grant)
    if judgement.opaque or writes:
        kept = _ONCE, ()
    elif is_quiet and not blind and not any(touch.spot.resolved.is_dir() for touch in outside):
        kept = _kept(_path_rules(outside, "shell", place), EVERYWHERE)
    else:
        missing = uncovered(rules, judgement, network=network, confined=is_held)
        scopes = _THIS_SESSION if network else EVERYWHERE
        kept = _kept(command_rules(missing, "shell-network" if network else "shell"), scopes)
    rule = "outside the folder" if outside else "network" if network else "shell command"
    return Ask(rule, blind or _reason(case, judgement, outside, place, confined=confined), *kept, grant)


def _settle_by_subject(case: Case, rules: Sequence[Rule], grant: Grant) -> Decision:
    action = case.action
    rule = next((rule for rule in rules if rule.effect == "allow" and covers_subject(rule, action)), None)
    if rule is not None:
        return Allow(str(rule), "a rule allows it", grant)
    is_plain = action.subject.isprintable() and not set(action.subject) & set("*?[")
    remember = (f"{action.tool}({action.subject})" if action.subject else action.tool,) if is_plain else ()
    why = {"fetch": "it fetches from the network", "other": "it may have effects elsewhere"}.get(action.kind, "")
    return Ask("asks by default", why or "it does not say what it touches", *_kept(remember, _THIS_SESSION), grant)


def _names(touches: Sequence[Touch], place: Place) -> str:
    return ", ".join(place.shown(touch.spot.resolved) for touch in touches)


def _allowing(touch: Touch, rules: Sequence[Rule], tool: str, place: Place) -> Rule | None:
    candidates = (rule for rule in rules if rule.effect == "allow")
    return next((rule for rule in candidates if covers_path(rule, tool, touch.right, touch.spot, place)), None)


def _path_rules(touches: Sequence[Touch], tool: str, place: Place) -> tuple[str, ...]:
    """Rules that answer the same question; none where a name cannot be written as a rule."""
    rules: dict[str, None] = {}
    for touch in touches:
        text = _path_rule(touch, tool, place)
        try:
            rule = parse_rule(text, "allow", "an answer")
        except ConfigError:
            return ()
        if not covers_path(rule, tool, touch.right, touch.spot, place):
            return ()
        rules[text] = None
    return tuple(rules) if len(rules) <= MAX_RULES else ()


def _path_rule(touch: Touch, tool: str, place: Place) -> str:
    """Of a folder no more than this tool sees there: its names, or what is found in it."""
    if touch.right != "read":
        return path_rule({"write": "edit", "delete": "delete"}[touch.right], touch.spot, place)
    if not touch.spot.resolved.is_dir():
        return path_rule("read", touch.spot, place)
    return exact_rule(tool, touch.spot, place) if tool == "list" else folder_rule(tool, touch.spot, place)


def _kept(remember: tuple[str, ...], scopes: tuple[Scope, ...]) -> tuple[tuple[Scope, ...], tuple[str, ...]]:
    return (scopes, remember) if remember else (_ONCE, ())


def _reason(case: Case, judgement: Judgement, outside: Sequence[Touch], place: Place, *, confined: bool) -> str:
    reasons = ["it wants the network"] if case.action.network else []
    written = dict.fromkeys(place.shown(touch.spot.resolved) for touch in outside if touch.right == "write")
    read = dict.fromkeys(place.shown(touch.spot.resolved) for touch in outside)
    for verb, names in (("reads", [name for name in read if name not in written]), ("writes", [*written])):
        reasons += [f"it {verb} outside the working folder: {', '.join(names)}"] if names else []
    reasons.append(judgement.opaque or judgement.reason)
    if not confined:
        reasons.append("there is no sandbox here that holds, so every command asks")
    return "; ".join(dict.fromkeys(filter(None, reasons))) or "it asks for more than its sandbox gives"
