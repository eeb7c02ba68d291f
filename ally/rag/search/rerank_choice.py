"""The reranker that `knowledge.reranker` names."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from ally.config.secrets import Keys
from ally.config.settings import Settings
from ally.errors import ConfigError, MissingKey, UnknownProvider
from ally.rag.embeddings.api import Target
from ally.rag.embeddings.choice import LOCAL, EmbedderChoice, Known, canonical, wanted_embedder
from ally.rag.search.rerank_http import HttpReranker, split_choice
from ally.rag.search.reranking import Reranker

_KEY = "knowledge.reranker"
_WITHOUT = 'or set "reranker" to null'
_FORMATS = ("openai", "cohere")
"""Services of these formats have `/rerank`, or nothing; the others have another one or none."""


def open_reranker(settings: Settings, keys: Keys, known: Known, env: Mapping[str, str]) -> Reranker | None:
    """The reranker that the settings name, None if they name none. Nothing is sent yet.

    Addresses, headers, keys and time limits are found as those of embedders are.

    Raises:
        ConfigError: it is not PROVIDER/MODEL, or the provider does not rerank.
        MissingKey: it needs a key that is not there.
        UnknownProvider: nothing is called that.
    """
    if settings.knowledge.reranker is None:
        return None
    provider, model = split_choice(settings.knowledge.reranker)
    if canonical(provider) == LOCAL:
        raise _cannot(provider)
    choice = _choice(
        msgspec.structs.replace(settings, embedding_provider=provider, embedding_model=model), keys, known, env
    )
    if choice.api not in _FORMATS:
        raise _cannot(provider)
    return HttpReranker(
        Target(
            provider=choice.provider,
            model=model,
            base_url=choice.base_url.removesuffix("/compatibility/v1") if choice.api == "cohere" else choice.base_url,
            api_key=choice.api_key,
            key_variable=choice.key_variable,
            headers=choice.headers,
            connect_timeout_s=choice.connect_timeout_s,
            idle_timeout_s=choice.idle_timeout_s,
        )
    )


def _choice(settings: Settings, keys: Keys, known: Known, env: Mapping[str, str]) -> EmbedderChoice:
    """As that of an embedder, with errors that speak of rerankers."""
    provider = str(settings.embedding_provider)
    try:
        return wanted_embedder(settings, keys, replace(known, plug_ins=None), env)
    except MissingKey as error:
        variables = ", ".join(error.variables) or "its key"
        raise MissingKey(error.provider, error.variables, hint=f"put {variables} into .env, {_WITHOUT}") from error
    except UnknownProvider as error:
        hint = f'name cohere or an entry of "endpoints" in {_KEY}, {_WITHOUT}'
        raise UnknownProvider(error.provider, error.available, hint=hint) from error
    except ConfigError as error:
        if error.key != "embedding_provider":
            raise
        raise _cannot(provider) from error


def _cannot(provider: str) -> ConfigError:
    return ConfigError(
        f"{provider} does not rerank.", key=_KEY, hint=f'choose cohere or an entry of "endpoints", {_WITHOUT}'
    )
