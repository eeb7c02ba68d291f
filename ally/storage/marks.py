"""The mark of what the sandbox puts into a folder for a while, so that nobody takes it for the user's."""

import os
import stat

MARK_S = 1_111_111_112
"""The modification time: whole, even seconds, which every file system can hold."""


def is_marked(state: os.stat_result) -> bool:
    """Whether it is a folder, or an empty file, with the mark."""
    if state.st_mtime_ns != MARK_S * 1_000_000_000:
        return False
    return stat.S_ISDIR(state.st_mode) or (stat.S_ISREG(state.st_mode) and state.st_size == 0)
