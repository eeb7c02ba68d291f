"""The provider system under the guide's name; the code is in `ally/providers/`."""

import typing

from ally.providers.base import BaseProvider

if typing.TYPE_CHECKING:
    from ally.providers.registry import ProviderRegistry, get_provider_registry

__all__ = ["BaseProvider", "ProviderRegistry", "get_provider_registry"]


def __getattr__(name: str) -> object:
    # A plug-in needs `BaseProvider` only, and what is behind the other two takes a while to import.
    if name in __all__:
        import ally.providers.registry  # late: see above

        return getattr(ally.providers.registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
