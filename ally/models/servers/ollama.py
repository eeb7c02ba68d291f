"""What an Ollama server has, and what it says of one model.

Source: Ollama API reference ("List models", "List running models", "Show model information") and `api/types.go`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from threading import Thread

from ally.egress.lookup import NoAnswer, get_json, post_json
from ally.messages import JsonObject
from ally.models.facts import ListedModel, ModelFacts, Server, parse_parameters
from ally.models.fit import is_sliding, kv_bytes_per_token
from ally.models.servers import fields
from ally.models.servers.answers import TIMEOUT_S, ask

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in the server's memory: the context it was loaded with, its size, and how much of that is on a GPU."""

    context_window: int | None
    size_bytes: int
    vram_bytes: int


@dataclass(frozen=True, slots=True)
class Described:
    """All that a server says of one model. `num_ctx` is that of its Modelfile, None if it has none."""

    facts: ModelFacts
    num_ctx: int | None = None
    loaded: Loaded | None = None


def list_models(root: str) -> Server | None:
    """What the server at `root` has, None if it does not answer in time or is no Ollama.

    Models that run on this server come first, in its order; those that it passes on to a cloud come last.
    """
    tags, running, version = _at_once(
        lambda: ask(f"{root}/api/tags"), lambda: _running(root, TIMEOUT_S), lambda: ask(f"{root}/api/version")
    )
    if tags is None or not isinstance(tags.get("models", 0), list | None):
        return None
    memory, rows = _loaded(running), _rows(tags)
    models = [
        ListedModel(_name(row), _served(_listed(row), memory.get(_name(row))), _name(row) in memory) for row in rows
    ]
    models.sort(key=lambda model: model.facts.is_remote)
    return Server("ollama", root, "ollama", fields.text(version or {}, "version"), tuple(models))


def ask_facts(root: str, model: str, timeout_s: float = TIMEOUT_S) -> ModelFacts | None:
    """What the server at `root` says of `model`; None if it does not answer in time or does not have it.

    `context_window` is what it is loaded with now, else what its Modelfile says, else None.
    """
    described = describe(root, model, timeout_s)
    return described.facts if described else None


def describe(root: str, model: str, timeout_s: float = TIMEOUT_S) -> Described | None:
    """The same, with where the window comes from."""
    shown, tags, running = _at_once(
        lambda: _show(root, model, timeout_s), lambda: ask(f"{root}/api/tags"), lambda: _running(root, timeout_s)
    )
    if shown is None or not ("details" in shown or "model_info" in shown):
        return None
    name = full_name(model)
    row = next((row for row in _rows(tags) if _name(row) == name), {"name": name})
    num_ctx, memory = find_num_ctx(_long_text(shown, "parameters")), _loaded(running).get(name)
    facts = _served(_shown(shown, _listed(row)), memory)
    if facts.context_window is None and num_ctx:
        facts = replace(facts, context_window=num_ctx, context_window_source="server")
    return Described(facts, num_ctx, memory)


def loaded(root: str, timeout_s: float = TIMEOUT_S) -> dict[str, Loaded]:
    """The models in the memory of the server at `root`, by full name; empty if it does not answer."""
    return _loaded(_running(root, timeout_s))


def full_name(model: str) -> str:
    """The name as the server lists it, with its tag."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def is_cloud_name(model: str) -> bool:
    """Whether the name is one of a model that the server passes on to Ollama's cloud."""
    return model.endswith(("-cloud", ":cloud"))


def find_num_ctx(parameters: str) -> int | None:
    """The `num_ctx` of a Modelfile, from the lines of its parameters."""
    found = re.findall(r"^\s*num_ctx\s+(\d{1,9})\s*$", parameters, re.MULTILINE)
    return int(found[-1]) or None if found else None


def host_url(env: Mapping[str, str]) -> str:
    """The URL that `OLLAMA_HOST` means, by Ollama's own rules.

    Without a scheme the port is 11434 unless given, with one it is the scheme's. An address that a server listens on
    (0.0.0.0, ::, or none) becomes the loopback address where it can be reached.
    """
    text = env.get("OLLAMA_HOST", "").strip().strip("\"'").strip()
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest, default_port = "http", text, 11434
    else:
        default_port = _DEFAULT_PORTS.get(scheme, 11434)
    address, slash, path = rest.partition("/")
    host, port = _split_port(address, default_port)
    return f"{scheme}://{_reachable(host)}:{port}{slash + path}".rstrip("/")


def server(options: Mapping[str, object], env: Mapping[str, str]) -> str:
    """Root of the server's API. An address with the `/v1` of its OpenAI-compatible API is understood too."""
    chosen = str(options.get("base_url") or options.get("endpoint") or "").rstrip("/") or host_url(env)
    return chosen.removesuffix("/v1").removesuffix("/api").rstrip("/")


