"""The first run: what is to answer, of what is really there, this machine before anything else."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from ally.app import App
from ally.chat.front import Front, Option
from ally.chat.model_cells import note, tools_text, window_text
from ally.chat.model_rows import KINDS, Group, Row, groups
from ally.chat.standing import PLACES
from ally.config.change import plan_change
from ally.errors import AllyError, ModelFileError, StorageError
from ally.models.facts import TINY_PARAMETERS
from ally.models.memory import available_bytes
from ally.models.progress import Progress, size_text
from ally.models.pull import pull
from ally.providers.default import default_choice
from ally.providers.discovery.entry import ProviderEntry
from ally.storage.atomic import write_atomic

TITLE = "What is to answer? (/model changes it at any time)"
LATER = "later"
MARK = "setup.json"
"""In the state folder: the user was asked."""

_CLOUD = "a service: what you write, and what tools read for it, is sent there"
_FETCH = "on this machine, once it is fetched"
_MOST_FETCHABLE = 4
_ROOM_SHARE = 0.7
_TELL_EVERY_S = 5.0
_DOING = {"fetch": "Fetching", "wait": "Waiting for another Ally to fetch", "check": "Checking"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that could answer; `is_there` False: its file has to be fetched."""

    provider: str
    model: str
    option: Option
    is_there: bool = True


def needs_setup(app: App) -> bool:
    """Whether nobody has said what is to answer: no setting and no variable names it, and nobody was asked before.

    Flags of the command line, and whether somebody can be asked at all, are for the caller to know. It asks no server.

    Raises:
        ConfigError: the settings cannot be read.
    """
    chosen = ("provider", "model", "provider_per_model", "models")
    if any(origin.partition(".")[0] in chosen for origin in app.origins):
        return False
    return not (app.paths.state / MARK).exists()


async def set_up(app: App, front: Front) -> None:
    """Let the user choose what answers, and keep it in the user's own settings.

    Deciding later keeps what Ally takes by itself, which is always on this machine. It is asked once only.

    Raises:
        StorageError: the answer cannot be kept.
    """
    if not front.can_ask:
        return
    found = await asyncio.to_thread(candidates, app)
    by_value = {one.option.value: one for one in found}
    later = Option(LATER, "decide later", ("", "until then one on this machine"), group="or")
    while True:
        value = await front.choose(TITLE, [*(one.option for one in by_value.values()), later])
        chosen = by_value.get(value or LATER)
        try:
            if chosen is not None:
                await _take(app, chosen, front)
            break
        except StorageError:
            raise
        except AllyError as error:
            front.say(f"{error.message} {error.hint or ''}".strip())
    write_atomic(app.paths.state / MARK, b'{"asked": true}\n')


def candidates(app: App) -> list[Candidate]:
    """What could answer, nearest first; it asks the servers that are known: call it in a thread."""
    default = default_choice(app.env, app.settings.provider_options.get("ollama", {}))
    there = groups(app)
    found = [
        _of_row(group, row, is_default=(row.provider, row.name) == (default.provider, default.model))
        for group in there
        if group.kind
        for row in group.rows
        if row.is_usable and row.provider
    ]
    if not app.offline:
        fetchable = [row for group in there if group.kind is None for row in group.rows]
        found += [_to_fetch(row) for row in _recommended(fetchable)]
        found += _services(app, {one.provider for one in found})
    order = {PLACES["local"]: 0, _FETCH: 1, PLACES["lan"]: 2, _CLOUD: 3}
    found.sort(key=lambda one: order[one.option.group])
    return list({one.option.value: one for one in found}.values())


def _of_row(group: Group, row: Row, *, is_default: bool) -> Candidate:
    location = "cloud" if row.facts.is_remote else row.location
    owner = "embedded engine" if group.server is None else KINDS[group.server.kind]
    about = f"{tools_text(row)} tools" if tools_text(row) not in ("no", "?") else "no tools"
    is_tiny = row.facts.parameters is not None and row.facts.parameters <= TINY_PARAMETERS
    remarks = ("tiny: only to try" if is_tiny else "", note(row))
    size = size_text(row.facts.size_bytes) if row.facts.size_bytes else ""
    cells = (size, owner, window_text(row), about, ", ".join(filter(None, remarks)))
    heading = _CLOUD if location == "cloud" else PLACES[location]
    option = Option(f"{row.provider}:{row.name}", row.name, cells, heading, is_current=is_default)
    return Candidate(row.provider, row.name, option)


def _recommended(rows: list[Row]) -> Iterator[Row]:
    """The largest models that call tools and fit into the memory that is free now."""
    free = available_bytes()
    fitting = [
        row
        for row in rows
        if row.facts.tools and row.facts.size_bytes and (free is None or row.facts.size_bytes < free * _ROOM_SHARE)
    ]
    fitting.sort(key=lambda row: -(row.facts.size_bytes or 0))
    yield from fitting[:_MOST_FETCHABLE]


def _to_fetch(row: Row) -> Candidate:
    cells = (size_text(row.facts.size_bytes or 0), "embedded engine", window_text(row), "", f"from {row.file.source}")
    return Candidate("local", row.name, Option(f"local:{row.name}", row.name, cells, _FETCH), is_there=False)


def _services(app: App, served: set[str]) -> Iterator[Candidate]:
    """The services whose keys were found, each with its own default model."""
    for entry in app.registry.entries():
        if entry.error or entry.name in served or entry.location != "cloud" or not entry.default_model:
            continue
        if entry.required_env_vars and not app.keys.missing(entry.name, entry.required_env_vars):
            yield _of_service(app, entry)


def _of_service(app: App, entry: ProviderEntry) -> Candidate:
    model = entry.default_model or ""
    source = app.keys.source(entry.required_env_vars[0]) or "api_keys in main.py"
    option = Option(f"{entry.name}:{model}", model, ("", entry.display_name, "", "", f"key: {source}"), _CLOUD)
    return Candidate(entry.name, model, option)


async def _take(app: App, chosen: Candidate, front: Front) -> None:
    if not chosen.is_there:
        is_wanted = threading.Event()
        is_wanted.set()
        try:
            await asyncio.to_thread(pull, app.paths, chosen.model, None, _teller(front.say, is_wanted))
        finally:
            is_wanted.clear()
    await asyncio.to_thread(_keep, app, chosen)
    front.say(f"{chosen.provider}:{chosen.model} answers from now on.")


def _keep(app: App, chosen: Candidate) -> None:
    for key, value in (("provider", chosen.provider), ("model", chosen.model)):
        change = plan_change(app.paths, app.checkout, app.env, key, json.dumps(value), for_user=True)
        write_atomic(change.file, change.content)
    with suppress(AttributeError):
        del app.loaded  # read anew when it is asked for


def _teller(say: Callable[[str], None], is_wanted: threading.Event) -> Callable[[Progress], None]:
    """Tells of a fetch now and then, and ends it once nobody wants it any more."""
    told_at = -_TELL_EVERY_S

    def tell(progress: Progress) -> None:
        nonlocal told_at
        if not is_wanted.is_set():
            raise ModelFileError(f"Fetching {progress.model} was stopped.", hint="the next fetch of it goes on there")
        if progress.phase in _DOING and time.monotonic() - told_at >= _TELL_EVERY_S:
            told_at = time.monotonic()
            done, total = progress.done_bytes, progress.total_bytes
            part = f": {size_text(done)} of {size_text(total)}" if total else ""
            say(f"{_DOING[progress.phase]} {progress.model}{part}")

    return tell
