"""Running the full-screen chat in a terminal."""

from ally.app import App
from ally.chat.start import Start
from ally.tui.app import AllyApp


def run(ally: App, start: Start, first: str) -> int:
    """Show the screen until the user leaves; the exit code."""
    return AllyApp(ally, start, first).run() or 0
