"""The built-in provider Ollama; the code is in `ally/providers/builtin/ollama.py`."""

from ally.providers.builtin.ollama import OllamaProvider

__all__ = ["OllamaProvider"]
