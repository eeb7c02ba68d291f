"""docs/tutorial-provider.md, step by step with the real command."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunAlly
from tests.e2e.page import Page
from tests.fakes import FakeOpenAI

PAGE = Page.of("tutorial-provider.md")


@pytest.fixture
def practice(checkout: Path) -> FakeOpenAI:
    fake = FakeOpenAI(key="practice", models=["acme-1"])
    env = next(block for block in PAGE.blocks("bash") if "ACME_BASE_URL=" in block)
    (checkout / ".env").write_text(env.replace("http://127.0.0.1:8700/v1", fake.base_url), encoding="utf-8")
    return fake


def test_the_page_from_top_to_bottom_with_its_errors(checkout: Path, practice: FakeOpenAI, run_ally: RunAlly) -> None:
    with practice:
        made = run_ally("providers", "new", "acme")
        file = checkout / "app/src/providers/custom/acme.py"
        assert made.stdout.strip() == str(file)

        shown = run_ally("providers", "show", "acme").stdout
        for line in next(block for block in PAGE.blocks("text") if block.startswith("name  ")).splitlines():
            assert line.replace("...", str(checkout)) in shown

        said = run_ally("-p", "hello", "--provider", "acme", "--model", "acme-1")
        assert said.stdout.strip() == "You said: hello"

        wrong = run_ally("-p", "hi", "--provider", "acme", "--model", "acme-1", env={"ACME_API_KEY": "wrong"})
        assert (wrong.returncode, wrong.stdout) == (4, "")
        unknown = run_ally("-p", "hi", "--provider", "acme", "--model", "acme-9")
        assert unknown.returncode == 2
        for stderr, error in ((wrong.stderr, "refused the key"), (unknown.stderr, "has no model acme-9")):
            printed = next(block for block in PAGE.blocks("text") if error in block)
            assert printed in stderr

        source = file.read_text(encoding="utf-8")
        methods = next(block for block in PAGE.blocks("python") if "get_available_models" in block)
        start, end = source.index("    def get_default_model"), source.index("    def supports_streaming")
        file.write_text(f"{source[:start]}{methods}\n{source[end:]}", encoding="utf-8")
        options = next(block for block in PAGE.blocks("json") if "top_p" in block)
        (checkout / "config.json").write_text(json.dumps({"provider": "acme", **json.loads(options)}), encoding="utf-8")
        assert run_ally("-p", "hello").stdout.strip() == "You said: hello"
        sent = practice.calls[-1].json
        assert (sent["model"], sent["top_p"]) == ("acme-1", 0.9)

        checked = run_ally("providers", "check", "acme")
        assert checked.returncode == 0
        for line in next(block for block in PAGE.blocks("text") if block.startswith("init ")).splitlines():
            assert line == "..." or f"\n{line[:23]}" in f"\n{checked.stdout}"

        file.write_text(source.replace('return "acme"', 'return "acme'), encoding="utf-8")
        left_out = run_ally("providers").stdout
        assert "left out:" in left_out
        assert "acme.py: SyntaxError: unterminated string literal" in left_out


@pytest.mark.parametrize("block", PAGE.blocks("json"))
def test_json_on_the_page_is_json(block: str) -> None:
    assert isinstance(json.loads(block), dict)


def test_every_file_that_the_page_links_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE.text):
        assert (ROOT / "docs" / link).exists(), link
