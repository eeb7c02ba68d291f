"""Standard input, output and error as the shell gave them: closed, full, or with nobody reading."""

import errno
import os
import sys

from ally.cli.terminal import say, use_utf8

_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def open_streams() -> bool:
    """Make all three usable; False if there is no standard output, so that no answer could be given.

    A closed one would be None in `sys`, `print` would then write errors to standard output, and the next file or
    connection would get its number.
    """
    has_output = sys.stdout is not None  # pyright: ignore[reportUnnecessaryComparison] - None if it was closed
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is `number`
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))
    use_utf8(sys.stdout)
    use_utf8(sys.stderr)
    return has_output


def output_lost(error: OSError) -> bool:
    """Whether `error` says that standard output cannot be written; the rest of it is thrown away then, with a word."""
    if isinstance(error, BrokenPipeError):  # the reader went away, as `head` does
        _discard()
        return False
    if error.errno not in _CANNOT_WRITE:
        raise error
    _discard()
    say(f"Error: Standard output cannot be written: {error.strerror}.")
    return True


def flush() -> bool:
    """Write what is still held back; False if that failed."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return not output_lost(error)
    return True


def _discard() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
