"""From a choice to an embedder that is ready to be used."""

from collections.abc import Callable
from dataclasses import replace

from ally.config.paths import Paths
from ally.egress.location import classify
from ally.errors import UnknownProvider
from ally.messages import JsonObject
from ally.rag.embeddings.api import Api, Target
from ally.rag.embeddings.base import Embedder
from ally.rag.embeddings.batches import Patience
from ally.rag.embeddings.choice import LOCAL, EmbedderChoice, Known, wanted_embedder
from ally.rag.embeddings.cohere import CohereApi
from ally.rag.embeddings.counting import ESTIMATE, wordpiece
from ally.rag.embeddings.google import GoogleApi
from ally.rag.embeddings.huggingface import HuggingFaceApi
from ally.rag.embeddings.known import ApiName, KnownModel, find_model, load_table
from ally.rag.embeddings.local import models_folder, open_local
from ally.rag.embeddings.minilm.files import VOCABULARY, find_weights
from ally.rag.embeddings.nlpcloud import NLPCloudApi
from ally.rag.embeddings.ollama import OllamaApi
from ally.rag.embeddings.openai import OpenAIApi
from ally.rag.embeddings.plug_ins import PlugInEmbedder, PlugIns
from ally.rag.embeddings.remote import Facts, RemoteEmbedder, host_of
from ally.rag.embeddings.wishes import Wishes, read_wishes

__all__ = ["EmbedderChoice", "Known", "PlugIns", "open_embedder", "wanted_embedder"]


def open_embedder(choice: EmbedderChoice, paths: Paths, patience: Patience | None = None) -> Embedder:
    """The embedder of `choice`. Nothing is sent yet; a plug-in is imported now.

    Raises:
        ConfigError: an option cannot be used.
        MissingPackage, ModelFileError: what runs on this machine lacks a package or its model.
        PluginError: the plug-in cannot be used.
        UnknownProvider: there is none.
    """
    if choice.provider == LOCAL:
        return open_local(paths, choice.model)
    if choice.plug_in is not None:
        return PlugInEmbedder(choice.plug_in, choice)
    if choice.api is None:
        raise UnknownProvider(choice.provider, [LOCAL, *load_table().services])
    if not choice.base_url:
        from ally.rag.embeddings.sentences import open_sentences  # late: needed by few

        known = as_wished(find_model(choice.model or ""), _wishes(choice))
        return open_sentences(choice, known, _counter(known), models_folder(paths))
    return _open_remote(choice, choice.api, patience or Patience())


def _open_remote(choice: EmbedderChoice, name: ApiName, patience: Patience) -> RemoteEmbedder:
    wishes = _wishes(choice)
    target = Target(
        provider=choice.provider,
        model=choice.model or "",
        base_url=_root(name, choice.base_url),
        api_key=choice.api_key,
        key_variable=choice.key_variable,
        headers=choice.headers,
        dimensions=wishes.dimensions,
        body=wishes.body,
        connect_timeout_s=choice.connect_timeout_s,
        idle_timeout_s=choice.idle_timeout_s,
    )
    api = _APIS[name](target)
    known = as_wished(find_model(target.model), wishes)
    facts = Facts(
        model=known,
        counter=_counter(known),
        place=host_of(target.base_url) if choice.is_elsewhere else "",
        ask_max_tokens=lambda: 0 if wishes.max_tokens or name != "ollama" else _ask_ollama(target),
    )
    return RemoteEmbedder(
        target,
        api,
        facts,
        max_texts=wishes.batch or api.habits.max_texts,
        at_once=wishes.concurrency or api.habits.at_once,
        patience=patience,
    )


def _wishes(choice: EmbedderChoice) -> Wishes:
    return read_wishes(choice.provider, choice.options)


def as_wished(model: KnownModel, wishes: Wishes) -> KnownModel:
    """What is known of a model, but as the user says."""
    changes: JsonObject = {
        "max_tokens": wishes.max_tokens,
        "query": wishes.query_prefix,
        "passage": wishes.passage_prefix,
    }
    return replace(model, **{name: value for name, value in changes.items() if value is not None})


def _counter(model: KnownModel) -> str:
    """What counts the tokens of a model: exactly, where its vocabulary is here."""
    weights = find_weights() if model.bert else None
    return wordpiece(weights / VOCABULARY) if weights else ESTIMATE


def _root(name: ApiName, base_url: str) -> str:
    """The address without what the format adds itself."""
    if name == "cohere":
        return base_url.removesuffix("/compatibility/v1").removesuffix("/v2").removesuffix("/v1")
    if name == "google" and not base_url.rpartition("/")[2].startswith("v1"):
        return f"{base_url}/v1beta"
    return base_url


def _ask_ollama(target: Target) -> int:
    """How many tokens the server reads at once; 0 if it does not say, or is not in reach."""
    if classify(target.base_url) == "cloud":
        return 0
    from ally.models.servers.ollama import describe  # late: only when somebody wants to know

    found = describe(target.base_url, target.model)
    if found is None:
        return 0
    windows = (found.num_ctx, found.facts.trained_window)
    return min((window for window in windows if window), default=0)


_APIS: dict[ApiName, Callable[[Target], Api]] = {
    "openai": lambda target: OpenAIApi(target.base_url),
    "ollama": lambda target: OllamaApi(target.model),
    "google": lambda target: GoogleApi(),
    "cohere": lambda target: CohereApi(),
    "nlpcloud": lambda target: NLPCloudApi(),
    "huggingface": lambda target: HuggingFaceApi(),
}
