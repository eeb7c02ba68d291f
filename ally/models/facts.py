"""What is known of a model, and who says so."""

import re
from dataclasses import dataclass
from typing import Literal

FactSource = Literal["measured", "server", "catalogue", "user", "guess"]
"""Who says so: a call showed it, the server said it, a list that Ally ships or fetched, the user, or nobody."""

ServerKind = Literal["ollama", "lmstudio", "llamacpp", "vllm", "openai"]
"""What runs at an address; "openai" is any other server with that protocol."""

TINY_PARAMETERS = 400_000_000
SMALL_PARAMETERS = 4_000_000_000
SMALL_WINDOW = 8_192
_FEWEST_PARAMETERS = 10_000_000


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model as a server or a file describes it; None, 0 and empty: it does not say.

    `context_window` is what one request and its answer may hold together on this server as it runs now, in tokens;
    `trained_window` is what the model could hold with enough memory. `parameters` counts weights. `digest` changes
    when the weights, the template or the parameters of the model do. `kv_bytes_per_token` is the memory of one token of
    context. `is_remote`: the server passes requests on to a cloud. `constrains`: it can hold an answer to a schema.
    """

    context_window: int | None = None
    context_window_source: FactSource = "guess"
    trained_window: int | None = None
    tools: bool | None = None
    images: bool | None = None
    thinking: bool | None = None
    embeds: bool = False
    parameters: int | None = None
    quantisation: str = ""
    size_bytes: int | None = None
    digest: str = ""
    kv_bytes_per_token: int = 0
    is_remote: bool = False
    constrains: bool = False


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model that a server has. `is_loaded`: it is in memory and answers at once."""

    name: str
    facts: ModelFacts
    is_loaded: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answered. `url` is its root without a trailing slash, `provider` Ally's name for it."""

    kind: ServerKind
    url: str
    provider: str
    version: str
    models: tuple[ListedModel, ...]


def parse_parameters(text: str) -> int | None:
    """The number of weights that e.g. "8.2B", "135M" or "qwen3-30b-a3b" names, None if it names none.

    Of a mixture of experts it is all of them. "128k" and "1M" are windows.
    """
    for size, unit in re.findall(r"(?<![a-z0-9.])(\d{1,6}(?:\.\d{1,9})?)\s*([bm])(?![a-z0-9])", text.lower()):
        count = round(float(size) * (10**9 if unit == "b" else 10**6))
        if count >= _FEWEST_PARAMETERS:
            return count
    return None
