"""Tools for every model: by the service's own field, as JSON held to a schema, or as text that Ally reads."""

from ally.providers.model import Model
from ally.providers.tool_calling.choose import Verdict
from ally.providers.tool_calling.wrapper import ToolCallingModel

__all__ = ["ToolCallingModel", "Verdict", "with_tools"]


def with_tools(model: Model, verdict: Verdict = None) -> ToolCallingModel:
    """`model` as one that takes tools, in the way of `verdict`, else in the best one that its service can do.

    A model that was already given tools this way is not given them twice: `verdict` then counts instead of the other.
    """
    return ToolCallingModel(model.inner if isinstance(model, ToolCallingModel) else model, verdict)
