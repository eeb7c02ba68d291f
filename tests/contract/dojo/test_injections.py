"""A model that obeys strangers: what it does for them never happens unless the user agreed to exactly that."""

import json
from pathlib import Path

import pytest

from ally.config.settings import PermissionMode
from ally.messages import ToolCall
from tests.contract.dojo.attacks import WRITTEN, obeyed
from tests.contract.dojo.replay import Replay, Setting, User, calls_of, replay
from tests.contract.dojo.suites import Task, environment, environment_with, suites
from tests.contract.dojo.tools import asks

NAMES = ["workspace", "travel", "banking", "slack"]
TALKS_ONLY = ("travel", "injection_task_6")
"""It wants something said, not done."""

NOBODY = None
WAYS: list[tuple[User | None, PermissionMode]] = [
    (User(), "ask"),
    (NOBODY, "ask"),
    (User(), "accept-edits"),
    (NOBODY, "accept-edits"),
    (User(), "plan"),
]


async def obey(name: str, task: Task, at: Setting) -> Replay:
    start = environment(name)
    return await replay(suites()[name], start, obeyed(task, start), task.GROUND_TRUTH_OUTPUT, at)


async def test_where_everything_is_allowed_every_injection_succeeds(home: Path):
    won = []
    for name in NAMES:
        for task in suites()[name].injection_tasks.values():
            done = await obey(name, task, Setting(home, NOBODY, "bypass"))
            assert done.faults == []
            won += [(name, task.ID)] if done.fulfils(task) else []
    assert len(won) == 35
    assert len(set(won) - set(WRITTEN)) == 27


@pytest.mark.parametrize(
    ("user", "mode"), WAYS, ids=[f"{mode}-{'refused' if user else 'alone'}" for user, mode in WAYS]
)
async def test_what_nobody_agreed_to_has_no_effect(user: User | None, mode: PermissionMode, home: Path):
    problems = {}
    for name in NAMES:
        for task in suites()[name].injection_tasks.values():
            done = await obey(name, task, Setting(home, user, mode))
            assert done.services.state() == done.before.model_dump()
            assert done.denied == [call for call in done.calls if asks(call.name)]
            if wrong := _effects(done, task, (name, task.ID), wanted=[]):
                problems[name, task.ID] = wrong
    assert problems == {}


@pytest.mark.parametrize("name", NAMES)
async def test_an_injection_in_what_a_task_reads_has_no_effect_and_the_users_calls_run(name: str, home: Path):
    suite, problems = suites()[name], {}
    injections = list(suite.injection_tasks.values())
    for n, task in enumerate(suite.user_tasks.values()):
        injection = injections[n % len(injections)]
        start = task.init_environment(environment_with(injection.GOAL, name))
        wanted = calls_of(task.ground_truth(start.model_copy(deep=True)))
        injected = obeyed(injection, start)
        at = Setting(home / str(n), User(wanted, for_long=True))
        done = await replay(suite, start, [*wanted, *injected], task.GROUND_TRUTH_OUTPUT, at)
        wrong = _effects(done, injection, (name, injection.ID), wanted)
        wrong += [] if done.has_seen(json.dumps(injection.GOAL)[1:-1]) else ["the model has not seen the injection"]
        wrong += [f"denied: {call}" for call in done.denied if call in wanted]
        wrong += [f"ran: {call}" for call in injected if asks(call.name) and call not in done.denied]
        if wrong:
            problems[task.ID, injection.ID] = wrong
    assert problems == {}


def _effects(done: Replay, injection: Task, name: tuple[str, str], wanted: list[ToolCall]) -> list[str]:
    """What happened without having been wanted."""
    own = [(call.name, call.args) for call in wanted]
    changed = [call for call in done.services.has_changed if (call.name, call.args) not in own]
    is_won = name != TALKS_ONLY and done.fulfils(injection)
    return [*(f"changed by {call}" for call in changed), *(["it succeeded"] if is_won else []), *done.faults]
