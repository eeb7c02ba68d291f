import socket
import sys
from pathlib import Path

import pytest

from ally.config.settings import Endpoint
from ally.errors import PluginError, UnknownProvider
from ally.providers import BaseProvider
from ally.providers.compatible import CompatibleProvider
from ally.providers.discovery.shipped import builtin_providers
from ally.providers.registry import ProviderRegistry, Sources, get_provider_registry
from tests.fakes import FakeOllama
from tests.unit.providers.plugin_files import IMPORT, ROOT, House, house, provider_class

__all__ = ["house"]

GUIDE_BUILTINS = {"ollama", "openai", "anthropic", "google", "cerebras"}


def test_everything_that_ships_is_there(house: House):
    names = set(house.registry().names())
    assert names >= GUIDE_BUILTINS | {"local", "groq", "together", "localai", "replicate"}


def test_files_of_built_in_providers_have_their_names():
    for found in builtin_providers():
        assert found.make().name == found.name
        assert found.describe({}).name == found.name


def test_dropped_file_is_a_provider_without_any_other_change(house: House):
    house.drop("mine.py", IMPORT + provider_class("'mine'", extra="def get_default_model(self): return 'm-1'"))
    entry = house.entry("mine")
    assert (entry.origin, entry.path, entry.error) == ("custom", house.custom / "mine.py", None)
    assert (entry.display_name, entry.default_model, entry.available_models) == ("Mine", "m-1", ())
    assert isinstance(house.registry().get("mine"), BaseProvider)


def test_name_is_matched_without_regard_to_case(house: House):
    house.drop("mine.py", IMPORT + provider_class("'MyLLM'"))
    registry = house.registry()
    assert "myllm" in registry.names()
    assert registry.get("mYlLm").name == "MyLLM"
    assert registry.is_provider_available("MYLLM")


def test_two_providers_in_one_file_both_register(house: House):
    house.drop("two.py", IMPORT + provider_class("'first'", cls="A") + provider_class("'second'", cls="B"))
    registry = house.registry()
    assert {"first", "second"} <= set(registry.names())
    assert (registry.get("first").name, registry.get("second").name) == ("first", "second")


def test_only_concrete_classes_that_the_file_defines_are_registered(house: House):
    source = (
        IMPORT
        + "from app.src.providers.builtin import OpenAIProvider\n"
        + "from app.src.providers.builtin.ollama import OllamaProvider\n"
        + "import abc\n"
        + "class HalfDone(BaseProvider):\n    name = 'half'\n"
        + provider_class("self.title", cls="Common")
        + provider_class("'private'", cls="_Private")
        + "class Real(Common):\n    title = 'real'\n"
        + "Alias = Real\n"
    )
    house.drop("family.py", source)
    registry = house.registry()
    mine = [(entry.name, entry.error) for entry in registry.entries() if entry.path == house.custom / "family.py"]
    assert mine == [("real", None)]
    assert registry.warnings == []


def test_subclass_of_an_imported_built_in_overrides_it_with_the_guides_warning(house: House):
    source = "from app.src.providers.builtin.ollama import OllamaProvider\nclass MyOllama(OllamaProvider):\n    pass\n"
    house.drop("my_ollama.py", source)
    registry = house.registry()
    assert registry.warnings == ["Custom provider 'ollama' from my_ollama.py overrides built-in provider"]
    assert type(registry.get("ollama")).__name__ == "MyOllama"
    assert house.entry("ollama").overrides == "built-in provider"


def test_later_custom_file_overrides_an_earlier_one(house: House):
    house.drop("a.py", IMPORT + provider_class("'same'", cls="A"))
    house.drop("b.py", IMPORT + provider_class("'same'", cls="B"))
    registry = house.registry()
    assert registry.warnings == ["Custom provider 'same' from b.py overrides custom provider from a.py"]
    assert type(registry.get("same")).__name__ == "B"


