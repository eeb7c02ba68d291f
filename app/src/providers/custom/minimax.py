"""MiniMax: the example plug-in of the guide.

Reads best beside docs/adding_providers.md. Everything a provider needs is in this one file; copy it and change it.

Requirements:
    - MINIMAX_API_KEY: from https://platform.minimax.io/ , API Keys, Create New Secret Key
    - MINIMAX_GROUP_ID: the 19-digit number of your account, from Account, Your Profile. Today's API finds the account
      by the key alone; the number is checked for slips, as the guide asks, and not sent.
    - Only for the LangChain object of `create_llm`: pip install langchain-openai. (The guide names
      langchain-community, whose MiniMax class speaks an older API without tools. It does no harm.)

Supported models, in any case of letters:
    - minimax-m2: what the guide uses
    - minimax-m2.1, minimax-m2.5, minimax-m2.7, each also as ...-highspeed
    - minimax-m3: the newest

Options in config.json, under provider_options.minimax:
    - base_url: "https://api.minimaxi.com/v1" for accounts made in China
    - group_id: instead of MINIMAX_GROUP_ID
    - max_tokens and any other field of MiniMax's chat completions
"""

import os
import re
from typing import Any, Optional

from app.src.providers.base_provider import BaseProvider

SIGN_UP = "https://platform.minimax.io/"

# What config.json says -> what the service calls it; the service minds capitals.
MODELS = {
    "minimax-m2": "MiniMax-M2",
    "minimax-m2.1": "MiniMax-M2.1",
    "minimax-m2.1-highspeed": "MiniMax-M2.1-highspeed",
    "minimax-m2.5": "MiniMax-M2.5",
    "minimax-m2.5-highspeed": "MiniMax-M2.5-highspeed",
    "minimax-m2.7": "MiniMax-M2.7",
    "minimax-m2.7-highspeed": "MiniMax-M2.7-highspeed",
    "minimax-m3": "MiniMax-M3",
}


class MiniMaxProvider(BaseProvider):
    """MiniMax over its OpenAI-compatible API."""

    base_url = "https://api.minimax.io/v1"

    @property
    def name(self) -> str:
        """Return the name used in config.json."""
        return "minimax"

    def create_llm(
        self,
        model_name: str,
        temperature: float,
        api_key: Optional[str] = None,
        **kwargs: Any,
    ) -> Any:
        """Return a LangChain chat model."""
        self._require_credentials(api_key, kwargs.pop("group_id", None))
        try:
            from langchain_openai import ChatOpenAI
        except ImportError as error:
            raise ImportError(
                "langchain-openai package is required for MiniMax provider. "
                "Install it with: pip install langchain-openai"
            ) from error

        return ChatOpenAI(
            model=service_name(model_name),
            temperature=allowed_temperature(temperature),
            api_key=api_key,  # pyright: ignore[reportArgumentType] - LangChain takes plain text too
            base_url=kwargs.pop("base_url", self.base_url),
            timeout=kwargs.pop("timeout", 120),
            **kwargs,
        )

    def create_model(
        self,
        model_name: str,
        temperature: Optional[float],
        api_key: Optional[str] = None,
        **kwargs: Any,
    ) -> Any:
        """Speak to the service without LangChain. Optional: faster to start, and it keeps the thinking of the model.

        MiniMax thinks between `<think>` tags and wants its whole message back while tools run; "think_tags" does that.
        """
        self._require_credentials(api_key, kwargs.pop("group_id", None))
        from ally.providers.wire import openai
        from ally.providers.wire.options import build_target
        from ally.providers.wire.target import Quirks

        target = build_target(
            self.name,
            service_name(model_name),
            self.base_url,
            temperature=allowed_temperature(temperature),
            api_key=api_key,
            options=kwargs,
            quirks=Quirks(max_tokens_field="max_completion_tokens", structured="none", replay_thinking="think_tags"),
            context_window=1_000_000 if "m3" in model_name.lower() else 204_800,
            key_variable="MINIMAX_API_KEY",
        )
        return openai.model(target)

    def get_required_env_vars(self) -> list[str]:
        """Return the variables to set in .env; the first one holds the key."""
        return ["MINIMAX_API_KEY", "MINIMAX_GROUP_ID"]

    def validate_config(self, config: dict[str, Any]) -> tuple[bool, Optional[str]]:
        """Check what can be checked without asking the service. A problem is shown as a warning."""
        if not config.get("model_name"):
            return False, "model_name is required for MiniMax provider"
        if not config.get("api_key"):
            return False, "MINIMAX_API_KEY environment variable must be set"

        group_id = config.get("group_id") or os.getenv("MINIMAX_GROUP_ID")
        if not group_id:
            return False, "MINIMAX_GROUP_ID environment variable must be set"
        if not re.fullmatch(r"[0-9]{19}", str(group_id).strip()):
            return False, f"MINIMAX_GROUP_ID should be a 19-digit number, got: {group_id}"
        return True, None

    def get_display_name(self) -> str:
        """Return the name shown in listings."""
        return "MiniMax M2"

    def get_default_model(self) -> Optional[str]:
        """Return the model used when config.json names none."""
        return "minimax-m2"

    def get_available_models(self) -> list[str]:
        """Return the models to choose from."""
        return list(MODELS)

    def _require_credentials(self, api_key: Optional[str], group_id: Optional[str]) -> None:
        if not api_key:
            raise ValueError(f"MINIMAX_API_KEY environment variable is required. Get your API key from {SIGN_UP}")
        if not (group_id or os.getenv("MINIMAX_GROUP_ID")):
            raise ValueError(
                "MINIMAX_GROUP_ID environment variable is required. "
                f"This is your 19-digit account identifier from {SIGN_UP}"
            )


def service_name(model_name: str) -> str:
    """Return the service's spelling of a model; a name that is not in the list is sent as it is."""
    return MODELS.get(model_name.lower(), model_name)


def allowed_temperature(temperature: Optional[float]) -> Optional[float]:
    """Return the nearest temperature that the service accepts: above 0 and at most 1."""
    return None if temperature is None else min(max(temperature, 0.01), 1.0)
