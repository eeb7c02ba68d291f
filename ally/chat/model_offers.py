"""The models that can be chosen in a chat: those of this machine first, then the network, then services with a key."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ally.app import App
from ally.chat.commands.models import SERVERS
from ally.chat.commands.window import SOURCES
from ally.chat.front import Option
from ally.chat.model_cells import note, source_text, tools_text, window_text
from ally.chat.model_rows import KINDS, Group, Row, groups, parameters
from ally.chat.standing import PLACES
from ally.egress.location import Location, classify
from ally.models import hosted
from ally.models.progress import size_text
from ally.providers.discovery.entry import ProviderEntry
from ally.providers.model import Profile

_ORDER: tuple[Location, ...] = ("local", "lan", "cloud")


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be chosen: whose it is, how it is listed, and all that is known of it."""

    provider: str
    model: str
    location: Location
    option: Option
    about: str


def offers(app: App, profile: Profile) -> dict[str, Offer]:
    """Every model, by the `value` of its option; the one of `profile` is marked.

    It asks the servers: call it in a thread.
    """
    found = list(_of_machine(app))
    served = {offer.provider for offer in found} | {"local"}
    found += _of_services(app, served)
    found.sort(key=lambda offer: (bool(offer.option.why_not), _ORDER.index(offer.location)))  # groups stay as they came
    ready = [_marked(offer, profile) for offer in found]
    if not any(offer.option.is_current for offer in ready):
        ready.insert(0, _in_use(profile))
    return {offer.option.value: offer for offer in ready}


def _of_machine(app: App) -> Iterator[Offer]:
    """The embedded engine, the servers that run, and at last what could be fetched for the engine."""
    for group in groups(app):
        for row in group.rows:
            if not row.facts.embeds:
                yield _of_row(row, _heading(group, row), _location(group, row))


def _of_row(row: Row, heading: str, location: Location) -> Offer:
    why_not = "" if row.is_usable else f"it has to be fetched first: !ally models pull {row.name}"
    size = size_text(row.facts.size_bytes) if row.facts.size_bytes else ""
    source = source_text(row)
    window = f"{window_text(row)} ({source})" if source else window_text(row)
    cells = (window, tools_text(row), size, note(row))
    option = Option(_value(row.provider, row.name), row.name, cells, heading, why_not=why_not)
    return Offer(row.provider, row.name, location, option, _told(row))


def _of_services(app: App, served: Iterable[str]) -> Iterator[Offer]:
    """The models that providers list which need no key or have one; servers that do not run are none of them."""
    for entry in app.registry.entries():
        is_off = entry.name in SERVERS and entry.name not in app.settings.endpoints and entry.location != "cloud"
        if entry.error or entry.name in served or is_off:
            continue
        if not app.keys.missing(entry.name, entry.required_env_vars):
            names = dict.fromkeys(filter(None, (entry.default_model, *entry.available_models)))
            yield from (_of_entry(entry, name) for name in names)


def _of_entry(entry: ProviderEntry, name: str) -> Offer:
    known = hosted.find(entry.name, name) if entry.location == "cloud" else None
    window, tools = (f"{known.context_window:,} (catalogue)", _yes(known.tools)) if known else ("?", "?")
    is_default = "default" if name == entry.default_model else ""
    heading = f"{entry.display_name} · {PLACES[entry.location]}"
    option = Option(_value(entry.name, name), name, (window, tools, "", is_default), heading)
    return Offer(entry.name, name, entry.location, option, _told_of_service(entry, name, known))


def _in_use(profile: Profile) -> Offer:
    """The model in use where nobody lists it."""
    window = f"{profile.context_window:,} ({profile.context_window_source})" if profile.context_window else "?"
    tools = profile.tool_calling if profile.tools else "no"
    value, heading = _value(profile.provider, profile.model), f"in use · {PLACES[profile.location]}"
    option = Option(value, profile.model, (window, tools, "", ""), heading, is_current=True)
    lines = (
        ("provider", profile.provider),
        ("place", PLACES[profile.location]),
        ("window", window),
        ("tools", tools),
    )
    return Offer(profile.provider, profile.model, profile.location, option, _lines(profile.model, lines))


