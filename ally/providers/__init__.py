"""Providers: the contract for plug-ins, what ships with Ally, and the two roads to a model.

A plug-in needs `BaseProvider`; `ProviderRegistry` and `get_provider_registry` are for programs that use Ally's
providers without its command.
"""

import typing

from ally.providers.base import BaseProvider

if typing.TYPE_CHECKING:
    from ally.providers.registry import ProviderRegistry, get_provider_registry

__all__ = ["BaseProvider", "ProviderRegistry", "get_provider_registry"]


def __getattr__(name: str) -> object:
    # A provider's own module imports this package, so the registry is imported only when it is asked for.
    if name in __all__:
        from ally.providers import registry  # late: see above

        return getattr(registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
