"""`ally providers`: list, show, check and write providers."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ally.app import App
from ally.cli import exits
from ally.cli.terminal import say
from ally.errors import UsageError
from ally.messages import JsonObject
from ally.providers.discovery.entry import ProviderEntry, key_state
from ally.terminal.table import hang, room, table
from ally.terminal.text import clean, one_line

COLUMNS = ("NAME", "PROVIDER", "ORIGIN", "LOCATION", "KEY", "DEFAULT MODEL")
SPARE = ("ORIGIN", "PROVIDER")
SHOWN_MODELS = 40


def run(args: argparse.Namespace, app: App) -> int:
    """The exit code of one action."""
    match args.action:
        case "show":
            return show(app, args.name, as_json=args.json)
        case "check":
            return check(app, args.name, args.model, as_json=args.json)
        case "new":
            return new(app, args.name)
        case _:
            return list_all(app, as_json=args.json)


def list_all(app: App, *, as_json: bool) -> int:
    """Print every provider, and what was left out with its cause."""
    keys = app.keys  # first of all: it reads .env, and plug-ins may look at variables
    entries = app.registry.entries()
    missing = [keys.missing(entry.name, entry.required_env_vars) for entry in entries]
    if as_json:
        print(json.dumps([row_of(entry, names) for entry, names in zip(entries, missing, strict=True)], indent=2))
        return exits.OK
    rows = [cells_of(entry, names) for entry, names in zip(entries, missing, strict=True) if entry.error is None]
    print("\n".join(table(COLUMNS, rows, space=room(), spare=SPARE)))
    broken = [entry for entry in entries if entry.error is not None]
    if broken:
        print("\nleft out:")
    for entry in broken:
        print(f"  {one_line(str(entry.path or entry.name))}: {one_line(entry.error or '')}")
    return exits.OK


def show(app: App, name: str, *, as_json: bool) -> int:
    """Print all that is known of one provider, or of a file that was left out."""
    keys = app.keys  # first, as above
    wanted = name.strip().lower()
    found = [entry for entry in app.registry.entries() if entry.name.lower() == wanted]
    if not found:
        raise app.registry.unknown(name)
    for entry in found:
        missing = keys.missing(entry.name, entry.required_env_vars)
        print(json.dumps(row_of(entry, missing), indent=2) if as_json else details(entry, missing))
    return exits.FAILED if all(entry.error for entry in found) else exits.OK


def check(app: App, name: str, model: str | None, *, as_json: bool) -> int:
    """Try a provider against its live service and print what works; fails when anything does."""
    import asyncio  # heavy

    from ally.config.secrets import Keys  # heavy
    from ally.providers.check import WRONG_KEY, CheckRow, check_model  # heavy
    from ally.providers.connect import Choice, connect  # heavy

    keys = app.keys
    needs_key = bool(app.registry.get(name).get_required_env_vars())
    options = app.settings.provider_options
    choice = Choice(name, model)
    wrong = Keys(app.env, {name: WRONG_KEY})

    def report(row: CheckRow) -> None:
        if not as_json:
            print(f"{row.name:<18} {row.verdict:<14} {row.seconds:6.2f} s  {one_line(row.reason)}".rstrip(), flush=True)

    # What the provider itself can do, without what Ally adds to it.
    rows = asyncio.run(
        check_model(
            lambda: connect(app.registry, keys, choice, options, say).inner,
            (lambda: connect(app.registry, wrong, choice, options, _say_nothing).inner) if needs_key else None,
            report=report,
        )
    )
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    return exits.FAILED if any(row.verdict == "fail" for row in rows) else exits.OK


def _say_nothing(_: str) -> None:
    """The warnings of the second connection are those of the first."""


def new(app: App, name: str) -> int:
    """Write a commented plug-in and say what to do next; the path is the result."""
    from ally.providers.new import folder_for_new, new_provider, variable_prefix  # late: only here

    if app.registry.is_provider_available(name):
        raise UsageError(f"There is a provider called {name} already.", hint=f"ally providers show {name} tells more")
    file = new_provider(name, folder_for_new(app.checkout, app.paths.config / "providers"))
    name, prefix = name.strip().lower(), variable_prefix(name.strip())
    print(clean(str(file)))
    say(f"next: put {prefix}_BASE_URL=http://... and, if there is a key, {prefix}_API_KEY=... into {env_file(app)}")
    say(f"      ally providers check {name} --model MODEL")
    say(f'      ally -p "hello" --provider {name} --model MODEL')
    return exits.OK


def env_file(app: App) -> Path:
    """The `.env` that is read first."""
    return (app.checkout or app.paths.config) / ".env"


def row_of(entry: ProviderEntry, missing: Sequence[str]) -> JsonObject:
    """One element of `--json`; scripts rely on these fields."""
    return {
        "name": entry.name,
        "display_name": entry.display_name,
        "origin": entry.origin,
        "path": str(entry.path) if entry.path else None,
        "required_env_vars": list(entry.required_env_vars),
        "missing_env_vars": list(missing),
        "default_model": entry.default_model,
        "available_models": list(entry.available_models),
        "supports_streaming": entry.supports_streaming,
        "location": entry.location,
        "overrides": entry.overrides,
        "error": entry.error,
    }


def cells_of(entry: ProviderEntry, missing: Sequence[str]) -> tuple[str, ...]:
    """One line of the table."""
    file = f" ({entry.path.name})" if entry.path and entry.origin in ("custom", "user") else ""
    return (
        entry.name,
        entry.display_name,
        f"{entry.origin}{file}",
        entry.location,
        key_state(entry, missing),
        entry.default_model or "-",
    )


def keys_in_full(entry: ProviderEntry, missing: Sequence[str]) -> str:
    """Each variable it needs, and whether it is there."""
    states = [f"{name} ({'missing' if name in missing else 'set'})" for name in entry.required_env_vars]
    return ", ".join(states) or "not needed"


def details(entry: ProviderEntry, missing: Sequence[str]) -> str:
    """All fields of one provider, one to a line."""
    shown = ", ".join(entry.available_models[:SHOWN_MODELS])
    more = len(entry.available_models) - SHOWN_MODELS
    fields = {
        "name": entry.name,
        "provider": entry.display_name,
        "left out": entry.error or "",
        "origin": entry.origin,
        "file": str(entry.path or ""),
        "overrides": entry.overrides or "",
        "location": "" if entry.error else entry.location,
        "keys": "" if entry.error else keys_in_full(entry, missing),
        "default model": entry.default_model or "",
        "models": f"{shown} and {more} more" if more > 0 else shown,
        "streaming": "" if entry.error else ("yes" if entry.supports_streaming else "no"),
        "problems": "; ".join(entry.notes),
    }
    return "\n".join(hang(f"{label:<14} ", one_line(text), room()) for label, text in fields.items() if text.strip())
