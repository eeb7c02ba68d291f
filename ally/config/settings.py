"""What config.json may hold. Every key is described here once; the schema and the reference page are made from it.

Variables that stand for a key (`ally/config/environment.py`): `ALLY_PROVIDER` for `provider`, `ALLY_MODEL` for `model`,
`ALLY_TEMPERATURE` for `temperatures` of every agent, `ALLY_PERMISSION_MODE` for `permissions.mode`,
`ALLY_EMBEDDING_PROVIDER`, `ALLY_EMBEDDING_MODEL` and `ALLY_SCRAPING_METHOD` for the keys of these names.

msgspec checks the types. What it cannot say in a type is checked in `__post_init__`, whose ValueErrors start with the
name of the key and repeat no value, which may be somebody's secret.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

T = TypeVar("T")
PermissionMode = Literal["ask", "accept-edits", "plan", "bypass"]
ThemeName = Literal["ally-dark", "ally-light", "ally-contrast", "ally-colorblind", "ally-terminal"]
DiffStyle = Literal["auto", "unified", "side-by-side"]
RewriteMethod = Literal["words", "model", "off"]
ThinkingView = Literal["folded", "open", "hidden"]
Temperature = Annotated[int, Meta(ge=0, le=2)] | Annotated[float, Meta(ge=0, le=2)]  # 0 stays 0 when it is shown
TokenCount = Annotated[int, Meta(ge=1)]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PROVIDER = re.compile(r"[\w-]{1,64}")
_KEY_PREFIXES = ("sk_", "gsk_", "hf_", "ghp_", "github_pat_", "r8_", "pplx_")


class PerAgent(Struct, Generic[T], frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A value for some of the agents."""

    general: T | None = None
    code_gen: T | None = None
    brainstormer: T | None = None
    web_searcher: T | None = None

    def get(self, agent: str) -> T | None:
        """The value of one agent; None if it has none, or is an agent of somebody's own."""
        return getattr(self, agent) if agent in AGENTS else None


AGENTS = PerAgent.__struct_fields__


class Endpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service of your own that speaks the OpenAI or the Anthropic protocol."""

    base_url: Annotated[str, Meta(description="Where it answers, with the version prefix, e.g. http://gpu:8000/v1.")]
    compatible: Annotated[Literal["openai", "anthropic"], Meta(description="The protocol it speaks.")] = "openai"
    api_key_env: Annotated[
        str | None,
        Meta(description="The environment variable that holds its key, never the key itself. null: no key."),
    ] = None
    default_model: Annotated[str | None, Meta(description="The model when `model` is not set.")] = None
    models: Annotated[tuple[str, ...], Meta(description="Models to offer in pickers.")] = ()
    headers: Annotated[Mapping[str, str], Meta(description="Further HTTP headers, sent with every request to it.")] = {}
    context_window: Annotated[TokenCount | None, Meta(description="How many tokens its model can attend to.")] = None
    display_name: Annotated[str | None, Meta(description="How listings call it. null: its name.")] = None

    def __post_init__(self) -> None:
        _check_url(self.base_url)
        force_setattr(self, "base_url", self.base_url.rstrip("/"))
        if self.api_key_env is not None:
            _check_variable(self.api_key_env)
        for name, value in self.headers.items():
            _check_header(name, value)

    def __repr__(self) -> str:  # headers may hold keys
        return f"Endpoint(base_url={self.base_url!r}, compatible={self.compatible!r})"


class Permissions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What Ally may do without asking."""

    mode: Annotated[PermissionMode, Meta(description="What happens with a call that no rule names.")] = "ask"
    allow: Annotated[tuple[str, ...], Meta(description="Calls that run without asking.")] = ()
    ask: Annotated[tuple[str, ...], Meta(description="Calls that always ask.")] = ()
    deny: Annotated[tuple[str, ...], Meta(description="Calls that never run; it wins over `allow` and `ask`.")] = ()


