import re
from pathlib import Path

from ally.providers.compatible import load_presets

ROOT = Path(__file__).parents[3]


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
