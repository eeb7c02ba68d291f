import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ally.config.load import Loaded, load_settings
from ally.config.paths import Paths
from ally.config.settings import AGENTS, Endpoint
from ally.errors import ConfigError

Load = Callable[..., Loaded]


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    (tmp_path / "user").mkdir()
    return tmp_path / "user" / "config.json"


@pytest.fixture
def checkout_file(tmp_path: Path) -> Path:
    (tmp_path / "checkout").mkdir()
    return tmp_path / "checkout" / "config.json"


@pytest.fixture
def load(user_file: Path, checkout_file: Path) -> Load:
    """Loads what the user's file and the checkout's hold, with this environment and these flags."""

    def run(
        user: object = None,
        checkout: object = None,
        env: dict[str, str] | None = None,
        flags: dict[str, object] | None = None,
    ) -> Loaded:
        for path, data in ((user_file, user), (checkout_file, checkout)):
            if data is not None:
                path.write_text(json.dumps(data), "utf-8")
        folder = user_file.parent
        paths = Paths(config=folder, data=folder, state=folder, cache=folder)
        return load_settings(paths, checkout_file.parent, env or {}, flags or {})

    return run


def test_without_any_file_everything_is_a_default(load: Load):
    loaded = load()
    assert loaded.settings.provider is None
    assert loaded.settings.permissions.mode == "ask"
    assert loaded.settings.scraping_method == "simple"
    assert loaded.origins == {}
    assert loaded.origin("provider") == "default"
    assert loaded.files == ()


def test_later_layers_win_and_every_value_knows_its_origin(load: Load, user_file: Path, checkout_file: Path):
    loaded = load(
        {"provider": "ollama", "model": "user", "embedding_model": "e"},
        {"model": "checkout", "temperatures": {"general": 0.1}},
        {"ALLY_EMBEDDING_MODEL": "env", "ALLY_PERMISSION_MODE": "plan"},
        {"temperature": "0.5"},
    )
    assert loaded.settings.for_agent("general").provider == "ollama"
    assert loaded.settings.model == "checkout"
    assert [loaded.settings.for_agent(name).temperature for name in AGENTS] == [0.5] * 4
    assert loaded.settings.permissions.mode == "plan"
    assert loaded.origins["provider"] == str(user_file)
    assert loaded.origins["model"] == str(checkout_file)
    assert loaded.origins["embedding_model"] == "ALLY_EMBEDDING_MODEL"
    assert loaded.origins["permissions.mode"] == "ALLY_PERMISSION_MODE"
    assert loaded.origins["temperatures.general"] == "--temperature"
    assert loaded.files == (user_file, checkout_file)


def test_objects_are_merged_and_lists_are_replaced(load: Load, user_file: Path, checkout_file: Path):
    loaded = load(
        {"provider_options": {"ollama": {"num_ctx": 1, "keep_alive": "5m"}}, "permissions": {"allow": ["a", "b"]}},
        {"provider_options": {"Ollama": {"num_ctx": 2}}, "permissions": {"allow": ["c"]}},
    )
    assert loaded.settings.provider_options == {"ollama": {"num_ctx": 2, "keep_alive": "5m"}}
    assert loaded.settings.permissions.allow == ("c",)
    assert loaded.origins["provider_options.ollama.num_ctx"] == str(checkout_file)
    assert loaded.origins["provider_options.ollama.keep_alive"] == str(user_file)


def test_what_one_layer_forbids_no_other_allows_again(load: Load, user_file: Path, checkout_file: Path):
    user = {"permissions": {"deny": ["read(.env)"], "ask": ["shell(git push *)"], "allow": ["shell(make)"]}}
    checkout = {"permissions": {"deny": ["shell(curl *)", "read(.env)"], "ask": [], "allow": ["shell(ls)"]}}
    loaded = load(user, checkout)
    assert loaded.settings.permissions.deny == ("read(.env)", "shell(curl *)")
    assert loaded.settings.permissions.ask == ("shell(git push *)",)
    assert loaded.settings.permissions.allow == ("shell(ls)",)
    assert loaded.origin("permissions.deny") == f"{user_file}, {checkout_file}"


