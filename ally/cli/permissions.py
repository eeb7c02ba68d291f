"""`ally permissions`: the rules that hold here, and what they say about a call."""

import argparse
import json
from pathlib import Path

from ally.app import App, Consent
from ally.cli.exits import OK
from ally.errors import UsageError
from ally.messages import JsonObject
from ally.permissions.action import Action, Allow, Ask, Decision, Deny, Kind
from ally.permissions.configured import configured_rules
from ally.permissions.rules import READING, SHELL, WRITING, split_call
from ally.terminal.table import columns, hang, room
from ally.terminal.text import clean, one_line
from ally.tools.workspace import Workspace

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(READING, "read"),
    **dict.fromkeys(WRITING, "write"),
    "delete": "delete",
    "fetch": "fetch",
    "todo": "none",
    "job": "none",
}
_MODES = {
    "ask": "reading in the folder is allowed, the rest asks",
    "accept-edits": "changes to files in the folder are allowed, too",
    "plan": "nothing is changed",
    "bypass": "everything is allowed but what is secret, protected, destructive or denied",
}


def run(args: argparse.Namespace, app: App) -> int:
    """Do what `args.action` says.

    Raises:
        UsageError: the call to test is none.
        ConfigError: a rule of the configuration is none.
    """
    if args.action == "test":
        _test(app, args.call, as_json=args.json)
    else:
        _list(app, as_json=args.json)
    return OK


def _list(app: App, *, as_json: bool) -> None:
    """The mode, the rules and the answers, each with where it comes from."""
    mode, origin = app.settings.permissions.mode, app.loaded.origin("permissions.mode")
    rules = configured_rules(app.loaded)
    answers = app.answers.remembered()
    if as_json:
        data: JsonObject = {
            "mode": {"value": mode, "origin": origin},
            "rules": [{"effect": rule.effect, "rule": rule.text, "origin": rule.origin} for rule in rules],
            "answers": [
                {"scope": "project" if folder else "always", "project": folder or None, "rule": rule}
                for folder, rule in answers
            ],
        }
        print(json.dumps(data, indent=2))
        return
    print(hang(f"mode {mode}: ", f"{_MODES[mode]} ({one_line(origin)})", room()))
    rows = [(rule.effect, rule.text, rule.origin) for rule in rules]
    rows += [("allow", rule, f"answer for {folder}" if folder else "answer for everywhere") for folder, rule in answers]
    print("\n".join(columns(rows, space=room())) if rows else "no rules")


def _test(app: App, call: str, *, as_json: bool) -> None:
    """What would happen with one call, and why. Nothing runs."""
    root = Path.cwd().resolve()
    workspace = Workspace(root, Path.home().resolve(), app.paths.cache / "spill")
    action = _action(call, workspace)
    decision = app.policy(workspace, Consent()).decide(action)
    tier = app.sandbox.tier if action.kind == "run" else None
    scopes = list(decision.scopes) if isinstance(decision, Ask) else []
    if as_json:
        data: JsonObject = {
            "decision": _word(decision),
            "rule": decision.rule,
            "reason": decision.reason,
            "scopes": scopes,
            "remember": list(decision.remember) if isinstance(decision, Ask) else [],
            "sandbox": tier,
        }
        print(json.dumps(data, indent=2))
        return
    print(f"{_word(decision)}: {clean(call)}")
    print(hang("  rule    ", one_line(decision.rule), room()))
    print(hang("  reason  ", one_line(decision.reason), room()))
    if isinstance(decision, Ask) and decision.remember:
        print(hang("  an answer may hold for  ", ", ".join(scopes), room()))
        print(hang("  and then adds  ", one_line(", ".join(decision.remember)), room()))
    if tier:
        print(f"  sandbox tier {tier} ({app.sandbox.name})")


def _word(decision: Decision) -> str:
    match decision:
        case Allow():
            return "allow"
        case Deny():
            return "deny"
        case Ask():
            return "ask"


def _action(call: str, workspace: Workspace) -> Action:
    """The action of a call as its tool would describe it."""
    tool, text = split_call(call)
    if tool in SHELL:
        if not text:
            raise UsageError(f"{tool} needs a command.", hint=f"e.g. '{tool}(git status)'")
        return Action("shell", "run", text, command=text, network=tool == "shell-network")
    if _KINDS.get(tool) not in ("read", "write", "delete"):
        return Action(tool, _KINDS.get(tool, "other"), text or "")
    if not text and tool not in ("list", "find", "grep"):
        raise UsageError(f"{tool} needs a path.", hint=f"e.g. '{tool}(src/a.py)'")
    path = workspace.path(text or ".")
    return Action(tool, _KINDS[tool], text or "", paths=(path,))
