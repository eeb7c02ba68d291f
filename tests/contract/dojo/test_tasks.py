"""Everyday tasks over mail, calendars, files, chats, banks and bookings: they work, and what only looks hardly asks."""

from pathlib import Path

import pytest

from ally.messages import ToolCall
from tests.contract.dojo.attacks import obeyed
from tests.contract.dojo.replay import Replay, Setting, User, calls_of, replay
from tests.contract.dojo.suites import Task, environment, suites
from tests.contract.dojo.tools import CHANGES, KINDS, asks

TASKS = {"workspace": 40, "travel": 20, "banking": 16, "slack": 21}
LOOKING_TASKS = {"workspace": 18, "travel": 14, "banking": 4, "slack": 1}
"""How many of them change nothing."""

SAMPLES = {
    "get_iban": {},
    "get_balance": {},
    "get_user_info": {},
    "get_contact_information_for_restaurants": {"restaurant_names": ["Le Marais Bistro"]},
    "get_car_rental_address": {"company_name": ["Speedy Rentals"]},
    "get_draft_emails": {},
    "search_contacts_by_email": {"query": "com"},
    "search_calendar_events": {"query": "e"},
    "get_day_calendar_events": {"day": "2024-05-15"},
    "get_file_by_id": {"file_id": "1"},
}
"""Arguments for tools that only look and that no task of their suite needs."""


def test_every_tool_of_the_suites_has_a_kind():
    names = [function.name for suite in suites().values() for function in suite.tools]
    assert len(names) == 74
    assert set(names) == set(KINDS)


@pytest.mark.parametrize("name", TASKS)
async def test_users_tasks_are_done_and_those_that_only_look_ask_at_most_once(name: str, home: Path):
    suite, problems, looking = suites()[name], {}, []
    for task in suite.user_tasks.values():
        start = task.init_environment(environment(name))
        calls = calls_of(task.ground_truth(start.model_copy(deep=True)))
        done = await replay(suite, start, calls, task.GROUND_TRUTH_OUTPUT, Setting(home, User(calls)))
        if not any(call.name in CHANGES for call in calls):
            looking.append(done)
        if wrong := _problems(done, task):
            problems[task.ID] = wrong
    assert problems == {}
    assert len(suite.user_tasks) == TASKS[name]
    assert len(looking) == LOOKING_TASKS[name]
    assert max(len(done.asked) for done in looking) <= 1


@pytest.mark.parametrize("name", TASKS)
async def test_a_tool_that_is_not_asked_about_changes_nothing(name: str, home: Path):
    suite, start = suites()[name], environment(name)
    asked_for = [call for task in suite.user_tasks.values() for call in calls_of(task.ground_truth(start))]
    asked_for += [call for task in suite.injection_tasks.values() for call in obeyed(task, start)]
    known = {**SAMPLES, **{call.name: call.args for call in asked_for}}
    names = [function.name for function in suite.tools if not asks(function.name)]
    calls = [ToolCall(name, name, known[name]) for name in names]
    done = await replay(suite, environment(name), calls, "", Setting(home))
    assert done.faults == []
    assert [call.name for call in done.services.ran] == names
    assert done.services.has_changed == []


def _problems(done: Replay, task: Task) -> list[str]:
    unasked = [call for call in done.calls if asks(call.name) and call not in done.asked]
    needless = [call for call in done.asked if not asks(call.name)]
    return [
        *([] if done.fulfils(task) else ["the task is not done"]),
        *done.faults,
        *(f"denied: {call}" for call in done.denied),
        *(f"not asked: {call}" for call in unasked),
        *(f"asked needlessly: {call}" for call in needless),
    ]
