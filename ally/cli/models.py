"""`ally models`: what runs on this machine, fetching more of it, and removing it."""

import argparse
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ally.app import App
from ally.cli import exits
from ally.cli.meter import Meter
from ally.cli.terminal import say
from ally.errors import Unreachable, UsageError
from ally.models import ollama_pull, store
from ally.models.catalogue import load_catalogue
from ally.models.progress import size_text
from ally.providers.builtin.ollama import server

_OLLAMA, _LOCAL, _HUB = "ollama:", "local:", ("hf:", "huggingface:")


def run(args: argparse.Namespace, app: App) -> int:
    """Run `ally models ACTION`."""
    match args.action:
        case "pull":
            return _pull(args, app)
        case "remove":
            return _remove(args.name, app)
        case "check":
            from ally.cli import models_check  # heavy

            return models_check.run(args, app)
        case "update":
            from ally.cli import models_update  # heavy

            return models_update.run(args, app)
        case "list":
            from ally.cli import models_list  # heavy

            return models_list.run(app, as_rows=args.json)
        case other:
            raise UsageError(f"unknown action {other}", hint="ally models -h lists what is accepted")


def _pull(args: argparse.Namespace, app: App) -> int:
    wanted = _for_ollama(args.name, args.source)
    if wanted is not None:
        return _pull_into_ollama(wanted, app, force=args.force)
    from ally.models.pull import PullOptions, pull  # heavy

    name = args.name.removeprefix(_LOCAL)
    before = store.find(app.paths, name)
    with _told_of_interruption():
        model = pull(app.paths, name, PullOptions(source=args.source, force=args.force), Meter())
    if before is not None and not args.force:
        say(f"{model.name} is on this machine already: {model.path}")
    else:
        say(f"{model.name} is ready: ally --provider local --model {model.name}")
    return exits.OK


def _pull_into_ollama(wanted: str, app: App, *, force: bool) -> int:
    root, name = _ollama_root(app), ollama_pull.full_name(wanted)
    if name in ollama_pull.names(root) and not force:
        say(f"Ollama at {root} has {name} already; --force brings it up to date.")
        return exits.OK
    with _told_of_interruption():
        ollama_pull.pull(root, name, Meter())
    say(f"{name} is ready: ally --provider ollama --model {name}")
    return exits.OK


def _for_ollama(name: str, source: str | None) -> str | None:
    """The name that Ollama is to fetch, None where the embedded engine is meant.

    Raises:
        UsageError: the name says something else than --from.
    """
    if source == "ollama":
        return name.removeprefix(_OLLAMA)
    if name.startswith(_OLLAMA) and source:
        raise UsageError(f"{name} is fetched by Ollama, not from {source}.", hint="leave out --from, or the ollama:")
    if name.startswith(_OLLAMA):
        return name.removeprefix(_OLLAMA)
    if name.lower().startswith(_HUB):
        raise UsageError(f"{name} is a source, not a name.", hint=f"ally models pull MY-NAME --from {name}")
    is_embedded = source or name.startswith(_LOCAL) or name in load_catalogue() or Path(name).is_absolute()
    return name if ":" in name and not is_embedded else None


@contextmanager
def _told_of_interruption() -> Generator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("Interrupted. The same command goes on from here.")
        raise


def _remove(name: str, app: App) -> int:
    root = _ollama_root(app)
    if _is_of_ollama(name, root, app):
        plain = name.removeprefix(_OLLAMA)
        ollama_pull.remove(root, plain)
        say(f"Removed {plain} from Ollama at {root}.")
        return exits.OK
    model = store.remove(app.paths, name.removeprefix(_LOCAL))
    say(f"Removed {model.name} ({size_text(model.size_bytes)}).")
    return exits.OK


def _is_of_ollama(name: str, root: str, app: App) -> bool:
    """Whether `name` means a model of Ollama.

    Raises:
        UsageError: both Ollama and the embedded engine have one of that name.
    """
    if name.startswith((_OLLAMA, _LOCAL)) or Path(name).is_absolute():
        return name.startswith(_OLLAMA)
    try:
        listed = ollama_pull.names(root)
    except Unreachable:
        if ":" in name:  # nobody else has such names
            raise
        listed = []
    is_here = ":" not in name and store.find(app.paths, name) is not None
    if is_here and (full := ollama_pull.full_name(name)) in listed:
        raise UsageError(
            f"Both the embedded engine and Ollama have a model {name}.",
            hint=f"say which: ally models remove {_LOCAL}{name} or ally models remove {_OLLAMA}{full}",
        )
    # Without its tag it may be one of Ollama's, which then asks for the exact name.
    return not is_here and (":" in name or any(one.startswith(f"{name}:") for one in listed))


def _ollama_root(app: App) -> str:
    return server(app.settings.provider_options.get("ollama", {}), app.env)
