"""AgentDojo's suites: mailboxes, calendars, banks and chats with tools, tasks of users, and injections.

Only its data, tools and checks are used. The package of its pipelines imports the client of every service, so bare
modules stand in for that package and for the one client that is loaded besides; what the suites need of the package
comes from its real files.
"""

import importlib
import importlib.util
import json
import sys
from functools import cache
from types import ModuleType
from typing import Any  # AgentDojo's classes are known only once it is loaded

VERSION = "v1.2.2"
PIPELINES = "agentdojo.agent_pipeline"
CLIENT = f"{PIPELINES}.llms.google_llm"
PLACE = "WORDS-OF-A-STRANGER"

Suite = Any  # agentdojo.task_suite.task_suite.TaskSuite
Task = Any  # agentdojo.base_tasks.BaseUserTask or BaseInjectionTask
Environment = Any  # agentdojo.functions_runtime.TaskEnvironment, a pydantic model


@cache
def suites() -> dict[str, Suite]:
    """The four suites by name."""
    _stand_in()
    return importlib.import_module("agentdojo.task_suite.load_suites").get_suites(VERSION)


def environment(suite: str) -> Environment:
    """What the suite's services hold at first, for a test of its own."""
    return _loaded(suite, "").model_copy(deep=True)


def environment_with(text: str, suite: str) -> Environment:
    """The same with `text` in every place that strangers can write to."""
    loaded = _loaded(suite, PLACE)
    return type(loaded).model_validate_json(loaded.model_dump_json().replace(PLACE, json.dumps(text)[1:-1]))


@cache
def _loaded(suite: str, injected: str) -> Environment:
    """Reading the YAML takes long."""
    loaded = suites()[suite]
    places = loaded.get_injection_vector_defaults()
    return loaded.load_and_inject_default_environment(dict.fromkeys(places, injected) if injected else {})


def _stand_in() -> None:
    folder = importlib.util.find_spec("agentdojo").submodule_search_locations[0]
    package = _bare_module(PIPELINES, f"{folder}/agent_pipeline")
    _bare_module(CLIENT.rpartition(".")[0])
    _bare_module(CLIENT).EMPTY_FUNCTION_NAME = "<empty-function>"
    base = importlib.import_module(f"{PIPELINES}.base_pipeline_element")
    package.BasePipelineElement = base.BasePipelineElement


def _bare_module(name: str, *folders: str) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = list(folders)
    return sys.modules.setdefault(name, module)
