"""Template: a provider for any server that speaks OpenAI's protocol.

Put these lines into .env (the key may be left out if the server wants none):

    TEMPLATE_BASE_URL=http://127.0.0.1:8000/v1
    TEMPLATE_API_KEY=...

then try it, with the name of a model that the server has:

    ally providers check template --model MODEL
    ally -p "hello" --provider template --model MODEL
"""

import os
from typing import Any, Optional

from app.src.providers.base_provider import BaseProvider


class TemplateProvider(BaseProvider):
    """Models of Template."""

    # ---- what every provider has to say -------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name in config.json: "provider": "template". Upper and lower case are the same."""
        return "template"

    def create_llm(self, model_name: str, temperature: float, api_key: Optional[str] = None, **kwargs: Any) -> Any:
        """A LangChain model. Chat models and completion models work, with or without streaming and tools.

        `kwargs` is what config.json has under "provider_options": {"template": {...}}.
        """
        # Imported here and not at the top: the package takes seconds to load, and only a chosen provider needs it.
        try:
            from langchain_openai import ChatOpenAI
        except ImportError:
            raise ImportError("langchain-openai is required. Install it with: pip install langchain-openai") from None

        # For a service that cannot be used without a key:
        #     if not api_key:
        #         raise ValueError("TEMPLATE_API_KEY environment variable is required")
        kwargs.setdefault("base_url", self.base_url)
        kwargs["api_key"] = api_key or "not-needed"  # the client insists on one
        return ChatOpenAI(model=model_name, temperature=temperature, **kwargs)

    def get_required_env_vars(self) -> list[str]:
        """The variables it reads. The first holds the key and arrives as `api_key`; return [] if there is no key."""
        return ["TEMPLATE_API_KEY"]

    def validate_config(self, config: dict[str, Any]) -> tuple[bool, Optional[str]]:
        """(True, None), or (False, what is wrong). Ally shows the text as a warning and goes on.

        `config` holds model_name, api_key, temperature and everything under "provider_options".
        """
        if not config.get("model_name"):
            return False, "model_name is required for Template"
        base_url = config.get("base_url") or self.base_url
        if not str(base_url).startswith(("http://", "https://")):
            return False, f"TEMPLATE_BASE_URL must start with http:// or https://, not {base_url}"
        return True, None

    # ---- what it may say; each of these can be deleted ----------------------------------------------------------

    @property
    def base_url(self) -> str:
        """Where requests go. Ally reads it to show whether prompts stay on this machine."""
        return os.getenv("TEMPLATE_BASE_URL", "http://127.0.0.1:8000/v1")

    def get_display_name(self) -> str:
        """The name for people."""
        return "Template"

    def get_default_model(self) -> Optional[str]:
        """The model when none is chosen; None: one must be chosen with --model or in config.json."""
        return os.getenv("TEMPLATE_MODEL")

    def get_available_models(self) -> list[str]:
        """Models to offer; others can be used too."""
        return []

    def supports_streaming(self) -> bool:
        """False: Ally waits for whole answers."""
        return True