class Tui(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the chat looks in the terminal."""

    theme: Annotated[
        ThemeName | None,
        Meta(description="The colours of the screen. null: whichever of them suits the terminal."),
    ] = None
    diff: Annotated[DiffStyle, Meta(description="How changes are shown. auto: side by side where there is room.")] = (
        "auto"
    )
    scrollback: Annotated[
        bool, Meta(description="Whether the conversation stays in the terminal's scrollback after leaving.")
    ] = True
    notify: Annotated[
        bool,
        Meta(description="Whether the terminal tells when a long turn ends while another window is in front."),
    ] = True
    plain: Annotated[
        bool, Meta(description="Plain lines instead of the screen, as with --plain: for screen readers, and for logs.")
    ] = False
    thinking: Annotated[
        ThinkingView, Meta(description="What of a model's thinking is shown: a line that opens, all of it, or nothing.")
    ] = "folded"


class Knowledge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How answers come from the user's own files."""

    store: Annotated[
        str | None,
        Meta(
            description="Where collections are kept. null: in files of Ally's own; or a postgresql:// URL"
            " without its password, which is read from PGPASSWORD or ~/.pgpass."
        ),
    ] = None
    chunk_tokens: Annotated[
        Annotated[int, Meta(ge=32)] | None,
        Meta(description="How long passages are made, in tokens. null: what suits the embedding model."),
    ] = None
    rewrite: Annotated[
        RewriteMethod,
        Meta(
            description="How a question that leans on the one before is completed for the search:"
            " by words of the conversation, by asking the model, or not at all."
        ),
    ] = "words"
    reranker: Annotated[
        str | None,
        Meta(
            description="PROVIDER/MODEL that sorts what was found once more: of `cohere` or an entry of `endpoints`"
            " that has `/rerank`. It is sent the question and the passages. null: none."
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.store is not None:
            _check_store(self.store)


@dataclass(frozen=True, slots=True)
class AgentModel:
    """What one agent runs on; None means that the agent, the provider or Ally chooses."""

    provider: str | None
    model: str | None
    temperature: float | None
    system_prompt: str | None


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of Ally."""

    schema: Annotated[str | None, Meta(description="Where the schema of this file is; for your editor.")] = field(
        default=None, name="$schema"
    )
    provider: Annotated[
        str | None,
        Meta(
            description="The provider of every agent."
            " null: one on this machine (an Ollama that has a model, else `local`)."
        ),
    ] = None
    model: Annotated[str | None, Meta(description="The model of every agent. null: the provider's default.")] = None
    provider_per_model: Annotated[
        PerAgent[str], Meta(description="Another provider for one agent. null: `provider`.")
    ] = PerAgent()
    models: Annotated[PerAgent[str], Meta(description="Another model for one agent. null: `model`.")] = PerAgent()
    temperatures: Annotated[
        PerAgent[Temperature],
        Meta(description="The temperature of one agent. null: the one that the agent itself names."),
    ] = PerAgent()
    system_prompts: Annotated[
        PerAgent[str], Meta(description="Another system prompt for one agent. null: the agent's own.")
    ] = PerAgent()
    provider_options: Annotated[
        Mapping[str, dict[str, Any]],  # Any: whatever the provider understands
        Meta(
            description="Options by provider, e.g. base_url or max_tokens."
            " They reach its `create_llm` as keyword arguments."
        ),
    ] = {}
    endpoints: Annotated[
        Mapping[str, Endpoint],
        Meta(description="Services of your own that speak the OpenAI or Anthropic protocol; each name is a provider."),
    ] = {}
    permissions: Annotated[Permissions, Meta(description="What Ally may do without asking.")] = Permissions()
    mcp_servers: Annotated[
        Mapping[str, dict[str, Any]],  # Any: whatever the server's entry holds
        Meta(description="MCP servers by name."),
    ] = {}
    tui: Annotated[Tui, Meta(description="How the chat looks in the terminal.")] = Tui()
    embedding_provider: Annotated[
        str | None, Meta(description="The provider of embeddings. null: `local`, a small model of the embedded engine.")
    ] = None
    embedding_model: Annotated[
        str | None, Meta(description="The embedding model. null: the default of its provider.")
    ] = None
    knowledge: Annotated[Knowledge, Meta(description="How answers come from your own files.")] = Knowledge()
    scraping_method: Annotated[Literal["simple", "docling"], Meta(description="How documents become text.")] = "simple"

    def __post_init__(self) -> None:
        if not all(_PROVIDER.fullmatch(name) for name in self.endpoints):
            raise ValueError("endpoints holds a name that no provider can have: use letters, digits, - and _")

    def __repr__(self) -> str:  # options may hold keys
        return f"Settings(provider={self.provider!r}, model={self.model!r})"

    def for_agent(self, name: str) -> AgentModel:
        """What the agent `name` runs on; one without entries of its own runs on `provider` and `model`."""
        return AgentModel(
            provider=self.provider_per_model.get(name) or self.provider,
            model=self.models.get(name) or self.model,
            temperature=self.temperatures.get(name),
            system_prompt=self.system_prompts.get(name),
        )


def _check_url(text: str) -> None:
    if not text.isprintable() or any(char.isspace() for char in text):
        raise ValueError("base_url must not hold spaces or control characters")
    try:
        parts = urlsplit(text)
        is_port_valid = parts.port != 0
    except ValueError:
        raise ValueError("base_url is not a valid URL; write it like http://127.0.0.1:8000/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_port_valid:
        raise ValueError("base_url must be an http:// or https:// URL with a host, e.g. http://127.0.0.1:8000/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("base_url must not hold a user name or password; use api_key_env or headers")
    if parts.query or parts.fragment:
        raise ValueError("base_url must not have a part after ? or #")


def _check_store(text: str) -> None:
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("store must be null or a database's URL, e.g. postgresql://me@db.example.org/knowledge")
    try:
        parts = urlsplit(text)
        has_password = parts.password or parts.port == 0 or "password=" in parts.query
    except ValueError:  # a password with signs that an URL cannot have takes the place of the port
        has_password = True
    if has_password or text.count("@") > 1:
        raise ValueError(
            "store must be a URL without a password; PGPASSWORD in .env has it, or the environment, or ~/.pgpass"
        )


def _check_variable(text: str) -> None:
    looks_like_key = text.casefold().startswith(_KEY_PREFIXES) or (len(text) >= 32 and "_" not in text)
    if looks_like_key or not _VARIABLE.fullmatch(text):
        raise ValueError(
            "api_key_env must be the name of an environment variable, e.g. LAB_KEY, and not the key itself;"
            " the key goes into .env as LAB_KEY=..."
        )


def _check_header(name: str, value: str) -> None:
    if not _HEADER.fullmatch(name):
        raise ValueError("headers holds a name that no HTTP header can have")
    if not value.isascii() or any(ord(char) < 32 and char != "\t" for char in value):
        raise ValueError(f"headers.{name} holds characters that an HTTP header cannot carry")
