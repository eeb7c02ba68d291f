"""Which provider is used when nobody chose one: always one on this machine."""

from collections.abc import Callable, Mapping

from ally.egress.location import classify
from ally.messages import JsonObject
from ally.models.servers.ollama import list_models, server
from ally.providers.connect import Choice
from ally.providers.constructors import base_url_of


def default_choice(
    env: Mapping[str, str], ollama_options: JsonObject, warn: Callable[[str], None] = lambda text: None
) -> Choice:
    """Ollama, if it runs on this machine and has a model that runs there too; else the embedded engine.

    `ollama_options` are `provider_options.ollama`. An Ollama on another machine is not asked: it is used when it is
    chosen. `warn` is told when an Ollama that the user named is not the one that answers.
    """
    root = server(ollama_options, env)
    is_here = classify(root) == "local"
    found = list_models(root) if is_here else None
    if found is None and (env.get("OLLAMA_HOST", "").strip() or base_url_of(ollama_options, "")):
        why = "does not answer" if is_here else "is on another machine, and used only when chosen: --provider ollama"
        warn(f"Ollama at {root} {why}. Ally uses its own engine.")
    models = found.models if found else ()
    chats = [model.name for model in models if not (model.facts.embeds or model.facts.is_remote)]
    return Choice("ollama", chats[0]) if chats else Choice("local")
