"""Providers: the contract for plug-ins, what ships with Ally, and the two roads to a model."""

from ally.providers.base import BaseProvider

__all__ = ["BaseProvider"]
