import re
import subprocess
import sys
from pathlib import Path

from ally.providers.compatible import load_presets

ROOT = Path(__file__).parents[3]


def test_the_reference_page_is_up_to_date() -> None:
    script = ROOT / "scripts" / "docs_providers.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_row_of_data_is_on_the_page() -> None:
    page = (ROOT / "docs/reference/providers.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z0-9]+)` \|", page, re.MULTILINE))
    assert named >= {
        *load_presets(),
        "openai",
        "anthropic",
        "google",
        "cerebras",
        "replicate",
        "minimax",
        "ollama",
        "local",
    }
