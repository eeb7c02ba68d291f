"""Plug-in files for tests, and a registry over a checkout of the test's own."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ally.providers.discovery.entry import ProviderEntry
from ally.providers.registry import ProviderRegistry, Sources

ROOT = Path(__file__).resolve().parents[3]
IMPORT = "from app.src.providers.base_provider import BaseProvider\n"


def provider_class(name: str, *, cls: str = "Mine", base: str = "BaseProvider", extra: str = "") -> str:
    """A complete provider class; `name` is a Python expression."""
    lines = [line for line in extra.splitlines() if line.strip()]
    return "\n".join(
        [
            f"class {cls}({base}):",
            "    @property",
            "    def name(self):",
            f"        return {name}",
            "    def create_llm(self, model_name, temperature, api_key=None, **kwargs):",
            "        raise ValueError('no service behind this one')",
            "    def get_required_env_vars(self):",
            "        return []",
            "    def validate_config(self, config):",
            "        return True, None",
            *(f"    {line}" for line in lines),
            "",
        ]
    )


@dataclass
class House:
    """A checkout, a user folder and a cache, all of this test."""

    checkout: Path
    user: Path
    cache: Path

    @property
    def custom(self) -> Path:
        return self.checkout / "app/src/providers/custom"

    def drop(self, file: str, source: str, *, user: bool = False) -> Path:
        path = (self.user if user else self.custom) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
        return path

    def registry(self, **more: object) -> ProviderRegistry:
        return ProviderRegistry(Sources(self.checkout, self.user, self.cache, **more))

    def entry(self, name: str) -> ProviderEntry:
        (found,) = [entry for entry in self.registry().entries() if entry.name == name]
        return found


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The guide's folders without plug-ins. Plug-in modules that a test imports are forgotten after it."""
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "app", checkout / "app", ignore=shutil.ignore_patterns("__pycache__", "custom"))
    custom = checkout / "app/src/providers/custom"
    custom.mkdir()
    shutil.copy(ROOT / "app/src/providers/custom/__init__.py", custom)
    monkeypatch.setenv("ALLY_PLUGIN_TIMEOUT_S", "10")
    ours = ("app", "ally_user_providers")
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ours}
    _forget(ours)
    yield House(checkout, tmp_path / "config/providers", tmp_path / "cache/providers.json")
    _forget(ours)
    sys.modules.update(kept)


def _forget(packages: tuple[str, ...]) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]
