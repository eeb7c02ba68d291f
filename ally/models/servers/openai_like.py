"""Any other server with an OpenAI-compatible list of models, such as LocalAI, SGLang, TabbyAPI or llama-swap."""

from ally.messages import JsonObject
from ally.models.facts import ListedModel, ModelFacts, Server, parse_parameters
from ally.models.servers import fields
from ally.models.servers.answers import Headers, ask, root_of

_WINDOWS = ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx", "max_seq_len")
_SECTIONS = ("meta", "parameters")


def list_models(base_url: str, headers: Headers | None = None) -> Server | None:
    """The models of the server at `base_url`, with or without its version prefix; None if none answers there."""
    root = root_of(base_url)
    for url in dict.fromkeys((f"{root}/v1/models", f"{base_url.rstrip('/')}/models")):
        answer = ask(url, headers)
        if answer is not None and isinstance(answer.get("data"), list):
            rows = [row for row in fields.rows(answer, "data") if fields.text(row, "id")]
            return Server("openai", root, "", "", tuple(_listed(row) for row in rows))
    return None


def _listed(row: JsonObject) -> ListedModel:
    name = fields.text(row, "id")
    said = (row, *(fields.section(row, section) for section in _SECTIONS))
    window = next((found for part in said for field in _WINDOWS if (found := fields.window(part, field))), None)
    facts = ModelFacts(
        context_window=window,
        context_window_source="server" if window else "guess",
        embeds=fields.text(row, "type").startswith("embedding") or fields.embeds(name),
        parameters=parse_parameters(name),
        quantisation=fields.quantisation_in(name),
    )
    return ListedModel(name, facts)
