"""What tool calls changed, so that it can be undone."""

from ally.checkpoints.checkpoints import Capture, Checkpoints
from ally.checkpoints.node import Change, Outcome
from ally.checkpoints.prune import prune

__all__ = ["Capture", "Change", "Checkpoints", "Outcome", "prune"]
