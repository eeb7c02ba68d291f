"""Which provider is used when nobody chose one: always one on this machine."""

from collections.abc import Mapping

from ally.egress.location import classify
from ally.messages import JsonObject
from ally.models.servers.ollama import list_models, server
from ally.providers.connect import Choice


def default_choice(env: Mapping[str, str], ollama_options: JsonObject) -> Choice:
    """Ollama, if it runs on this machine and has a model that runs there too; else the embedded engine.

    `ollama_options` are `provider_options.ollama`. An Ollama on another machine is not asked: it is used when it is
    chosen.
    """
    root = server(ollama_options, env)
    found = list_models(root) if classify(root) == "local" else None
    models = found.models if found else ()
    chats = [model.name for model in models if not (model.facts.embeds or model.facts.is_remote)]
    return Choice("ollama", chats[0]) if chats else Choice("local")
