"""What the machine refuses, said as an error that a chat survives."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ally.errors import AllyError, UsageError


@contextmanager
def told() -> Generator[None]:
    """Turns trouble with a file, or with the working folder, into an error with a message and a hint.

    Raises:
        UsageError: the machine refused something.
        OSError: what is written to is gone: that is no trouble with a file.
    """
    try:
        yield
    except OSError as error:
        if (trouble := _of(error)) is None:
            raise
        raise trouble from error


def _of(error: OSError) -> AllyError | None:
    try:
        Path.cwd()
    except OSError:
        return UsageError("The working folder is not there any more.", hint="leave, and start Ally in another one")
    return UsageError(f"{error.filename}: {error.strerror or error}.") if error.filename else None
