"""Files and places in them, as the model and the user read them."""

from dataclasses import dataclass
from pathlib import Path, PurePath

from ally.messages import Citation, Source
from ally.terminal.text import one_line, visible


@dataclass(frozen=True, slots=True)
class Naming:
    """Names files from the working folder on, else from the home folder; both are absolute."""

    folder: Path
    home: Path

    def file(self, path: str) -> str:
        """The name of a file in one line."""
        pure = PurePath(path)
        if pure.is_relative_to(self.folder):
            name = str(pure.relative_to(self.folder))
        elif pure.is_relative_to(self.home):
            name = f"~/{pure.relative_to(self.home)}"
        else:
            name = path
        return one_line(visible(name))

    def place(self, of: Source | Citation) -> str:
        """Where something stands: `docs/a.md:12-14`, `manual.pdf, page 3`."""
        name = self.file(of.path)
        if of.line_start:
            name += f":{of.line_start}"
            name += f"-{of.line_end}" if of.line_end > of.line_start else ""
        return f"{name}, {one_line(visible(of.label))}" if of.label else name