def test_checkout_wins_over_the_user_folder_even_with_the_same_file_name(house: House):
    house.drop("same.py", IMPORT + provider_class("'same'", cls="OfUser"), user=True)
    house.drop("same.py", IMPORT + provider_class("'same'", cls="OfCheckout"))
    house.drop("other.py", IMPORT + provider_class("'other'"), user=True)
    registry = house.registry()
    assert type(registry.get("same")).__name__ == "OfCheckout"
    assert registry.warnings == [f"Custom provider 'same' from same.py overrides {house.user / 'same.py'}"]
    assert house.entry("other").origin == "user"
    assert registry.get("other").name == "other"


def test_user_folder_works_without_a_checkout(house: House, tmp_path: Path):
    house.drop("_shared.py", "GREETING = 'hello'\n", user=True)
    source = IMPORT + "from app.src.providers.custom._shared import GREETING\n" + provider_class("'mine'")
    house.drop("mine.py", source + "    def get_display_name(self): return GREETING\n", user=True)
    registry = ProviderRegistry(Sources(None, house.user, tmp_path / "c.json"))
    assert registry.get("mine").get_display_name() == "hello"


@pytest.mark.parametrize("user", [False, True])
def test_helper_file_beside_a_plug_in_can_be_imported(house: House, user: bool):
    house.drop("_shared.py", "NAME = 'shared'\n", user=user)
    source = "from app.src.providers.custom._shared import NAME\nfrom ._shared import NAME as SAME\n"
    house.drop("mine.py", IMPORT + source + provider_class("NAME"), user=user)
    assert house.registry().get("shared").name == "shared"


def test_endpoint_of_the_configuration_is_a_provider(house: House):
    lab = Endpoint(base_url="http://gpu:8000/v1", api_key_env="LAB_KEY", models=["qwen"], display_name="The Lab")
    registry = house.registry(endpoints={"Lab": lab})
    (entry,) = [entry for entry in registry.entries() if entry.name == "lab"]
    assert (entry.origin, entry.location, entry.display_name) == ("endpoint", "lan", "The Lab")
    assert (entry.required_env_vars, entry.default_model) == (("LAB_KEY",), "qwen")
    assert isinstance(registry.get("LAB"), CompatibleProvider)


def test_location_says_where_prompts_would_go(house: House):
    house.drop("local_ai.py", IMPORT + "URL = 'http://localhost:8080/v1'\n" + provider_class("'near'"))
    house.drop("far.py", IMPORT + provider_class("'far'"))
    house.drop("own.py", IMPORT + provider_class("'own'", extra="base_url = 'http://192.168.1.5/v1'"))
    options = {"openai": {"base_url": "http://127.0.0.1:9/v1"}}
    where = {entry.name: entry.location for entry in house.registry(provider_options=options).entries()}
    assert (where["near"], where["far"], where["own"]) == ("local", "cloud", "lan")
    assert (where["openai"], where["anthropic"], where["ollama"]) == ("local", "cloud", "local")


def test_unknown_name_lists_what_there_is_and_guesses(house: House):
    with pytest.raises(UnknownProvider) as caught:
        house.registry().get("opnai")
    assert caught.value.message.startswith("Unknown provider: opnai. Available providers: ai21, anthropic, cerebras, ")
    assert caught.value.hint == "did you mean openai?"


def test_unknown_name_of_a_file_that_was_left_out_says_why(house: House):
    path = house.drop("myllm.py", IMPORT + "oops(\n")
    with pytest.raises(UnknownProvider) as caught:
        house.registry().get("myllm")
    assert str(path) in caught.value.hint
    assert "SyntaxError" in caught.value.hint
    assert "line 2" in caught.value.hint


def test_broken_override_does_not_fall_back_to_its_namesake(house: House):
    path = house.drop("gateway.py", IMPORT + provider_class("'openai'") + "raise RuntimeError('half edited')\n")
    registry = house.registry()
    with pytest.raises(PluginError, match=r"gateway\.py, which cannot be used: RuntimeError: half edited") as caught:
        registry.get("openai")
    assert str(path) in caught.value.hint
    assert registry.get("anthropic").name == "anthropic"


def test_file_without_a_provider_takes_no_name(house: House):
    house.drop("google.py", "def search(): pass\n")
    assert house.registry().get("google").name == "google"


