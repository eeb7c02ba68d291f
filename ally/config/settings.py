"""What config.json may hold. Every key is described here once; the schema and the reference page are made from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from ally.config.shapes import AnyObject, Choice, Count, Map, Number, Record, Text, Texts, about
from ally.messages import JsonObject

AGENTS = ("general", "code_gen", "brainstormer", "web_searcher")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_KEY_PREFIXES = ("sk_", "gsk_", "hf_", "ghp_", "github_pat_", "r8_", "pplx_")


def checked_url(text: str) -> str:
    """`text` without a trailing slash, if it can be the base of an HTTP API.

    Raises:
        ValueError: it cannot; the text continues a sentence after the key's name and repeats no credentials.
    """
    if not text.isprintable() or any(char.isspace() for char in text):
        raise ValueError("must not hold spaces or control characters")
    try:
        parts = urlsplit(text)
        is_port_valid = parts.port != 0
    except ValueError:
        raise ValueError("is not a valid URL; write it like http://127.0.0.1:8000/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_port_valid:
        raise ValueError("must be an http:// or https:// URL with a host, e.g. http://127.0.0.1:8000/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; use api_key_env or headers")
    if parts.query or parts.fragment:
        raise ValueError("must not have a part after ? or #")
    return text.rstrip("/")


def checked_variable(text: str) -> str:
    """`text`, if it is the name of an environment variable and not a key pasted in its place.

    Raises:
        ValueError: it is not; the message does not repeat it.
    """
    looks_like_key = text.casefold().startswith(_KEY_PREFIXES) or (len(text) >= 32 and "_" not in text)
    if looks_like_key or not _VARIABLE.fullmatch(text):
        raise ValueError(
            "must be the name of an environment variable, e.g. LAB_KEY, and not the key itself;"
            " the key goes into .env as LAB_KEY=..."
        )
    return text


def _checked_header(text: str) -> str:
    if not text.isascii() or any(ord(char) < 32 and char != "\t" for char in text):
        raise ValueError("holds characters that an HTTP header cannot carry")
    return text


def _check_header_name(name: str) -> None:
    if not _HEADER.fullmatch(name):
        raise ValueError("holds a name that no HTTP header can have")


def _check_provider_name(name: str) -> None:
    if not re.fullmatch(r"[\w-]{1,64}", name):
        raise ValueError("holds a name that no provider can have: use letters, digits, - and _")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A service of your own that speaks the OpenAI or the Anthropic protocol."""

    base_url: str = field(
        metadata=about(Text(checked_url), "Where it answers, with the version prefix, e.g. http://gpu:8000/v1.")
    )
    compatible: Literal["openai", "anthropic"] = field(
        default="openai", metadata=about(Choice(("openai", "anthropic")), "The protocol it speaks.")
    )
    api_key_env: str | None = field(
        default=None,
        metadata=about(
            Text(checked_variable), "The environment variable that holds its key, never the key itself. null: no key."
        ),
    )
    default_model: str | None = field(default=None, metadata=about(Text(), "The model when `model` is not set."))
    models: tuple[str, ...] = field(default=(), metadata=about(Texts(), "Models to offer in pickers."))
    headers: Mapping[str, str] = field(
        default_factory=dict[str, str],
        repr=False,
        metadata=about(
            Map(Text(_checked_header), check_name=_check_header_name),
            "Further HTTP headers, sent with every request to it.",
        ),
    )
    context_window: int | None = field(
        default=None, metadata=about(Count("tokens"), "How many tokens its model can attend to.")
    )
    display_name: str | None = field(default=None, metadata=about(Text(), "How listings call it. null: its name."))


PermissionMode = Literal["ask", "accept-edits", "plan", "bypass"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What Ally may do without asking."""

    mode: PermissionMode = field(
        default="ask",
        metadata=about(
            Choice(("ask", "accept-edits", "plan", "bypass")), "What happens with a call that no rule names."
        ),
    )
    allow: tuple[str, ...] = field(default=(), metadata=about(Texts(), "Calls that run without asking."))
    ask: tuple[str, ...] = field(default=(), metadata=about(Texts(), "Calls that always ask."))
    deny: tuple[str, ...] = field(
        default=(), metadata=about(Texts(), "Calls that never run; it wins over `allow` and `ask`.")
    )


@dataclass(frozen=True, slots=True)
class AgentModel:
    """What one agent runs on; None means that the agent, the provider or Ally chooses."""

    provider: str | None
    model: str | None
    temperature: float | None
    system_prompt: str | None


def _per_agent(values: Text | Number) -> Map:
    return Map(values, names=AGENTS, noun="agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration of Ally."""

    schema: str | None = field(
        default=None, metadata=about(Text(), "Where the schema of this file is; for your editor.", key="$schema")
    )
    provider: str | None = field(
        default=None,
        metadata=about(
            Text(),
            "The provider of every agent. null: one on this machine (an Ollama that has a model, else `local`).",
        ),
    )
    model: str | None = field(
        default=None, metadata=about(Text(), "The model of every agent. null: the provider's default.")
    )
    provider_per_model: Mapping[str, str] = field(
        default_factory=dict[str, str],
        metadata=about(_per_agent(Text()), "Another provider for one agent. null: `provider`."),
    )
    models: Mapping[str, str] = field(
        default_factory=dict[str, str],
        metadata=about(_per_agent(Text()), "Another model for one agent. null: `model`."),
    )
    temperatures: Mapping[str, float] = field(
        default_factory=dict[str, float],
        metadata=about(_per_agent(Number(0, 2)), "The temperature of one agent, 0 to 2. null: the agent's own."),
    )
    system_prompts: Mapping[str, str] = field(
        default_factory=dict[str, str],
        metadata=about(_per_agent(Text()), "Another system prompt for one agent. null: the agent's own."),
    )
    provider_options: Mapping[str, JsonObject] = field(
        default_factory=dict[str, JsonObject],
        repr=False,
        metadata=about(
            Map(AnyObject()),
            "Options by provider, e.g. base_url or max_tokens. They reach its `create_llm` as keyword arguments.",
        ),
    )
    endpoints: Mapping[str, Endpoint] = field(
        default_factory=dict[str, Endpoint],
        metadata=about(
            Map(Record(Endpoint), check_name=_check_provider_name),
            "Services of your own that speak the OpenAI or Anthropic protocol; each name is a provider.",
        ),
    )
    permissions: Permissions = field(
        default=Permissions(), metadata=about(Record(Permissions), "What Ally may do without asking.")
    )
    mcp_servers: Mapping[str, JsonObject] = field(
        default_factory=dict[str, JsonObject], repr=False, metadata=about(Map(AnyObject()), "MCP servers by name.")
    )
    embedding_provider: str | None = field(
        default=None, metadata=about(Text(), "The provider of embeddings. null: no knowledge base.")
    )
    embedding_model: str | None = field(default=None, metadata=about(Text(), "The embedding model."))
    scraping_method: Literal["simple", "docling"] = field(
        default="simple", metadata=about(Choice(("simple", "docling")), "How documents become text.")
    )

    def for_agent(self, name: str) -> AgentModel:
        """What the agent `name` runs on; one without entries of its own runs on `provider` and `model`."""
        return AgentModel(
            provider=self.provider_per_model.get(name) or self.provider,
            model=self.models.get(name) or self.model,
            temperature=self.temperatures.get(name),
            system_prompt=self.system_prompts.get(name),
        )


SHAPE = Record(Settings)
"""The shape of the whole file."""
