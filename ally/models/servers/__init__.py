"""Servers with models on this machine and in the local network: which run, what they have, what they say of it."""

from ally.models.servers.answers import TIMEOUT_S, forget
from ally.models.servers.discover import discover, find_server

__all__ = ["TIMEOUT_S", "discover", "find_server", "forget"]
