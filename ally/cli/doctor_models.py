"""What `ally doctor` says about models: Ollama, the embedded engine, keys, and what each agent runs on."""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence

from ally.cli.finding import Finding
from ally.config.paths import Paths
from ally.config.secrets import Keys
from ally.config.settings import AGENTS, Settings
from ally.egress.location import classify
from ally.egress.lookup import NoAnswer, get_json
from ally.errors import ConfigError
from ally.messages import JsonObject
from ally.models.catalogue import STARTER, load_catalogue
from ally.models.facts import ListedModel
from ally.models.progress import size_text
from ally.models.servers import fields
from ally.models.servers.ollama import list_models, server
from ally.models.store import answering
from ally.providers.discovery.entry import ProviderEntry

BUDGET_S = 0.5
SHOWN_MODELS = 5

_PULL = "ally models pull ollama:qwen3:8b"


def ollama_findings(env: Mapping[str, str], options: JsonObject, *, is_offline: bool) -> Iterator[Finding]:
    """Whether Ollama runs where it is expected, and what it has. A server beyond the local network is not asked."""
    root = server(options, env)
    location = classify(root)
    if location == "cloud" or (is_offline and location != "local"):
        reason = "offline" if is_offline else "it is not in the local network"
        yield Finding("Ollama", "ok", f"{root} was not asked: {reason}")
        return
    try:
        version = fields.text(get_json(f"{root}/api/version", BUDGET_S), "version") or "an unknown version"
    except NoAnswer as reason:
        step = "start it with `ollama serve`, or do without: the engine of Ally needs no Ollama"
        yield Finding("Ollama", "missing", f"{root}: {reason}", step)
        return
    found = list_models(root)
    models = found.models if found else ()
    talking = [model.name for model in models if not model.facts.embeds and not model.facts.is_remote]
    if talking:
        shown = ", ".join(talking[:SHOWN_MODELS]) + (", …" if len(talking) > SHOWN_MODELS else "")
        count = f"{len(talking)} model{'' if len(talking) == 1 else 's'}"
        yield Finding("Ollama", "ok", f"{version} at {root} with {count}: {shown}", answers=True)
    else:
        yield Finding("Ollama", "missing", f"{version} at {root} {_has_instead(models)}", _PULL)


def _has_instead(models: Sequence[ListedModel]) -> str:
    """Why none of `models` counts as one that answers here."""
    if not models:
        return "has no model"
    if all(model.facts.embeds for model in models):
        return "has only models for embeddings, which answer nothing"
    return "has no model of its own that answers: the others run in a cloud"


def engine_findings(paths: Paths, *, is_offline: bool) -> Iterator[Finding]:
    """Whether the embedded engine has a model."""
    models = answering(paths)
    is_engine = importlib.util.find_spec("xllamacpp") is not None
    if models:
        shown = ", ".join(f"{model.name} ({size_text(model.size_bytes)})" for model in models[:SHOWN_MODELS])
        yield Finding("local models", "ok", shown, answers=is_engine)
        return
    size = load_catalogue()[STARTER].size_bytes or 0
    # The first question fetches the starter by itself.
    text = f"none yet; the first question fetches {STARTER} ({size_text(size)})" if not is_offline else "none yet"
    yield Finding("local models", "missing", text, f"ally models pull {STARTER}", answers=is_engine and not is_offline)


def key_findings(entries: Sequence[ProviderEntry], keys: Keys) -> Iterator[Finding]:
    """Which providers have a key and where it is from; never the key."""
    for entry in entries:
        if entry.error or not entry.required_env_vars:
            continue
        try:
            key = keys.find(entry.name, entry.required_env_vars)
        except ConfigError as error:
            yield Finding("keys", "warning", error.message, error.hint)
            continue
        missing = keys.missing(entry.name, entry.required_env_vars)
        if key and missing:
            step = f"put {missing[0]}=... into .env"
            yield Finding("keys", "warning", f"{entry.name}: {key.source}, but {', '.join(missing)} is not set", step)
        elif key:
            yield Finding("keys", "ok", f"{entry.name}: {key.source}", answers=True)


def agent_findings(
    settings: Settings, entries: Sequence[ProviderEntry], keys: Keys, *, is_offline: bool
) -> Iterator[Finding]:
    """What the agents run on, and whether that can work."""
    usable = {entry.name: entry for entry in entries if not entry.error}
    by_choice: dict[tuple[str | None, str | None], list[str]] = {}
    for agent in AGENTS:
        wanted = settings.for_agent(agent)
        by_choice.setdefault((wanted.provider, wanted.model), []).append(agent)
    for (provider, model), agents in by_choice.items():
        who = "every agent" if len(agents) == len(AGENTS) else ", ".join(agents)
        if provider is None:
            text = f"{who}: none chosen, so a model on this machine (Ollama if it has one, else local)"
            yield Finding("provider", "ok", text)
        elif provider not in usable:
            step = "ally providers lists those there are; ally config set provider NAME chooses one"
            yield Finding("provider", "broken", f"{who}: there is no provider {provider}", step)
        else:
            yield _chosen(who, usable[provider], model, keys, is_offline=is_offline)


def _chosen(who: str, entry: ProviderEntry, model: str | None, keys: Keys, *, is_offline: bool) -> Finding:
    text = f"{who}: {entry.name}, {model or entry.default_model or 'no model'} ({entry.location})"
    missing = keys.missing(entry.name, entry.required_env_vars)
    if missing:
        return Finding("provider", "broken", f"{text}: {missing[0]} is not set", f"put {missing[0]}=... into .env")
    if is_offline and entry.location != "local":
        return Finding("provider", "broken", f"{text}: not reachable offline", "ally --provider local")
    if not (model or entry.default_model):
        return Finding("provider", "broken", text, "ally config set model NAME")
    # Without a key to need, an own server may or may not run: only its own check tells.
    return Finding("provider", "ok", text, answers=bool(entry.required_env_vars) or entry.origin == "endpoint")