def _marked(offer: Offer, profile: Profile) -> Offer:
    if (offer.provider, offer.model) != (profile.provider, profile.model):
        return offer
    return replace(offer, option=replace(offer.option, is_current=True, why_not=""))


def _heading(group: Group, row: Row) -> str:
    server = group.server
    if group.kind is None:
        return "to be fetched first"
    if server is None:
        return "embedded engine · this machine"
    place = "passed on to a cloud" if row.facts.is_remote else PLACES[classify(server.url)]
    return f"{KINDS[server.kind]} at {server.url.removeprefix('http://')} · {place}"


def _location(group: Group, row: Row) -> Location:
    if group.kind is None or row.facts.is_remote:
        return "cloud"
    return classify(group.server.url) if group.server else row.location


def _told(row: Row) -> str:
    """All that is known of a model, and who says so."""
    facts, speed, verdict = row.facts, row.measured, row.verdict
    window = f"{facts.context_window:,} tokens, {SOURCES[facts.context_window_source]}" if facts.context_window else "?"
    checked = f"; checked {verdict.checked_at[:10]}: {_passed(verdict.passed.values())}" if verdict else ""
    speeds = (
        [
            f"{value:.0f} tokens/s {doing}"
            for value, doing in ((speed.prefill_per_s, "reading"), (speed.generation_per_s, "writing"))
            if value
        ]
        if speed
        else []
    )
    where = "a cloud, through this server" if facts.is_remote else PLACES[row.location]
    rows = (
        ("provider", row.provider),
        ("server", row.server),
        ("place", where),
        ("window", window),
        ("trained for", f"{facts.trained_window:,} tokens" if facts.trained_window else ""),
        ("tools", f"{tools_text(row)}{checked}"),
        ("images", _yes(facts.images)),
        ("thinking", _yes(facts.thinking)),
        ("weights", ", ".join(filter(None, (parameters(row), facts.quantisation)))),
        ("size", size_text(facts.size_bytes) if facts.size_bytes else ""),
        ("loaded", "yes" if row.is_loaded else ""),
        ("speed", f"{', '.join(speeds)} (measured {speed.measured_at[:10]})" if speed and speeds else ""),
        ("licence", row.file.licence),
        ("file", row.file.path),
    )
    return _lines(row.display_name or row.name, rows)


def _told_of_service(entry: ProviderEntry, name: str, known: hosted.HostedModel | None) -> str:
    rows = [("provider", entry.display_name), ("place", PLACES[entry.location])]
    if known is not None:
        rows += [
            ("window", f"{known.context_window:,} tokens, says the catalogue"),
            ("answer", f"up to {known.max_output_tokens:,} tokens" if known.max_output_tokens else ""),
            ("tools", _yes(known.tools)),
            ("images", _yes(known.images)),
            ("thinking", _yes(known.thinking)),
            ("as of", f"{hosted.current().as_of} (!ally models update fetches a newer list)"),
        ]
    else:
        rows.append(("window", "? (nobody lists this model)"))
    if entry.location != "local":
        rows.append(("privacy", f"what you say and what Ally reads is sent to {entry.display_name}"))
    return _lines(name, rows)


def _lines(head: str, rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join([head, "", *(f"{name:<12} {value}" for name, value in rows if value)])


def _passed(probes: Iterable[bool]) -> str:
    passed = list(probes)
    return f"{sum(passed)} of {len(passed)} probes"


def _yes(known: bool | None) -> str:
    return "?" if known is None else "yes" if known else "no"


def _value(provider: str, model: str) -> str:
    return f"{provider}:{model}"
