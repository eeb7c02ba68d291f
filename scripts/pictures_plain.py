"""Makes the pictures of plain lines from real runs: `.venv/bin/python scripts/pictures_plain.py [NAME]`.

`first-answer` asks the embedded model. In `question` the model is a script, and everything else is Ally as it is.
"""

import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pexpect
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ally.permissions.trust import Trust  # noqa: E402 - after sys.path
from tests.fakes import KEY, FakeOpenAI, Reply  # noqa: E402

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
SOURCE = "def total(prices, discount=0):\n    return sum(prices) - discount\n"
EDIT = {"old": "sum(prices) - discount", "new": "sum(prices) * (100 - discount) / 100"}
SCRIPT = (
    Reply(tool_calls=[("read", {"path": "prices.py"})]),
    Reply(tool_calls=[("edit", {"path": "prices.py", "edits": [EDIT]})]),
    Reply(text="The discount is in per cent now."),
)
TYPED = (("> ", "The discount should be in per cent."), ("instead: ", "y"), ("> ", "/undo"))


def first_answer(home: Path) -> Iterator[Text]:
    """What commands print that need nothing but Ally."""
    for command, piped, count in ANSWERS:
        yield Text.assemble(("$ ", "green"), (command, "bold"))
        _, _, words = command.rpartition("| ")
        arguments = [text or word for text, word in re.findall(r'"([^"]*)"|(\S+)', words)][1:]
        done = subprocess.run(
            [sys.executable, "-m", "ally", *arguments],
            input=piped,
            cwd=ROOT,
            env={**_environment(home), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        yield Text("\n".join(done.stdout.splitlines()[:count]) + "\n")


def question(home: Path) -> Iterator[Text]:
    """A chat in which a change is asked for and undone."""
    folder = home / "shop"
    folder.mkdir()
    (folder / "prices.py").write_text(SOURCE)
    Trust(home / ".local/state/ally/trust.json").trust(folder)
    with FakeOpenAI(models=["qwen3-4b"]) as fake:
        fake.script(*SCRIPT)
        endpoint = {"base_url": fake.base_url, "api_key_env": "LAB_KEY", "default_model": fake.models[0]}
        config = home / ".config/ally/config.json"
        config.parent.mkdir(parents=True)
        config.write_text(json.dumps({"provider": "lab", "endpoints": {"lab": endpoint}}))
        screen = io.StringIO()
        chat = pexpect.spawn(
            sys.executable,
            ["-m", "ally", "--plain"],
            env={**_environment(home), "PATH": "/usr/bin:/bin", "LAB_KEY": KEY, "TERM": "dumb"},
            cwd=str(folder),
            encoding="utf-8",
            dimensions=(50, COLUMNS),
        )
        chat.logfile_read = screen
        for prompt, text in TYPED:
            chat.expect_exact(prompt)
            chat.sendline(text)
        chat.expect_exact("restored")
        chat.expect_exact("> ")
        chat.close(force=True)
    yield Text.assemble(("$ ", "green"), ("ally", "bold"))
    for line in screen.getvalue().replace("\r", "").removesuffix("> ").splitlines():
        text = Text(line)
        text.highlight_regex("^> .*|(?<=instead: ).*", "bold")
        yield text


PICTURES = {"first-answer": first_answer, "question": question}


def draw(name: str) -> None:
    """Write one picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    with tempfile.TemporaryDirectory() as home:
        for text in PICTURES[name](Path(home)):
            console.print(text)
    svg = console.export_svg(title="Ally, on this machine", unique_id=name)
    # The fonts that rich links to would be fetched from a stranger's server.
    svg = re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    target = ROOT / "docs" / "pictures" / f"{name}.svg"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(svg, encoding="utf-8")


def _environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "COLUMNS": str(COLUMNS), "LANG": "C.UTF-8"}


if __name__ == "__main__":
    for wanted in sys.argv[1:] or PICTURES:
        draw(wanted)
