"""Where the tools of one conversation work."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folders of one conversation, all resolved and absolute.

    `root` is the working folder: fixed for the session, whatever a model says. `spill` holds output too long for the
    model, one file each; it is made when first needed and may be read without asking. `seen` maps a file that was read
    or written to the digest of its content then, so that a file changed since by somebody else is not overwritten.
    """

    root: Path
    home: Path
    spill: Path
    seen: dict[Path, bytes] = field(default_factory=dict[Path, bytes])

    def path(self, text: str) -> Path:
        """`text` as an absolute path, with `~` for the home folder; not resolved.

        Raises:
            ValueError: it is empty or holds a NUL.
        """
        if not text or "\0" in text:
            raise ValueError("a path must not be empty or hold NUL")
        if text == "~" or text.startswith("~/"):
            return self.home / text[2:]
        return self.root / text
