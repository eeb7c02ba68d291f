"""Tools for models of at most a billion weights: Ally reads the request, the model only speaks what is left to say.

Such a model, held to the schemas of all tools, makes valid calls of the wrong tool with arguments that nobody gave. So
the nearest of the examples beside this file says which tool is meant, and passages of the request are the only values
that its arguments can take.
"""

from ally.providers.tool_calling.tiny.narrowing import Narrowed, narrow

MAX_PARAMETERS = 1_000_000_000
"""Models with more weights choose better themselves."""

__all__ = ["MAX_PARAMETERS", "Narrowed", "narrow"]
