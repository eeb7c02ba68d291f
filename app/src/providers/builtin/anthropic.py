"""The built-in provider Anthropic; the code is in `ally/providers/builtin/anthropic.py`."""

from ally.providers.builtin.anthropic import AnthropicProvider

__all__ = ["AnthropicProvider"]
