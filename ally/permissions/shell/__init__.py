"""The shell gate: what a command would do, read from its text as bash would read it."""

from ally.permissions.shell.gate import judge
from ally.permissions.shell.judgement import Command, Judgement
from ally.permissions.shell.narrow import narrow

__all__ = ["Command", "Judgement", "judge", "narrow"]
