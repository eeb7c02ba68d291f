"""The server of llama.cpp: one model, or several behind its router.

Source: llama.cpp, tools/server/README.md, "GET /props", "GET /v1/models" and "Using multiple models".
"""

import re
from dataclasses import replace
from urllib.parse import quote

from ally.messages import JsonObject
from ally.models.facts import ListedModel, ModelFacts, Server, parse_parameters
from ally.models.servers import fields
from ally.models.servers.answers import Headers, ask

_ANSWERING = ("loaded", "sleeping")


def list_models(root: str, headers: Headers | None = None) -> Server | None:
    """The models of the server at `root`; None if none answers there or it is another kind."""
    rows = fields.rows(ask(f"{root}/v1/models", headers) or {}, "data")
    if not any(_is_ours(row) for row in rows):
        return None
    props = ask(f"{root}/props", headers) or {}
    is_router = fields.text(props, "role") == "router" or any(fields.section(row, "status") for row in rows)
    models = (_of_router(root, row, headers) if is_router else _only(row, props) for row in rows)
    found = tuple(model for model in models if model.name)
    return Server("llamacpp", root, "llamacpp", fields.text(props, "build_info"), found)


def _is_ours(row: JsonObject) -> bool:
    return fields.text(row, "owned_by") == "llamacpp"


def _of_router(root: str, row: JsonObject, headers: Headers | None) -> ListedModel:
    name = fields.text(row, "id")
    if fields.text(fields.section(row, "status"), "value") not in _ANSWERING:
        return _listed(row, {}, is_loaded=False)
    # Without autoload=false the question would load the model.
    props = ask(f"{root}/props?model={quote(name, safe='')}&autoload=false", headers) or {}
    return _listed(row, props, is_loaded=True)


def _only(row: JsonObject, props: JsonObject) -> ListedModel:
    """The model of a server that has one; without an alias it is called by the path of its file."""
    listed = _listed(row, props, is_loaded=True)
    is_file = listed.name.lower().endswith(".gguf")
    return replace(listed, name=re.split(r"[/\\]", listed.name)[-1]) if is_file else listed


def _listed(row: JsonObject, props: JsonObject, *, is_loaded: bool) -> ListedModel:
    name, meta = fields.text(row, "id"), fields.section(row, "meta")
    file = fields.text(props, "model_path") or fields.text(row, "path")
    # The window of one slot, i.e. of one request: the server divides what it was given by its slots.
    window = fields.window(fields.section(props, "default_generation_settings"), "n_ctx")
    window = window or fields.window(meta, "n_ctx")
    parameters = fields.number(meta, "n_params")
    size_bytes = fields.number(meta, "size")
    facts = ModelFacts(
        context_window=window,
        context_window_source="server" if window else "guess",
        trained_window=fields.window(meta, "n_ctx_train"),
        tools=fields.flag(fields.section(props, "chat_template_caps"), "supports_tools"),
        images=_takes_images(row, props),
        embeds=_is_mute(row) or fields.embeds(name) or fields.embeds(file.rpartition("/")[2]),
        parameters=parameters or parse_parameters(name) or parse_parameters(file),
        quantisation=fields.text(meta, "ftype")
        or fields.text(props, "model_ftype")
        or fields.quantisation_in(file or name),
        size_bytes=size_bytes,
        digest=fields.digest_of(file, parameters, size_bytes, props.get("chat_template")) if props and file else "",
        constrains=True,
    )
    return ListedModel(name, facts, is_loaded)


def _takes_images(row: JsonObject, props: JsonObject) -> bool | None:
    said = fields.flag(fields.section(props, "modalities"), "vision")
    modalities = fields.texts(fields.section(row, "architecture"), "input_modalities")
    return said if said is not None or not modalities else "image" in modalities


def _is_mute(row: JsonObject) -> bool:
    """Whether the model produces something, but no text; e.g. decisions."""
    produced = fields.texts(fields.section(row, "architecture"), "output_modalities")
    return bool(produced) and "text" not in produced