def test_null_and_empty_text_let_the_lower_layer_through(load: Load, user_file: Path):
    shipped = {
        "provider": None,
        "model": "",
        "models": None,
        "temperatures": dict.fromkeys(AGENTS),
        "permissions": {"mode": None},
        "endpoints": {},
        "scraping_method": None,
    }
    loaded = load({"provider": "ollama", "model": "m", "temperatures": {"code_gen": 0}}, shipped)
    assert loaded.settings.for_agent("code_gen").temperature == 0
    assert (loaded.settings.provider, loaded.settings.model) == ("ollama", "m")
    assert set(loaded.origins.values()) == {str(user_file)}


def test_null_below_options_of_a_provider_is_a_value(load: Load):
    assert load({"provider_options": {"x": {"stop": None}}}).settings.provider_options == {"x": {"stop": None}}


def test_agent_falls_back_to_provider_and_model_and_zero_is_a_temperature(load: Load):
    settings = load(
        {
            "provider": "openai",
            "model": "gpt",
            "provider_per_model": {"code_gen": "Anthropic", "general": None},
            "models": {"code_gen": "claude"},
            "temperatures": {"general": 0, "code_gen": 2},
            "system_prompts": {"general": "be kind", "code_gen": None},
        }
    ).settings
    general, code = settings.for_agent("general"), settings.for_agent("code_gen")
    assert (general.provider, general.model, general.temperature, general.system_prompt) == (
        "openai",
        "gpt",
        0,
        "be kind",
    )
    assert (code.provider, code.model, code.temperature, code.system_prompt) == ("anthropic", "claude", 2, None)
    assert settings.for_agent("brainstormer").temperature is None
    assert settings.for_agent("an agent of my own").model == "gpt"


def test_provider_names_are_compared_without_case(load: Load):
    settings = load(
        {"provider": " OpenAI ", "endpoints": {"LAB": {"base_url": "http://gpu:8000/v1/"}}, "embedding_provider": "HF"}
    ).settings
    assert settings.provider == "openai"
    assert settings.embedding_provider == "hf"
    assert settings.endpoints == {"lab": Endpoint(base_url="http://gpu:8000/v1")}


def test_parts_of_an_endpoint_may_come_from_two_files(load: Load):
    settings = load(
        {"endpoints": {"lab": {"base_url": "http://gpu:8000/v1", "api_key_env": "LAB_KEY"}}},
        {"endpoints": {"Lab": {"compatible": "anthropic", "context_window": 65536, "headers": {"X-A": "b"}}}},
    ).settings
    lab = settings.endpoints["lab"]
    assert (lab.compatible, lab.api_key_env, lab.context_window, lab.headers) == (
        "anthropic",
        "LAB_KEY",
        65536,
        {"X-A": "b"},
    )


def test_model_of_another_provider_is_left_aside_when_a_later_file_changes_the_provider(load: Load):
    lower = {"provider": "ollama", "model": "qwen3", "models": {"code_gen": "qwen-coder"}}
    settings = load(lower, {"provider": "openai"}).settings
    assert settings.for_agent("general").model is None
    assert settings.for_agent("code_gen").model is None
    settings = load(lower, {"provider": "openai", "model": "gpt"}).settings
    assert settings.for_agent("code_gen").model == "gpt"
    assert load(lower, {"provider": "OLLAMA"}).settings.for_agent("code_gen").model == "qwen-coder"


def test_provider_flag_holds_for_every_agent_and_does_not_take_the_model_along(load: Load):
    config = {
        "provider": "ollama",
        "model": "qwen3",
        "provider_per_model": {"code_gen": "openai", "general": "anthropic"},
        "models": {"code_gen": "gpt", "general": "claude"},
    }
    loaded = load(config, flags={"provider": "openai"})
    agents = {name: loaded.settings.for_agent(name) for name in AGENTS}
    assert {agent.provider for agent in agents.values()} == {"openai"}
    assert agents["code_gen"].model == "gpt"
    assert agents["general"].model is None
    assert agents["web_searcher"].model is None
    assert loaded.origins["provider"] == "--provider"
    assert loaded.origin("models.general") == "default"


