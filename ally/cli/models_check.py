"""`ally models check`: how well a model calls tools here, and in which way it does it best."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ally.app import App
from ally.cli import exits
from ally.cli.terminal import say
from ally.errors import StorageError, UsageError
from ally.messages import JsonObject
from ally.models.verdicts import Strategy, Verdict, Verdicts
from ally.terminal.text import one_line

if TYPE_CHECKING:
    from ally.providers.connect import Choice
    from ally.providers.model import Profile
    from ally.providers.tool_calling.checking import Outcome, Tried

WORDS: dict[Strategy, str] = {
    "native": "native (the service's own field for tools)",
    "schema": "schema (JSON that the service holds to a schema)",
    "text": "text (calls in the answer, which Ally reads)",
}
_SHORT: dict[Strategy, str] = {
    "native": "with the service's own field for tools",
    "schema": "as JSON held to a schema",
    "text": "in its text, which Ally reads",
}


def run(args: argparse.Namespace, app: App) -> int:
    """Try the ways in which a model may call tools, keep the best one and say which it is.

    It fails if the model cannot call a single tool. Nothing is kept of a check that was interrupted. `args` has `name`,
    `json`, and perhaps `provider` and `strategy`.
    """
    from ally.providers.connect import connect  # heavy
    from ally.providers.tool_calling.checking import Report, best, check, verdict_of  # heavy

    choice = find_choice(app, args.name, getattr(args, "provider", None))
    only: Strategy | None = getattr(args, "strategy", None)
    model = connect(app.registry, app.keys, choice, app.settings.provider_options, app.warn)
    quiet = bool(args.json)
    profile = model.inner.profile
    if not quiet:
        print(f"{one_line(profile.provider)}: {one_line(profile.model)} ({profile.location})", flush=True)
        if profile.location == "cloud":
            say("Each probe is a request that the service counts, and may bill.")
    report = Report() if quiet else Report(lambda way: print(f"\n{WORDS[way]}", flush=True), _print_outcome)

    async def work() -> "tuple[list[Tried], Profile]":
        try:
            return await check(model, report, only=only), model.inner.profile
        finally:
            await model.close()

    tried, profile = asyncio.run(work())
    chosen = best(tried)
    problem = "" if chosen is None else _keep(app, profile, verdict_of(chosen, profile))
    if quiet:
        print(json.dumps(as_json(profile, tried, chosen, is_kept=chosen is not None and not problem), indent=2))
    else:
        print("\n" + "\n".join(summary(profile, tried, chosen)))
    if problem:
        say(problem)
    return exits.OK if chosen is not None and _calls(chosen) else exits.FAILED


def find_choice(app: App, name: str, provider: str | None) -> "Choice":
    """The model that `name` means: of `provider`, of the one it names before a colon or slash, or of who has it.

    Raises:
        UsageError: the name is empty, or several have it.
        UnknownProvider: `provider` does not exist.
    """
    from ally.providers.connect import Choice  # heavy
    from ally.providers.default import default_choice  # heavy

    name = name.strip()
    if not name:
        raise UsageError("No model is named.", hint="ally models lists what there is")
    if provider:
        return Choice(provider, name, 0.0)
    for sign in (":", "/"):
        before, found, model = name.partition(sign)
        if found and model and app.registry.is_provider_available(before):
            return Choice(before, model, 0.0)
    if app.registry.is_provider_available(name):
        return Choice(name, None, 0.0)
    usual = app.settings.for_agent("general").provider
    if usual is None:
        usual = default_choice(app.env, app.settings.provider_options.get("ollama", {})).provider
    return Choice(_holder(app, name, usual), name, 0.0)


def _holder(app: App, name: str, usual: str) -> str:
    """The provider whose model `name` is: `usual`, unless only another one on this machine has it.

    Raises:
        UsageError: several others have it.
    """
    from ally.chat.model_rows import holders, servers  # heavy

    having = holders(app, name, servers(app))
    if usual in having or not having:
        return usual
    if len(having) > 1:
        which = " or ".join(f"ally models check {one}:{name}" for one in having)
        raise UsageError(f"{' and '.join(having)} have a model {name}.", hint=f"say which: {which}")
    return having[0]


def summary(profile: "Profile", tried: "Sequence[Tried]", chosen: "Tried | None") -> list[str]:
    """The end of the report, in plain words."""
    lines = [f"{WORDS[one.way].split(' ')[0]:<8}{_score(one)}" for one in tried]
    name = one_line(profile.model)
    if chosen is None:
        reason = next((outcome.reason for one in tried for outcome in one.outcomes if outcome.state == "error"), "")
        return [*lines, f"{name} could not be checked, so nothing is kept. {one_line(reason)}".rstrip()]
    if not chosen.passed:
        return [*lines, f"{name} passed nothing. It can talk, but is of no use with tools; in use is {chosen.way}."]
    said = [*lines, f"In use for {name} from now on: {chosen.way}, {_SHORT[chosen.way]}; {_why(tried, chosen)}."]
    if not _calls(chosen):
        said.append("It failed at a single plain call: expect little of it as an agent.")
    return said


def _calls(chosen: "Tried") -> bool:
    """Whether it can call a tool at all."""
    return any(outcome.name == "single call" and outcome.state == "passed" for outcome in chosen.outcomes)


def _why(tried: "Sequence[Tried]", chosen: "Tried") -> str:
    """Why it is the `chosen` one."""
    others = [one for one in tried if one is not chosen and not one.refused]
    if chosen.passed == len(chosen.outcomes):
        return "it passed everything"
    if not others:
        return "no other way was tried" if len(tried) == 1 else "no other way is possible"
    most = max(one.passed for one in others)
    if most < chosen.passed:
        return "it passed most"
    if most == chosen.passed:
        return "no other way passed more, and of equal ones the one closest to the service is taken"
    return "another way passed one more, which may be chance, and this one is closer to the service"


def as_json(profile: "Profile", tried: "Sequence[Tried]", chosen: "Tried | None", *, is_kept: bool) -> JsonObject:
    """The whole report; scripts rely on these fields."""
    return {
        "provider": profile.provider,
        "model": profile.model,
        "digest": profile.digest,
        "strategy": chosen.way if chosen else None,
        "kept": is_kept,
        "strategies": [
            {
                "strategy": one.way,
                "passed": one.passed,
                "of": len(one.outcomes),
                "refused": one.refused or None,
                "probes": [asdict(outcome) for outcome in one.outcomes],
            }
            for one in tried
        ],
    }


def _score(one: "Tried") -> str:
    if one.refused:
        return f"not possible: {one_line(one.refused)}"
    errors = f", {one.errors} could not be tried" if one.errors else ""
    return f"{one.passed} of {len(one.outcomes)} passed{errors}"


def _print_outcome(outcome: "Outcome") -> None:
    text = f"  {outcome.name:<25} {outcome.state:<7} {outcome.seconds:6.1f} s  {one_line(outcome.reason)}"
    print(text.rstrip(), flush=True)


def _keep(app: App, profile: "Profile", verdict: Verdict) -> str:
    """Keep the verdict; why that was not possible, if so."""
    try:
        Verdicts.of_user(app.paths).keep(profile.provider, profile.model, verdict)
    except StorageError as error:
        return f"The verdict could not be kept: {error.message}"
    return ""
