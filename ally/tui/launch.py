"""Running the full-screen chat in a terminal."""

from ally.app import App
from ally.chat.start import Start
from ally.tui.app import AllyApp


def run(ally: App, start: Start, first: str) -> int:
    """Show the screen until the user leaves; the exit code.

    Raises:
        AllyError: there can be no chat; the terminal is the shell's again.
    """
    app = AllyApp(ally, start, first)
    code = app.run() or 0
    if app.failure is not None:
        raise app.failure
    return code
