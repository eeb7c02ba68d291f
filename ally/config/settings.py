"""What config.json may hold. Every key is described here once; the schema and the reference page are made from it."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal, cast, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ally.messages import JsonObject

AgentName = Literal["general", "code_gen", "brainstormer", "web_searcher"]
AGENTS: tuple[AgentName, ...] = get_args(AgentName)

Temperature = Annotated[float, Field(ge=0, le=2)]
PermissionMode = Literal["ask", "accept-edits", "plan", "bypass"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONFIG = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, populate_by_name=True)


class Endpoint(BaseModel):
    """A service of your own that speaks the OpenAI or the Anthropic protocol."""

    model_config = _CONFIG

    compatible: Literal["openai", "anthropic"] = Field(default="openai", description="The protocol it speaks.")
    base_url: str = Field(
        description="Where it answers, with the version prefix and without a path below it, e.g. `http://gpu:8000/v1`."
    )
    api_key_env: str | None = Field(
        default=None, description="The environment variable that holds its key (never the key itself); null: no key."
    )
    default_model: str | None = Field(default=None, description="The model when no `model` is set.")
    models: list[str] = Field(default=[], description="Models to offer in pickers.")
    headers: dict[str, str] = Field(default={}, description="Further HTTP headers, sent with every request to it.")
    context_window: int | None = Field(default=None, ge=1, description="Tokens that its model can attend to.")
    display_name: str | None = Field(default=None, description="How it is called in listings.")

    @field_validator("base_url")
    @classmethod
    def _check_url(cls, text: str) -> str:
        return checked_url(text)

    @field_validator("api_key_env")
    @classmethod
    def _check_variable(cls, text: str | None) -> str | None:
        # A key pasted here must not be repeated in the message. Keys are long or hold other characters than names.
        if text is not None and (not _VARIABLE.fullmatch(text) or _looks_like_key(text)):
            raise ValueError(
                "names an environment variable, e.g. LAB_KEY, and what stands there is not a variable's name;"
                " a key itself goes into .env as LAB_KEY=..."
            )
        return text

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER.fullmatch(name):
                raise ValueError(f"holds {name!r}, which is not a header's name")
            if not value.isascii() or any(ord(char) < 32 and char != "\t" for char in value):
                raise ValueError(f"holds characters in the value of {name} that a header cannot carry")
        return headers


class Permissions(BaseModel):
    """What Ally may do without asking."""

    model_config = _CONFIG

    mode: PermissionMode = Field(default="ask", description="What happens with a call that no rule names.")
    allow: list[str] = Field(default=[], description="Calls that run without asking.")
    ask: list[str] = Field(default=[], description="Calls that always ask.")
    deny: list[str] = Field(default=[], description="Calls that never run; wins over `allow` and `ask`.")


@dataclass(frozen=True, slots=True)
class AgentModel:
    """What one agent runs on; None means that Ally or the provider chooses."""

    provider: str | None
    model: str | None
    temperature: float | None
    system_prompt: str | None


class Settings(BaseModel):
    """The configuration of Ally."""

    model_config = _CONFIG

    schema_: str | None = Field(default=None, alias="$schema", description="Where this schema is, for your editor.")
    provider: str | None = Field(
        default=None,
        description="The provider of every agent. null: one on this machine (Ollama with a model, else `local`).",
    )
    model: str | None = Field(default=None, description="The model of every agent. null: the provider's default.")
    provider_per_model: dict[AgentName, str | None] = Field(
        default={}, description="Another provider for an agent. null: `provider`."
    )
    models: dict[AgentName, str | None] = Field(default={}, description="Another model for an agent. null: `model`.")
    temperatures: dict[AgentName, Temperature | None] = Field(
        default={},
        description="Temperature of an agent, 0 to 2. null: the provider's own.",
    )
    system_prompts: dict[AgentName, str | None] = Field(
        default={}, description="Another system prompt for an agent. null: Ally's own."
    )
    provider_options: dict[str, JsonObject] = Field(
        default={},
        description="Options of a provider: they reach its `create_llm` as keyword arguments, e.g. `base_url`.",
    )
    endpoints: dict[str, Endpoint] = Field(default={}, description="Services of your own; each name is a provider.")
    permissions: Permissions = Field(default=Permissions(), description="What Ally may do without asking.")
    mcp_servers: dict[str, JsonObject] = Field(default={}, description="MCP servers, by name.")
    embedding_provider: str | None = Field(
        default=None, description="The provider of embeddings. null: no knowledge base."
    )
    embedding_model: str | None = Field(default=None, description="The embedding model.")
    scraping_method: Literal["simple", "docling"] = Field(default="simple", description="How documents become text.")

    @field_validator("endpoints")
    @classmethod
    def _check_names(cls, endpoints: dict[str, Endpoint]) -> dict[str, Endpoint]:
        for name in endpoints:
            if not re.fullmatch(r"[\w-]+", name):
                raise ValueError(f"holds {name!r}: a provider's name is made of letters, digits, - and _")
        return endpoints

    def for_agent(self, name: str) -> AgentModel:
        """What the agent `name` runs on; an agent without entries of its own runs on `provider` and `model`."""
        agent = cast(AgentName, name)
        return AgentModel(
            provider=self.provider_per_model.get(agent) or self.provider,
            model=self.models.get(agent) or self.model,
            temperature=self.temperatures.get(agent),
            system_prompt=self.system_prompts.get(agent),
        )


def checked_url(text: str) -> str:
    """`text` without a trailing slash, if it can be the base of an HTTP API.

    Raises:
        ValueError: it cannot; the sentence goes on after the name of the key and never repeats credentials.
    """
    if any(char.isspace() for char in text) or not text.isprintable():
        raise ValueError("must not hold spaces or control characters")
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("is not a valid URL; write it like http://127.0.0.1:8000/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
        raise ValueError("must be an http:// or https:// URL with a host, e.g. http://127.0.0.1:8000/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; use api_key_env or headers")
    if parts.query or parts.fragment:
        raise ValueError("must not have a part after ? or #")
    return text.rstrip("/")


def _looks_like_key(text: str) -> bool:
    return text.casefold().startswith(("sk_", "gsk_", "hf_", "ghp_", "pplx_", "github_pat_", "r8_")) or (
        len(text) >= 32 and "_" not in text
    )
