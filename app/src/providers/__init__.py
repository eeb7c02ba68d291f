"""The provider system under the guide's name; the code is in `ally/providers/`."""

from ally.providers.base import BaseProvider
from ally.providers.registry import ProviderRegistry, get_provider_registry

__all__ = ["BaseProvider", "ProviderRegistry", "get_provider_registry"]
