"""The shell gate: what a command would do, read from its text as bash would read it.

The grammar is imported with the first command: most conversations have none.
"""

from pathlib import Path

from ally.permissions.shell.judgement import Command, Judgement

__all__ = ["Command", "Judgement", "judge", "narrow"]


def judge(command: str, root: Path, home: Path) -> Judgement:
    """What `command` would do when bash runs it in `root`. Never raises; looks at the file system, changes nothing."""
    from ally.permissions.shell.gate import read  # heavy

    return read(command, root, home)


def narrow(command: Command) -> str:
    """The narrowest useful rule text: `git commit *`, `pytest *`, `npm run build`; the exact command where its program
    can do anything; "" where no rule could tell it from others."""
    from ally.permissions.shell.narrowing import rule_text  # heavy

    return rule_text(command)
