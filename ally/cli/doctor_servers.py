"""What `ally doctor` says about model servers, and about how much the agents' models really hold."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from ally.app import App
from ally.cli.finding import Finding
from ally.config.settings import AGENTS, Settings
from ally.errors import AllyError
from ally.models.facts import SMALL_WINDOW, Server, ServerKind
from ally.models.servers import discover, ollama
from ally.models.servers.answers import root_of
from ally.models.servers.choice import chat_models, find_model
from ally.providers.connect import Choice, connect
from ally.providers.default import default_choice
from ally.providers.discovery.entry import ProviderEntry
from ally.providers.model import Profile

KINDS: Mapping[ServerKind, str] = {
    "ollama": "Ollama",
    "lmstudio": "LM Studio",
    "llamacpp": "llama.cpp",
    "vllm": "vLLM",
    "openai": "model server",
}
SHOWN_MODELS = 5

_SOURCES = {
    "measured": "as measured",
    "server": "as the server says",
    "catalogue": "by the catalogue",
    "user": "by your settings",
    "guess": "until the first answer shows it",
}
_LONGER = {
    "ollama": "set provider_options.ollama.num_ctx to 16384 or more, or take a smaller model",
    "local": "set provider_options.local.num_ctx to 16384 or more, or take a smaller model",
    "lmstudio": "load it with more: lms load {model} --context-length 16384",
    "llamacpp": "start llama-server with -c 16384; its slots (-np) share that",
    "vllm": "start vLLM with --max-model-len 16384",
}
_OTHER_MODEL = "take a model with a longer window"


def server_findings(servers: Sequence[Server]) -> Iterator[Finding]:
    """The servers that run besides Ollama, and how they are used."""
    for server in servers:
        if server.kind == "ollama":
            continue
        names = [model.name for model in chat_models(server)]
        where = " ".join((KINDS[server.kind], server.version)).strip() + f" at {server.url}"
        if not names:
            yield Finding("servers", "missing", f"{where} has no model that chats", "load one there")
            continue
        shown = ", ".join(names[:SHOWN_MODELS]) + (", …" if len(names) > SHOWN_MODELS else "")
        step = f"ally --provider {server.provider}" if server.provider else "name it under endpoints in config.json"
        yield Finding("servers", "ok", f"{where}: {shown}", step, answers=bool(server.provider))


def window_findings(app: App, entries: Sequence[ProviderEntry], servers: Sequence[Server]) -> Iterator[Finding]:
    """What the models of the agents hold on the servers as they run now; nothing is asked of a cloud."""
    usable = {entry.name: entry for entry in entries if not entry.error}
    by_choice: dict[Choice, list[str]] = {}
    for agent in AGENTS:
        choice = choice_of(app, agent)
        if choice.provider in usable and _is_asked(app, usable[choice.provider]):
            by_choice.setdefault(choice, []).append(agent)
    for choice, agents in by_choice.items():
        who = "every agent" if len(agents) == len(AGENTS) else ", ".join(agents)
        server = _server_of(choice.provider, app.settings, servers)
        if server is None and choice.provider not in ("local", "ollama"):  # Ollama has a finding of its own
            step = "start its server, or choose another: ally config set provider NAME"
            yield Finding("model", "warning", f"{who}: nothing answers for {choice.provider} at its address", step)
        elif server is not None and choice.model and find_model(server, choice.model) is None:
            yield _missing(who, server, choice.model)
        else:
            yield from _window(app, who, choice, server)


def discovered(app: App) -> list[Server]:
    """The servers that answer at once, on this machine and where the settings say."""
    return discover(app.env, app.settings.provider_options, app.settings.endpoints)


def choice_of(app: App, agent: str) -> Choice:
    """What the agent runs on now; its model is None where the provider's default is meant."""
    wanted = app.settings.for_agent(agent)
    if wanted.provider is not None:
        return Choice(wanted.provider.lower(), wanted.model)
    found = default_choice(app.env, app.settings.provider_options.get("ollama", {}))
    return Choice(found.provider, wanted.model or found.model)


def _is_asked(app: App, entry: ProviderEntry) -> bool:
    is_near = entry.location == "local" or (entry.location == "lan" and not app.offline)
    return is_near and entry.origin in ("builtin", "endpoint")


def _server_of(provider: str, settings: Settings, servers: Sequence[Server]) -> Server | None:
    endpoint = settings.endpoints.get(provider)
    if endpoint is not None:
        return next((server for server in servers if server.url == root_of(endpoint.base_url)), None)
    return next((server for server in servers if server.provider == provider), None)


def _missing(who: str, server: Server, model: str) -> Finding:
    names = [one.name for one in chat_models(server)][:SHOWN_MODELS]
    step = f"ally models pull ollama:{model}" if server.kind == "ollama" else f"it has {', '.join(names) or 'none'}"
    return Finding("model", "broken", f"{who}: {KINDS[server.kind]} at {server.url} has no model {model}", step)


def _window(app: App, who: str, choice: Choice, server: Server | None) -> Iterator[Finding]:
    warnings: list[str] = []
    try:
        model = connect(app.registry, app.keys, choice, app.settings.provider_options, warnings.append, app.verdict)
    except AllyError as error:
        yield Finding("model", "broken", f"{who}: {error.message}", error.hint)
        return
    profile = model.profile
    asyncio.run(model.close())
    for warning in warnings:
        yield Finding("model", "warning", f"{who}: {warning}", "ally config show says where that is set")
    text = f"{who}: {profile.provider}:{profile.model}, {_held(profile)}"
    if server is not None and server.kind == "ollama" and choice.provider != "ollama":
        text += "; behind this interface Ollama serves 4,096 tokens unless OLLAMA_CONTEXT_LENGTH says more"
        step = f"set provider to ollama and provider_options.ollama.base_url to {server.url}"
        yield Finding("model", "warning", text, step)
    elif profile.context_window is not None and profile.context_window < SMALL_WINDOW:
        yield Finding("model", "warning", f"{text}: little for work with tools", _remedy(profile, server))
    else:
        yield Finding("model", "ok", text)


def _held(profile: Profile) -> str:
    tools = f"{profile.tool_calling} tool calls" if profile.tools else "no tools"
    if profile.context_window is None:
        return f"window known when it is loaded, {tools}"
    return f"{profile.context_window:,} tokens {_SOURCES[profile.context_window_source]}, {tools}"


def _remedy(profile: Profile, server: Server | None) -> str:
    trained = _trained_window(profile.model, server) if server else None
    if trained is not None and trained < SMALL_WINDOW:
        return _OTHER_MODEL
    return _LONGER.get(server.kind if server else profile.provider, _OTHER_MODEL).format(model=profile.model)


def _trained_window(model: str, server: Server) -> int | None:
    if server.kind == "ollama":  # its list does not say
        facts = ollama.ask_facts(server.url, model)
        return facts.trained_window if facts else None
    listed = find_model(server, model)
    return listed.facts.trained_window if listed else None
