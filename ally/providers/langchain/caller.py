"""On whose behalf a LangChain object is called."""

import re
from dataclasses import dataclass, field

HALF_HIDDEN = re.compile(r"[\w-]*\*{3,}[\w-]*")


@dataclass(frozen=True, slots=True)
class Caller:
    """The provider and model of a call, and what must never appear in a text about it."""

    provider: str
    model: str
    variables: tuple[str, ...] = ()
    """The environment variables that hold the credentials."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    idle_s: float = 120.0
    """Longest silence, before the first piece and between two."""

    def clean(self, text: str) -> str:
        """`text` without any of the secrets, and without what a service leaves of a key when it hides the middle."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            # A host in a redirect comes in lower case.
            text = re.sub(re.escape(secret), "[key]", text, flags=re.IGNORECASE)
        return HALF_HIDDEN.sub("[key]", text)
