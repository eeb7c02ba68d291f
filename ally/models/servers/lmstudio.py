"""LM Studio, by its own interface, which says more than the OpenAI-compatible one.

Source: LM Studio, "REST API": "List your models" (/api/v1/models, from 0.4.0) and "REST API v0" (from 0.3.6). A server
that has no such path answers 200 with an error.
"""

from ally.messages import JsonObject
from ally.models.facts import ListedModel, ModelFacts, Server, parse_parameters
from ally.models.servers import fields
from ally.models.servers.answers import Headers, ask


def list_models(root: str, headers: Headers | None = None) -> Server | None:
    """The models of the server at `root`; None if none answers there or it is another kind.

    A model that is not loaded has no window yet: the first request loads it, with a window of the user's settings.
    """
    models = fields.rows(ask(f"{root}/api/v1/models", headers) or {}, "models")
    if any(fields.text(row, "key") for row in models):
        return _server(root, [one for row in models if fields.text(row, "key") for one in _of_v1(row)])
    models = fields.rows(ask(f"{root}/api/v0/models", headers) or {}, "data")
    if any(fields.text(row, "state") for row in models):  # other servers may answer any path with their models
        return _server(root, [_of_v0(row) for row in models if fields.text(row, "id")])
    return None


def _server(root: str, models: list[ListedModel]) -> Server:
    return Server("lmstudio", root, "lmstudio", "", tuple(models))


def _of_v1(row: JsonObject) -> list[ListedModel]:
    """The model; each further instance of it that is loaded under a name of its own is listed too."""
    key = fields.text(row, "key")
    instances = fields.rows(row, "loaded_instances")
    windows = {
        fields.text(one, "id"): fields.window(fields.section(one, "config"), "context_length") for one in instances
    }
    known = [window for window in windows.values() if window]
    own = windows.get(key) or (min(known) if known else None)
    listed = [ListedModel(key, _facts_of_v1(row, own), bool(instances))]
    return listed + [
        ListedModel(name, _facts_of_v1(row, windows[name]), True) for name in windows if name not in ("", key)
    ]


def _facts_of_v1(row: JsonObject, window: int | None) -> ModelFacts:
    key, capabilities = fields.text(row, "key"), fields.section(row, "capabilities")
    quantisation = fields.text(fields.section(row, "quantization"), "name")
    size_bytes = fields.number(row, "size_bytes")
    variant = fields.text(row, "selected_variant")
    return ModelFacts(
        context_window=window,
        context_window_source="server" if window else "guess",
        trained_window=fields.window(row, "max_context_length"),
        tools=fields.flag(capabilities, "trained_for_tool_use"),
        images=fields.flag(capabilities, "vision"),
        thinking=True if fields.section(capabilities, "reasoning") else fields.flag(capabilities, "reasoning"),
        embeds=fields.text(row, "type").startswith("embedding") or fields.embeds(key),
        parameters=parse_parameters(fields.text(row, "params_string")) or parse_parameters(key),
        quantisation=quantisation,
        size_bytes=size_bytes,
        digest=fields.digest_of(key, variant, quantisation, size_bytes),
        constrains=True,
    )


def _of_v0(row: JsonObject) -> ListedModel:
    name, kind, quantisation = fields.text(row, "id"), fields.text(row, "type"), fields.text(row, "quantization")
    window = fields.window(row, "loaded_context_length")
    facts = ModelFacts(
        context_window=window,
        context_window_source="server" if window else "guess",
        trained_window=fields.window(row, "max_context_length"),
        tools="tool_use" in fields.texts(row, "capabilities") if "capabilities" in row else None,
        images=kind == "vlm" if kind else None,
        embeds=kind.startswith("embedding") or fields.embeds(name),
        parameters=parse_parameters(name),
        quantisation=quantisation,
        digest=fields.digest_of(name, fields.text(row, "publisher"), quantisation),
        constrains=True,
    )
    return ListedModel(name, facts, fields.text(row, "state") == "loaded")
