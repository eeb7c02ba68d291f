"""Makes the README's picture of first answers from real runs of the embedded model, into docs/pictures."""

import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "pictures" / "first-answer.svg"
COLUMNS = 92
ANSWERS = (
    ('ally -p "What is the capital city of France? Answer in one word."', "", 1),
    (
        'echo "The meeting moved to Friday 10:00" | ally -p "When is the meeting?"',
        "The meeting moved to Friday 10:00",
        1,
    ),
    ("ally models list", "", 6),
)


def answers(home: Path) -> Iterator[Text]:
    """What commands print that need nothing but Ally."""
    for command, piped, count in ANSWERS:
        yield Text.assemble(("$ ", "green"), (command, "bold"))
        _, _, words = command.rpartition("| ")
        arguments = [text or word for text, word in re.findall(r'"([^"]*)"|(\S+)', words)][1:]
        done = subprocess.run(
            [sys.executable, "-m", "ally", *arguments],
            input=piped,
            cwd=ROOT,
            env={"HOME": str(home), "COLUMNS": str(COLUMNS), "LANG": "C.UTF-8", "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        yield Text("\n".join(done.stdout.splitlines()[:count]) + "\n")


def main() -> None:
    """Write the picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    with tempfile.TemporaryDirectory() as home:
        for text in answers(Path(home)):
            console.print(text)
    svg = console.export_svg(title="Ally, on this machine", unique_id="first-answer")
    # The fonts that rich links to would be fetched from a stranger's server.
    TARGET.write_text(re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
