"""The built-in provider OpenAI; the code is in `ally/providers/builtin/openai.py`."""

from ally.providers.builtin.openai import OpenAIProvider

__all__ = ["OpenAIProvider"]
