"""Which provider is used when nobody chose one: always one on this machine."""

from collections.abc import Mapping

from ally.egress.location import classify
from ally.messages import JsonObject
from ally.providers.builtin.ollama import server
from ally.providers.connect import Choice
from ally.providers.served import ollama_models


def default_choice(env: Mapping[str, str], ollama_options: JsonObject) -> Choice:
    """Ollama, if it runs on this machine and has a model that runs there too; else the embedded engine.

    `ollama_options` are `provider_options.ollama`. An Ollama on another machine is not asked: it is used when it is
    chosen.
    """
    root = server(ollama_options, env)
    models = ollama_models(root, in_cloud=False) if classify(root) == "local" else []
    return Choice("ollama", models[0]) if models else Choice("local")
