"""What a chat is to begin with. Imports nothing heavy: the screen is painted before the rest is loaded."""

from dataclasses import dataclass, field

from ally.app import Consent


@dataclass(frozen=True, slots=True)
class Start:
    """The wishes of the command line; None leaves it to the settings.

    At most one of `go_on` (the last session of the folder), `id` and `fork` is set. `max_turns` and `max_seconds` hold
    for each message. `is_grounded`: answers come from collections.
    """

    agent: str | None = None
    provider: str | None = None
    model: str | None = None
    temperature: float | None = None
    go_on: bool = False
    id: str | None = None
    fork: str | None = None
    max_turns: int | None = None
    max_seconds: float | None = None
    is_grounded: bool = False
    consent: Consent = field(default_factory=Consent)
