"""`BaseProvider`: what a provider plug-in implements. The guide calls it `app.src.providers.base_provider`."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from ally.providers.model import Model

DEFAULT_TEMPERATURE = 0.7
"""What the guide's `create_llm` and `validate_config` see when nobody set one: the guide promises them a number."""


class BaseProvider(ABC):
    """A service that runs language models.

    Implement the four abstract members, put the file into `app/src/providers/custom/`, and it is there at the next
    start. Everything else has a default.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Unique identifier, as written in config.json; compared without regard to case."""

    @abstractmethod
    def create_llm(
        self,
        model_name: str,
        temperature: float,
        api_key: Optional[str] = None,  # noqa: UP045 - the guide's spelling, copied into plug-ins
        **kwargs: Any,  # Any: whatever `provider_options.NAME` of config.json holds
    ) -> Any:  # Any: a LangChain object, which Ally does not import here
        """A LangChain chat model or completion LLM for `model_name`.

        `kwargs` are the `provider_options` of this provider from config.json.

        Raises:
            ImportError: the integration package is missing; the message names the install line.
            ValueError: a credential is missing or malformed.
        """

    @abstractmethod
    def get_required_env_vars(self) -> list[str]:
        """Names of the environment variables it needs; the first one holds the API key."""

    @abstractmethod
    def validate_config(self, config: dict[str, Any]) -> tuple[bool, Optional[str]]:  # noqa: UP045
        """(is valid, what is wrong). `config` has model_name, api_key, temperature and every provider option."""

    def get_display_name(self) -> str:
        """Human-readable name."""
        return self.name.capitalize()

    def supports_streaming(self) -> bool:
        """Whether answers arrive piece by piece; if not, Ally asks for whole answers."""
        return True

    def get_default_model(self) -> Optional[str]:  # noqa: UP045
        """The model used when config.json names none."""
        return None

    def get_available_models(self) -> list[str]:
        """Models to offer in pickers; others may be used too."""
        return []

    def create_model(
        self,
        model_name: str,
        temperature: float | None,
        api_key: str | None = None,
        **kwargs: Any,  # Any: as in create_llm
    ) -> "Model":
        """The model behind Ally's own port; the default wraps what `create_llm` returns.

        Override it only to speak a wire protocol without LangChain. It is not used when a subclass overrides
        `create_llm` further down.
        """
        from ally.providers.langchain import wrap_llm  # heavy

        return wrap_llm(self, model_name, temperature, api_key, kwargs)


def takes_fast_road(provider: type[BaseProvider]) -> bool:
    """Whether `create_model` of this class speaks for it, i.e. `create_llm` was not overridden further down."""
    for cls in provider.__mro__:
        if "create_model" in vars(cls):
            return cls is not BaseProvider
        if "create_llm" in vars(cls):
            return False
    return False