def test_model_flag_holds_for_every_agent(load: Load):
    config = {"provider": "ollama", "models": {"general": "a", "code_gen": "b"}}
    settings = load(config, env={"ALLY_MODEL": "env"}, flags={"model": "flag"}).settings
    assert {settings.for_agent(name).model for name in AGENTS} == {"flag"}
    assert {settings.for_agent(name).provider for name in AGENTS} == {"ollama"}


def test_provider_and_model_flags_together(load: Load):
    loaded = load({"provider": "ollama", "model": "qwen3"}, flags={"provider": "openai", "model": "gpt", "agent": "x"})
    assert loaded.settings.for_agent("general").model == "gpt"
    assert loaded.origins["model"] == "--model"


def test_environment_is_ignored_where_it_is_empty_or_unknown(load: Load):
    assert load(env={"ALLY_PROVIDER": " ", "ALLY_FAVOURITE_COLOUR": "blue", "PROVIDER": "x"}).origins == {}


@pytest.mark.parametrize("text", ["hot", "2.1", "-1", "nan", "inf", "0,5"])
def test_bad_temperature_in_the_environment_names_the_variable(load: Load, text: str):
    with pytest.raises(ConfigError, match="ALLY_TEMPERATURE must be a number from 0 to 2") as caught:
        load(env={"ALLY_TEMPERATURE": text})
    assert caught.value.key == "ALLY_TEMPERATURE"


def test_bad_choice_in_the_environment_names_the_variable_and_the_nearest_word(load: Load):
    with pytest.raises(ConfigError, match=r"^ALLY_PERMISSION_MODE: permissions\.mode must be one of") as caught:
        load(env={"ALLY_PERMISSION_MODE": "bypas"})
    assert caught.value.hint == 'did you mean "bypass"?'


def test_missing_key_is_attributed_to_the_file_that_started_the_entry(load: Load, checkout_file: Path):
    with pytest.raises(ConfigError, match=r"endpoints\.lab needs base_url") as caught:
        load({}, {"endpoints": {"lab": {"default_model": "m"}}})
    assert caught.value.file == checkout_file


def test_upstream_files_load_unchanged(load: Load):
    plain = dict.fromkeys(AGENTS)
    upstream = {
        "provider": "ollama",
        "provider_per_model": plain,
        "model": "devstral-small-2:24b-cloud",
        "models": plain,
        "temperatures": dict.fromkeys(AGENTS, 1),
        "system_prompts": plain,
        "embedding_provider": None,
        "embedding_model": None,
    }
    assert load(upstream).settings.for_agent("general").model == "devstral-small-2:24b-cloud"
    fork = {
        **upstream,
        "model": "qwen2.5:7b",
        "models": {"general": "qwen2.5:7b", "code_gen": "qwen2.5-coder:7b", "brainstormer": None, "web_searcher": None},
        "temperatures": {"general": 0.7, "code_gen": 0.1, "brainstormer": 0.9, "web_searcher": 0.5},
        "embedding_provider": "ollama",
        "embedding_model": "nomic-embed-text:latest",
        "scraping_method": "docling",
    }
    settings = load(fork).settings
    assert settings.for_agent("code_gen").model == "qwen2.5-coder:7b"
    assert settings.embedding_model == "nomic-embed-text:latest"
    assert settings.scraping_method == "docling"


def test_repr_of_the_settings_shows_no_header_and_no_option(load: Load):
    settings = load(
        {
            "endpoints": {"lab": {"base_url": "http://gpu/v1", "headers": {"Authorization": "SECRET"}}},
            "provider_options": {"lab": {"token": "SECRET"}},
            "mcp_servers": {"files": {"env": {"TOKEN": "SECRET"}}},
        }
    ).settings
    assert "SECRET" not in repr(settings) + repr(settings.endpoints)
