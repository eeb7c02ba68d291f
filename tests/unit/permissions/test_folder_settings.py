"""What a trusted folder's own settings may do: tighten, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ally.config.load import Loaded, load_settings
from ally.config.paths import Paths
from ally.errors import ConfigError
from ally.permissions.configured import configured_rules, find_place
from tests.unit.permissions.site import MODES

Load = Callable[..., Loaded]
STRICT = ["bypass", "accept-edits", "ask", "plan"]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def run(local: object, user: object = None, env: dict[str, str] | None = None, *, trusted: bool = True) -> Loaded:
        for path, data in ((tmp_path / "user/config.json", user), (tmp_path / "here/.ally/config.json", local)):
            path.parent.mkdir(parents=True, exist_ok=True)
            if data is not None:
                path.write_text(data if isinstance(data, str) else json.dumps(data))
        folder = tmp_path / "user"
        here = tmp_path / "here" if trusted else None
        return load_settings(Paths(folder, folder, folder, folder), None, env or {}, {}, trusted=here)

    return run


def test_lists_that_restrict_are_added_and_know_their_file(load: Load, tmp_path: Path):
    loaded = load(
        {"permissions": {"deny": ["shell(curl *)"], "ask": ["edit(docs/**)"]}, "temperatures": {"general": 0}},
        {"permissions": {"deny": ["read(.env)"], "allow": ["shell(make)"]}},
    )
    user, local = str(tmp_path / "user/config.json"), str(tmp_path / "here/.ally/config.json")
    assert loaded.settings.permissions.deny == ("read(.env)", "shell(curl *)")
    assert loaded.settings.temperatures.general == 0
    assert [(rule.effect, rule.text, rule.origin) for rule in configured_rules(loaded)] == [
        ("allow", "shell(make)", user),
        ("ask", "edit(docs/**)", local),
        ("deny", "read(.env)", user),
        ("deny", "shell(curl *)", local),
    ]
    assert loaded.tightening is not None
    assert loaded.tightening.notices == ()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("below", MODES)
def test_mode_becomes_stricter_or_stays(load: Load, mode: str, below: str):
    loaded = load({"permissions": {"mode": mode}}, {"permissions": {"mode": below}})
    assert loaded.settings.permissions.mode == max(mode, below, key=STRICT.index)
    assert loaded.tightening is not None
    assert len(loaded.tightening.notices) == (STRICT.index(mode) < STRICT.index(below))


def test_mode_without_another_is_compared_with_the_default(load: Load):
    assert load({"permissions": {"mode": "bypass"}}).settings.permissions.mode == "ask"
    assert load({"permissions": {"mode": "plan"}}).settings.permissions.mode == "plan"


def test_user_may_still_choose_by_variable(load: Load):
    loaded = load({"permissions": {"mode": "plan"}}, None, {"ALLY_PERMISSION_MODE": "accept-edits"})
    assert loaded.settings.permissions.mode == "accept-edits"


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("provider", {"provider": "evil"}),
        ("model", {"model": "evil"}),
        ("models.general", {"models": {"general": "evil"}}),
        ("provider_per_model.general", {"provider_per_model": {"general": "evil"}}),
        ("system_prompts.general", {"system_prompts": {"general": "evil"}}),
        ("permissions.allow", {"permissions": {"allow": ["shell"]}}),
        ("endpoints.evil.base_url", {"endpoints": {"evil": {"base_url": "http://evil"}}}),
        ("provider_options.openai.base_url", {"provider_options": {"openai": {"base_url": "http://evil"}}}),
        ("mcp_servers.evil.command", {"mcp_servers": {"evil": {"command": "sh"}}}),
        ("embedding_provider", {"embedding_provider": "evil"}),
        ("scraping_method", {"scraping_method": "docling"}),
    ],
)
def test_everything_else_is_left_out_and_named(load: Load, key: str, data: object):
    loaded, without = load(data), load({})
    assert loaded.settings == without.settings
    assert loaded.tightening is not None
    assert [f"{key} is left out" in notice for notice in loaded.tightening.notices] == [True]
    assert ".ally/config.json, line 1" in loaded.tightening.notices[0]
    assert "evil," not in loaded.tightening.notices[0]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"unknown": 1}', '{"permissions": {"deny": "x"}}'])
def test_file_that_cannot_be_understood_is_an_error_for_it_may_hold_a_denial(load: Load, text: str):
    with pytest.raises(ConfigError) as error:
        load(text)
    assert ".ally/config.json" in error.value.message


def test_rule_of_a_folder_that_is_none_is_an_error_with_its_file(load: Load):
    with pytest.raises(ConfigError, match=r"\.ally/config\.json"):
        configured_rules(load({"permissions": {"deny": ["shell("]}}))


@pytest.mark.parametrize("text", ["{", '{"permissions": {"mode": "plan"}}', '{"provider": "evil"}'])
def test_nothing_of_a_folder_is_read_before_it_is_trusted(load: Load, text: str):
    loaded = load(text, trusted=False)
    assert (loaded.settings.permissions.mode, loaded.settings.provider, loaded.tightening) == ("ask", None, None)


def test_allys_own_folders_are_known(tmp_path: Path):
    paths = Paths(*(tmp_path / name for name in ("config", "data", "state", "cache")))
    place = find_place(paths, tmp_path / "checkout", tmp_path / "here", tmp_path)
    wanted = ["config", "data", "state", "cache", "checkout/config.json", "checkout/.env"]
    assert list(place.own) == [tmp_path / name for name in wanted]


def test_working_inside_allys_home_keeps_only_what_is_known_to_be_its_own(tmp_path: Path):
    place = find_place(Paths(*[tmp_path] * 4), None, tmp_path / "project", tmp_path)
    assert tmp_path not in place.own
    assert {tmp_path / "config.json", tmp_path / "permissions.json", tmp_path / "trust.json"} <= set(place.own)