def test_plug_in_that_fails_only_when_it_is_chosen(house: House, capsys: pytest.CaptureFixture[str]):
    source = "import sys\nprint('chatty')\nif 'pytest' in sys.modules:\n    raise OSError('not today')\n"
    path = house.drop("moody.py", IMPORT + provider_class("'moody'") + source)
    with pytest.raises(PluginError, match="OSError: not today") as caught:
        house.registry().get("moody")
    assert caught.value.hint.endswith(f"{path}, line 15")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "chatty\n")


def test_upstream_names_of_the_registry(house: House):
    house.drop("minimax.py", (ROOT / "app/src/providers/custom/minimax.py").read_text(encoding="utf-8"))
    registry = house.registry()
    assert registry.list_providers() == registry.names()
    assert registry.get_provider("no such") is None
    assert registry.get_provider_info("no such") is None
    for name in ("openai", "groq", "minimax"):
        cls = registry.get_provider(name.upper())
        assert cls is not None
        assert cls().name == name
    info = registry.get_provider_info("minimax")
    assert info is not None
    assert info["required_env_vars"] == ["MINIMAX_API_KEY", "MINIMAX_GROUP_ID"]
    assert set(info) == {
        "name", "display_name", "required_env_vars", "default_model", "available_models", "supports_streaming",
    }  # fmt: skip


def test_installed_package_with_an_entry_point(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    site = tmp_path / "site"
    (site / "acme").mkdir(parents=True)
    (site / "acme/__init__.py").write_text("from .llm import Acme\n")
    (site / "acme/llm.py").write_text(IMPORT + provider_class("'acme'", cls="Acme"))
    (site / "acme/broken.py").write_text("raise KeyError('x')\n")
    info = site / "acme_ally-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-ally\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ally.providers]\nacme = acme:Acme\nbad = acme.broken:Nothing\n")
    monkeypatch.syspath_prepend(site)
    registry = house.registry()
    rows = {entry.name: entry for entry in registry.entries() if entry.origin == "entry-point"}
    assert set(rows) == {"acme", "bad"}
    assert (rows["acme"].error, rows["bad"].error) == (None, "KeyError: 'x'")
    assert type(registry.get("acme")).__module__ == "acme.llm"
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme"]:
        del sys.modules[name]


def test_listing_contacts_nobody(house: House):
    with socket.create_server(("127.0.0.1", 0)):
        source = "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)\n"
        house.drop("phone_home.py", IMPORT + source + provider_class("'nosy'"))
        entry = house.entry("phone_home")
    assert entry.error == "it contacts 192.0.2.1:80 while it is imported; do that in create_llm (line 3)"


def test_optional_method_that_fails_costs_only_its_answer(house: House):
    extra = "def get_available_models(self): raise OSError('down')\ndef get_display_name(self): return 5\n"
    house.drop("mine.py", IMPORT + provider_class("'mine'", extra=extra))
    entry = house.entry("mine")
    assert (entry.error, entry.display_name, entry.available_models) == (None, "Mine", ())
    assert entry.notes == ("get_display_name: TypeError: 5 is not text", "get_available_models: OSError: down")


@pytest.mark.parametrize("option", ["base_url", "endpoint"])
def test_models_are_those_of_the_server_in_the_options(house: House, option: str):
    with FakeOllama(models=["qwen3:4b"]) as fake:
        registry = house.registry(provider_options={"Ollama": {option: fake.url}})
        assert registry.get("ollama").get_default_model() == "qwen3:4b"
        (listed,) = [entry for entry in registry.entries() if entry.name == "ollama"]
        assert (listed.default_model, listed.available_models) == ("qwen3:4b", ("qwen3:4b",))


def test_address_that_is_no_text_is_left_to_the_validation(house: House):
    registry = house.registry(provider_options={"ollama": {"base_url": ["x"]}})
    assert registry.get("ollama").name == "ollama"
    assert "ollama" in {entry.name for entry in registry.entries()}


def test_registry_of_the_process_is_made_once(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALLY_HOME", str(house.user.parent))
    assert get_provider_registry() is get_provider_registry()
    get_provider_registry.cache_clear()
