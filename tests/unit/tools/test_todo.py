from pathlib import Path

import pytest

from ally.errors import ToolArguments
from ally.permissions.action import Action
from ally.tools.base import Run
from ally.tools.builtin.todo import TodoTool
from tests.unit.tools.files import make_bench


@pytest.fixture
def todo(tmp_path: Path) -> TodoTool:
    return TodoTool(make_bench(tmp_path))


async def test_each_call_replaces_the_list(todo: TodoTool):
    items = [
        {"text": "read\nthe code", "status": "done"},
        {"text": "mend it", "status": "active"},
        {"text": "test it", "status": "pending"},
    ]
    first = await todo.run({"items": items}, Run())
    assert first.for_model == "Noted: 1 pending, 1 active, 1 done."
    assert first.for_user == "[x] read the code\n[>] mend it\n[ ] test it"
    await todo.run({"items": items[:1]}, Run())
    assert todo.items == (("read the code", "done"),)
    assert (await todo.run({"items": []}, Run())).for_model == "The list is empty."


async def test_task_without_text_is_refused_and_the_list_stays(todo: TodoTool):
    await todo.run({"items": [{"text": "a", "status": "done"}]}, Run())
    with pytest.raises(ToolArguments):
        await todo.run({"items": [{"text": "  ", "status": "done"}]}, Run())
    assert todo.items == (("a", "done"),)


def test_it_touches_nothing(todo: TodoTool):
    assert todo.action({"items": []}) == Action("todo", "none")
