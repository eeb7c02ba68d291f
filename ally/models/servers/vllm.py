"""vLLM.

Source: vLLM, "OpenAI-Compatible Server" and its protocol (`ModelCard`); GET /version.
"""

from ally.messages import JsonObject
from ally.models.facts import ListedModel, ModelFacts, Server, parse_parameters
from ally.models.servers import fields
from ally.models.servers.answers import Headers, ask


def list_models(root: str, headers: Headers | None = None) -> Server | None:
    """The models of the server at `root`, adapters included; None if none answers there or it is another kind."""
    rows = [row for row in fields.rows(ask(f"{root}/v1/models", headers) or {}, "data") if fields.text(row, "id")]
    if not any(fields.text(row, "owned_by") == "vllm" for row in rows):
        return None
    version = fields.text(ask(f"{root}/version", headers) or {}, "version")
    windows = {fields.text(row, "id"): fields.window(row, "max_model_len") for row in rows}
    return Server("vllm", root, "vllm", version, tuple(_listed(row, windows) for row in rows))


def _listed(row: JsonObject, windows: dict[str, int | None]) -> ListedModel:
    name, root = fields.text(row, "id"), fields.text(row, "root")
    parent = fields.text(row, "parent")
    window = windows[name] or windows.get(parent)  # an adapter has the window of the model it belongs to
    facts = ModelFacts(
        context_window=window,
        context_window_source="server" if window else "guess",
        embeds=fields.embeds(name) or fields.embeds(root),
        parameters=parse_parameters(name) or parse_parameters(root) or parse_parameters(parent),
        quantisation=fields.quantisation_in(name) or fields.quantisation_in(root),
        digest=fields.digest_of(root or name, parent),
        constrains=True,
    )
    return ListedModel(name, facts, is_loaded=True)
