"""Which of a server's models is meant."""

from ally.models.facts import ListedModel, Server
from ally.models.servers.ollama import full_name

ANY = "default"
"""The name that stands for whatever the server has."""


def chat_models(server: Server) -> list[ListedModel]:
    """The models that talk, in the server's order: loaded ones first, those that it passes on to a cloud last."""
    talking = [model for model in server.models if not model.facts.embeds]
    return sorted(talking, key=lambda model: (model.facts.is_remote, not model.is_loaded))


def find_model(server: Server, wanted: str) -> ListedModel | None:
    """The model that `server` would answer with if `wanted` is asked for; None if it has none of that name.

    llama.cpp answers with its one model whatever the name is. LM Studio takes "name@q4_k_m" for a variant of "name",
    Ollama "name" for "name:latest".
    """
    named = {model.name: model for model in server.models}
    found = named.get(wanted)
    if found is None and server.kind == "lmstudio":
        found = named.get(wanted.partition("@")[0])
    if found is None and server.kind == "ollama":
        found = named.get(full_name(wanted))
    if found is None and (wanted == ANY or (server.kind == "llamacpp" and len(server.models) == 1)):
        found = next(iter(chat_models(server)), None)
    return found
