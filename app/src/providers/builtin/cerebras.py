"""The built-in provider Cerebras; the code is in `ally/providers/builtin/cerebras.py`."""

from ally.providers.builtin.cerebras import CerebrasProvider

__all__ = ["CerebrasProvider"]
