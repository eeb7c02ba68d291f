"""What the user is asked before a call runs; everything in it comes from the arguments that will run."""

from collections.abc import Iterator

from ally.engine.gate import Gate, digest
from ally.engine.running import Ready
from ally.events import Question
from ally.permissions.action import Ask

_VERBS = {"read": "reads", "write": "writes", "delete": "deletes"}


def question(ready: Ready, ask: Ask, gate: Gate, preview: str, problem: str = "") -> Question:
    """The question about `ready`; `problem` says why what the user wrote last cannot run."""
    return Question(
        call=ready.call,
        subject=ready.action.command or ready.action.subject,
        reason=ask.reason,
        preview=preview,
        scopes=ask.scopes,
        remember=ask.remember,
        arguments_sha256=digest(ready.call),
        rule=ask.rule,
        touches=tuple(_touches(ready, gate)),
        problem=problem,
    )


def _touches(ready: Ready, gate: Gate) -> Iterator[str]:
    """What the call may do if it is allowed."""
    action, grant = ready.action, ready.grant
    if action.kind == "run":
        yield from _rights(ready, gate.sandbox())
        return
    verb = _VERBS.get(action.kind, "touches")
    yield from (f"{verb} {path}" for path in grant.paths or action.paths)
    if action.kind == "fetch":
        yield f"fetches {action.subject}"
    if action.kind == "other":
        yield "does something that only the tool itself knows"


def _rights(ready: Ready, sandbox: str) -> Iterator[str]:
    grant = ready.grant
    if not sandbox:
        yield "runs without a sandbox: it can do whatever you can do"
        return
    yield f"runs in the sandbox {sandbox}"
    yield "may write nowhere" if grant.is_read_only else "may write in the working folder and in temporary folders"
    yield from (f"may write in {path}" for path in grant.writable)
    yield "has the network" if grant.network else "has no network"
    if grant.git:
        yield "may change the repository's data (.git), but not its hooks and config"