def _at_once(*questions: Callable[[], JsonObject | None]) -> list[JsonObject | None]:
    answers: list[JsonObject | None] = [None] * len(questions)

    def answer(place: int) -> None:
        answers[place] = questions[place]()

    threads = [Thread(target=answer, args=(place,), daemon=True, name="asking") for place in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()  # each question has its own time limit
    return answers


def _running(root: str, timeout_s: float) -> JsonObject | None:
    try:  # never an answer of a moment ago: every request may change it
        return get_json(f"{root}/api/ps", timeout_s)
    except NoAnswer:
        return None


def _show(root: str, model: str, timeout_s: float) -> JsonObject | None:
    try:
        return post_json(f"{root}/api/show", {"model": model}, timeout_s)
    except NoAnswer:
        return None


def _listed(row: JsonObject) -> ModelFacts:
    """The facts of a row of the list."""
    details, name = fields.section(row, "details"), _name(row)
    is_remote = _is_passed_on(row) or is_cloud_name(name)
    embeds = fields.embeds(name) or "bert" in fields.text(details, "family")
    return _able(
        ModelFacts(
            embeds=embeds,
            parameters=parse_parameters(fields.text(details, "parameter_size")),
            quantisation=fields.text(details, "quantization_level"),
            size_bytes=fields.number(row, "size"),
            digest=fields.text(row, "digest"),
            is_remote=is_remote,
            constrains=not is_remote,
        ),
        fields.texts(row, "capabilities"),
    )


def _shown(shown: JsonObject, listed: ModelFacts) -> ModelFacts:
    """The facts of a list, completed by those of the one model."""
    details, metadata = fields.section(shown, "details"), fields.section(shown, "model_info")
    is_remote = listed.is_remote or _is_passed_on(shown)
    kv_bytes = kv_bytes_per_token(metadata)
    facts = replace(
        listed,
        trained_window=fields.window(metadata, f"{metadata.get('general.architecture')}.context_length"),
        tools=True if ".Tools" in _long_text(shown, "template") else None,
        parameters=fields.number(metadata, "general.parameter_count")
        or parse_parameters(fields.text(details, "parameter_size"))
        or listed.parameters,
        quantisation=fields.text(details, "quantization_level") or listed.quantisation,
        # At least every other layer of such a model keeps only its window, in all families there are.
        kv_bytes_per_token=kv_bytes // 2 if is_sliding(metadata) else kv_bytes,
        is_remote=is_remote,
        constrains=not is_remote,
    )
    return _able(facts, fields.texts(shown, "capabilities"))


def _is_passed_on(row: JsonObject) -> bool:
    return bool(fields.text(row, "remote_host") or fields.text(row, "remote_model"))


def _able(facts: ModelFacts, abilities: list[str]) -> ModelFacts:
    """`facts` with what a list of abilities says; older servers give none."""
    if not abilities:
        return facts
    return replace(
        facts,
        tools="tools" in abilities,
        images="vision" in abilities,
        thinking="thinking" in abilities,
        embeds="completion" not in abilities,
    )


def _served(facts: ModelFacts, memory: Loaded | None) -> ModelFacts:
    if memory is None or memory.context_window is None:
        return facts
    return replace(facts, context_window=memory.context_window, context_window_source="server")


def _loaded(running: JsonObject | None) -> dict[str, Loaded]:
    return {
        _name(row): Loaded(
            fields.window(row, "context_length"), fields.number(row, "size") or 0, fields.number(row, "size_vram") or 0
        )
        for row in _rows(running)
    }


def _rows(answer: JsonObject | None) -> list[JsonObject]:
    return [row for row in fields.rows(answer or {}, "models") if _name(row)]


def _name(row: JsonObject) -> str:
    name = fields.text(row, "name") or fields.text(row, "model")
    return full_name(name) if name else ""


def _long_text(holder: JsonObject, name: str) -> str:
    value: object = holder.get(name)
    return value if isinstance(value, str) else ""


def _split_port(address: str, default: int) -> tuple[str, int]:
    if address.startswith("["):  # [::1] or [::1]:11434
        host, _, tail = address[1:].partition("]")
        port = tail.removeprefix(":")
    elif address.count(":") > 1:  # a bare IPv6 address
        host, port = address, ""
    else:
        host, _, port = address.partition(":")
    valid = port.isascii() and port.isdigit() and 0 < int(port) < 65536
    return host, int(port) if valid else default


def _reachable(host: str) -> str:
    if not host:
        return "127.0.0.1"
    try:
        ip = ip_address(host)
    except ValueError:
        return host
    if ip.version == 4:
        return "127.0.0.1" if ip.is_unspecified else host
    return "[::1]" if ip.is_unspecified else f"[{ip}]"
