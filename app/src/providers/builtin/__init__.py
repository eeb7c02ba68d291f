"""The built-in providers of the guide, e.g. to subclass one; the code is in `ally/providers/builtin/`."""

from ally.providers.builtin.anthropic import AnthropicProvider
from ally.providers.builtin.cerebras import CerebrasProvider
from ally.providers.builtin.google import GoogleProvider
from ally.providers.builtin.ollama import OllamaProvider
from ally.providers.builtin.openai import OpenAIProvider

__all__ = ["AnthropicProvider", "CerebrasProvider", "GoogleProvider", "OllamaProvider", "OpenAIProvider"]
