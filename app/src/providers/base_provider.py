"""`BaseProvider`, the class that every provider derives from; it is described in `ally/providers/base.py`."""

from ally.providers.base import BaseProvider

__all__ = ["BaseProvider"]
