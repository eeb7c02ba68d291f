"""`ally agents`: the ways in which Ally works, and what the settings make of them."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ally.agents.spec import load_agent
from ally.app import App
from ally.cli import exits
from ally.config.settings import AGENTS
from ally.errors import UsageError
from ally.messages import JsonObject
from ally.terminal.table import hang, room, table
from ally.terminal.text import clean, one_line

COLUMNS = ("NAME", "PROVIDER", "MODEL", "TEMPERATURE", "TOOLS", "DESCRIPTION")
SPARE = ("TOOLS", "TEMPERATURE")
BUILT_IN = "built-in"
_WHEN_STARTED = "a local one, chosen at the start"


@dataclass(frozen=True, slots=True)
class _Shown:
    """One agent as it would run; what is None is chosen at its start. `sources` says who set each value."""

    name: str
    description: str
    provider: str | None
    model: str | None
    temperature: float
    tools: tuple[str, ...]
    system_prompt: str
    sources: Mapping[str, str]


def run(args: argparse.Namespace, app: App) -> int:
    """The exit code of one action.

    Raises:
        UsageError: there is no such agent.
        ConfigError: the settings cannot be read.
    """
    if args.action == "show":
        if args.name not in AGENTS:
            raise UsageError(f"Unknown agent: {one_line(args.name)}.", hint=f"the agents are {', '.join(AGENTS)}")
        shown = _shown(app, args.name)
        print(json.dumps(_row(shown), indent=2) if args.json else _details(shown))
        return exits.OK
    agents = [_shown(app, name) for name in AGENTS]
    if args.json:
        print(json.dumps([_row(one) for one in agents], indent=2))
    else:
        print("\n".join(table(COLUMNS, [_cells(one) for one in agents], space=room(), spare=SPARE)))
    return exits.OK


def _shown(app: App, name: str) -> _Shown:
    spec, wanted = load_agent(name), app.settings.for_agent(name)
    sources = {
        "provider": _source(app, wanted.provider, f"provider_per_model.{name}", "provider"),
        "model": _source(app, wanted.model, f"models.{name}", "model"),
        "temperature": _source(app, wanted.temperature, f"temperatures.{name}"),
        "system_prompt": _source(app, wanted.system_prompt, f"system_prompts.{name}"),
    }
    model = wanted.model
    if wanted.provider and not model:
        model = _default_model(app, wanted.provider)
        sources["model"] = f"default of {wanted.provider}" if model else BUILT_IN
    return _Shown(
        name,
        spec.description,
        wanted.provider,
        model,
        spec.temperature if wanted.temperature is None else wanted.temperature,
        spec.tools,
        wanted.system_prompt or spec.prompt,
        sources,
    )


def _source(app: App, value: object, *keys: str) -> str:
    """Where a value comes from: the first of the keys that was set, with its file or variable."""
    if value is not None and value != "":
        for key in keys:
            if key in app.origins and _set(app, key) == value:
                return f"{key} in {app.origins[key]}"
    return BUILT_IN


def _set(app: App, key: str) -> object:
    table_name, _, name = key.partition(".")
    value = getattr(app.settings, table_name)
    return value.get(name) if name else value


def _default_model(app: App, provider: str) -> str | None:
    found = (one for one in app.registry.entries() if one.name == provider.strip().lower() and one.error is None)
    return next((one.default_model for one in found), None)


def _row(shown: _Shown) -> JsonObject:
    """One element of `--json`; scripts rely on these fields."""
    return {
        "name": shown.name,
        "description": shown.description,
        "origin": "builtin",
        "provider": shown.provider,
        "model": shown.model,
        "temperature": shown.temperature,
        "tools": list(shown.tools),
        "system_prompt": shown.system_prompt,
        "sources": dict(shown.sources),
    }


def _cells(shown: _Shown) -> tuple[str, ...]:
    temperature, tools = f"{shown.temperature:g}", str(len(shown.tools))
    return (shown.name, shown.provider or "(local)", shown.model or "-", temperature, tools, shown.description)


def _details(shown: _Shown) -> str:
    """All of one agent, each value with where it comes from, and its prompt at the end."""
    values = {
        "provider": shown.provider or _WHEN_STARTED,
        "model": shown.model or "the provider's default",
        "temperature": f"{shown.temperature:g}",
    }
    rows = [("agent", f"{shown.name}: {shown.description}")]
    rows += [(name, f"{one_line(value)} ({one_line(shown.sources[name])})") for name, value in values.items()]
    rows += [("tools", ", ".join(shown.tools)), ("prompt", f"({one_line(shown.sources['system_prompt'])})")]
    lines = [hang(f"{name:<12} ", text, room()) for name, text in rows]
    return "\n".join([*lines, "", clean(shown.system_prompt)])
