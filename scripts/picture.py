"""Makes the README's picture from a real run of the embedded model: `.venv/bin/python scripts/picture.py`."""

import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "first-answer.svg"
NOTE = "The meeting moved to Friday 10:00"
COMMANDS = (
    ('ally -p "What is the capital city of France? Answer in one word."', "", 1),
    (
        'echo "The meeting moved to Friday 10:00" | ally -p "When is the meeting?"',
        "The meeting moved to Friday 10:00",
        1,
    ),
    ("ally models list", "", 6),
)


def run(command: str, piped: str, lines: int, home: str) -> str:
    """The first lines of what the command really prints."""
    _, _, words = command.rpartition("| ")
    quoted = re.findall(r'"([^"]*)"|(\S+)', words)
    arguments = [text or word for text, word in quoted][1:]
    done = subprocess.run(
        [sys.executable, "-m", "ally", *arguments],
        input=piped,
        cwd=ROOT,
        env={"ALLY_HOME": home, "HOME": home, "PATH": "", "COLUMNS": "92"},
        capture_output=True,
        text=True,
        check=True,
    )
    return "\n".join(done.stdout.splitlines()[:lines])


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as home:
        console = Console(record=True, width=92, file=io.StringIO())
        for command, piped, lines in COMMANDS:
            console.print(Text.assemble(("$ ", "green"), (command, "bold")))
            console.print(Text(run(command, piped, lines, home) + "\n"))
    svg = console.export_svg(title="Ally, on this machine")
    # The fonts that rich links to would be fetched from a stranger's server.
    svg = re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
