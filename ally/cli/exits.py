"""Exit codes of the command, as promised to scripts."""

from ally import errors

OK = 0
FAILED = 1
USAGE = 2
LIMIT = 3
CREDENTIALS = 4
UNREACHABLE = 5
INTERRUPTED = 130

_CODES: tuple[tuple[type[errors.AllyError], int], ...] = (
    (errors.MissingKey, CREDENTIALS),
    (errors.RefusedKey, CREDENTIALS),
    (errors.Unreachable, UNREACHABLE),
    (errors.Overloaded, UNREACHABLE),
    (errors.RateLimited, UNREACHABLE),
    (errors.IdleStream, UNREACHABLE),
    (errors.ContextTooLong, LIMIT),
    (errors.PromptCut, LIMIT),
    (errors.UnknownProvider, USAGE),
    (errors.MissingPackage, USAGE),
    (errors.UnknownModel, USAGE),
    (errors.UsageError, USAGE),
    (errors.ConfigError, USAGE),
    (errors.PluginError, USAGE),
)


def exit_code(error: errors.AllyError) -> int:
    """The exit code that says what kind of failure `error` is."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
