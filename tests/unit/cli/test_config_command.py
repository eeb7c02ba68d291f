import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ally.cli import config
from ally.cli.args import parse
from ally.config.load import Loaded, load_settings
from ally.config.paths import Paths
from ally.config.settings import Settings
from ally.errors import ConfigError, StorageError
from tests.conftest import RunAlly


@dataclass
class Configured:
    """The part of the application that these commands use."""

    paths: Paths
    checkout: Path | None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def loaded(self) -> Loaded:
        return load_settings(self.paths, self.checkout, self.env, {})

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @property
    def origins(self) -> Mapping[str, str]:
        return self.loaded.origins


@pytest.fixture
def app(tmp_path: Path) -> Configured:
    (tmp_path / "checkout").mkdir()
    user = tmp_path / "user"
    return Configured(Paths(user, user, user, user), tmp_path / "checkout")


@pytest.fixture
def ally(app: Configured, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs `ally config ARGS` and gives what it printed on stdout."""

    def run(*args: str) -> str:
        assert config.run(parse(["config", *args]), app) == 0
        return capsys.readouterr().out

    return run


def write(path: Path, data: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data, indent=4), "utf-8")
    return path


def test_show_tells_every_value_and_its_origin(app: Configured, ally: Callable[..., str]):
    file = write(app.paths.config / "config.json", {"provider": "ollama", "temperatures": {"code_gen": 0}})
    app.env = {"ALLY_MODEL": "m"}
    rows = {line.split()[0]: line.split()[1:] for line in ally("show").splitlines()}
    assert rows["provider"] == ["ollama", str(file)]
    assert rows["temperatures.code_gen"] == ["0", str(file)]
    assert rows["model"] == ["m", "ALLY_MODEL"]
    assert rows["scraping_method"] == ["simple", "default"]
    shown = json.loads(ally("show", "--json"))
    assert shown["provider"] == {"value": "ollama", "origin": str(file)}
    assert shown["permissions.mode"] == {"value": "ask", "origin": "default"}


def test_show_masks_what_may_be_secret(app: Configured, ally: Callable[..., str]):
    write(
        app.paths.config / "config.json",
        {
            "endpoints": {"lab": {"base_url": "http://x", "api_key_env": "LAB_KEY", "headers": {"X-Team": "SECRET1"}}},
            "provider_options": {
                "a": {"token": "SECRET2", "max_tokens": 5, "base_url": "http://me:SECRET3@x", "n": ["SECRET-not"]},
                "b": {"default_headers": {"Authorization": "SECRET4"}},
            },
            "mcp_servers": {"m": {"env": {"A": "SECRET5"}, "args": ["x"]}},
        },
    )
    text = ally("show") + ally("show", "--json") + ally("get", "endpoints") + ally("get", "provider_options.a")
    for number in range(1, 6):
        assert f"SECRET{number}" not in text
    assert "SECRET-not" in text
    assert "LAB_KEY" in text
    assert ally("get", "provider_options.a.max_tokens") == "5\n"
    assert ally("get", "endpoints.lab.headers.X-Team") == "SECRET1\n"


def test_get_gives_text_bare_and_the_rest_as_json(app: Configured, ally: Callable[..., str]):
    write(app.paths.config / "config.json", {"provider": "Ollama", "permissions": {"allow": ["a b"]}})
    assert ally("get", "provider") == "ollama\n"
    assert ally("get", "provider", "--json") == '"ollama"\n'
    assert ally("get", "model") == "null\n"
    assert ally("get", "models.general") == "null\n"
    assert json.loads(ally("get", "permissions.allow")) == ["a b"]
    assert json.loads(ally("get", "permissions"))["mode"] == "ask"


def test_get_finds_names_that_hold_dots(app: Configured, ally: Callable[..., str]):
    write(app.paths.config / "config.json", {"provider_options": {"my.llm": {"a.b": {"c": 1}}}})
    assert ally("get", "provider_options.my.llm.a.b.c") == "1\n"


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("provder", "provider"),
        ("models.codegen", "code_gen"),
        ("endpoints.lab.url", "base_url"),
        ("provider.x", "nothing"),
        ("openai_api_key", ".env"),
        ("", "provider"),
        ("models..general", "models.general"),
    ],
)
@pytest.mark.parametrize("action", ["get", "set"])
def test_unknown_key_is_refused_with_the_nearest_one(app: Configured, action: str, key: str, hint: str):
    arguments = [action, key] + (["x"] if action == "set" else [])
    with pytest.raises(ConfigError) as caught:
        config.run(parse(["config", *arguments]), app)
    assert hint in caught.value.hint
    assert not list(app.paths.config.glob("*"))


def test_set_writes_the_file_that_holds_the_value_now(app: Configured, ally: Callable[..., str]):
    assert app.checkout is not None
    user = write(app.paths.config / "config.json", {"provider": "ollama"})
    checkout = write(app.checkout / "config.json", {"provider": None, "model": "m"})
    ally("set", "provider", "openai")
    ally("set", "embedding_model", "e")
    assert json.loads(user.read_text("utf-8")) == {"provider": "openai"}
    assert json.loads(checkout.read_text("utf-8")) == {"provider": None, "model": "m", "embedding_model": "e"}


def test_set_without_a_checkout_makes_a_private_file_of_the_user(app: Configured, ally: Callable[..., str]):
    app.checkout = None
    ally("set", "endpoints.Lab.base_url", "http://gpu:8000/v1")
    file = app.paths.config / "config.json"
    assert json.loads(file.read_text("utf-8")) == {"endpoints": {"lab": {"base_url": "http://gpu:8000/v1"}}}
    assert os.name == "nt" or file.stat().st_mode & 0o777 == 0o600


def test_set_leaves_the_rest_of_the_text_alone(app: Configured, ally: Callable[..., str]):
    assert app.checkout is not None
    file = app.checkout / "config.json"
    file.write_bytes(b'\xef\xbb\xbf{\r\n  "model": "old",\r\n\r\n  "temperatures": {"general": 0.70}\r\n}\r\n')
    ally("set", "model", "new")
    assert file.read_bytes() == (
        b'\xef\xbb\xbf{\r\n  "model": "new",\r\n\r\n  "temperatures": {"general": 0.70}\r\n}\r\n'
    )


def test_set_keeps_the_spelling_of_a_name_in_the_file(app: Configured, ally: Callable[..., str]):
    assert app.checkout is not None
    file = write(app.checkout / "config.json", {"endpoints": {"Lab": {"base_url": "http://a"}}})
    ally("set", "endpoints.lab.base_url", "http://b")
    assert json.loads(file.read_text("utf-8")) == {"endpoints": {"Lab": {"base_url": "http://b"}}}


@pytest.mark.parametrize(
    ("key", "text", "stored"),
    [
        ("model", "qwen3:8b", "qwen3:8b"),
        ("model", '"quoted"', "quoted"),
        ("model", "5", "5"),
        ("model", "true", "true"),
        ("model", "NaN", "NaN"),
        ("model", "null", None),
        ("model", "日本", "日本"),
        ("temperatures.general", "0", 0),
        ("permissions.allow", '["shell(git status)"]', ["shell(git status)"]),
        ("models", '{"general": "a"}', {"general": "a"}),
        ("provider_options.ollama.num_ctx", "32768", 32768),
        ("provider_options.ollama.think", "false", False),
        ("provider_options.ollama.keep_alive", "10m", "10m"),
    ],
)
def test_set_takes_json_or_plain_text(app: Configured, ally: Callable[..., str], key: str, text: str, stored: object):
    assert app.checkout is not None
    ally("set", key, text)
    value: object = json.loads((app.checkout / "config.json").read_text("utf-8"))
    for name in key.split("."):
        assert isinstance(value, dict)
        value = value[name]
    assert value == stored


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("temperatures.general", "hot", "must be a number from 0 to 2, not text"),
        ("temperatures.general", "3", "must be a number from 0 to 2, not 3"),
        ("permissions.mode", "yolo", "one of"),
        ("models", "x", "an object"),
        ("endpoints.lab.default_model", "m", "endpoints.lab needs base_url"),
        ("endpoints.lab", '{"base_url": "nowhere"}', "http://"),
        ("model", "\udcff", "not valid Unicode"),
        ("model", '"\\ud800"', "not valid Unicode"),
    ],
)
def test_set_changes_nothing_when_the_value_cannot_be(app: Configured, key: str, text: str, problem: str):
    assert app.checkout is not None
    file = write(app.checkout / "config.json", {"model": "m"})
    before = file.read_bytes()
    with pytest.raises(ConfigError, match="Nothing was changed") as caught:
        config.run(parse(["config", "set", key, text]), app)
    assert problem in caught.value.message
    assert file.read_bytes() == before


def test_set_refuses_to_touch_a_file_that_is_broken_already(app: Configured):
    assert app.checkout is not None
    file = app.checkout / "config.json"
    file.write_text('{"provder": 1}')
    with pytest.raises(ConfigError, match="provder"):
        config.run(parse(["config", "set", "model", "m"]), app)
    assert file.read_text() == '{"provder": 1}'


def test_set_says_where_it_failed_to_write(app: Configured):
    (app.paths.config.parent / "user").write_text("a file where the folder should be")
    app.checkout = None
    with pytest.raises((StorageError, ConfigError), match="user"):
        config.run(parse(["config", "set", "model", "m"]), app)


def test_set_says_which_file_what_is_above_it_and_that_the_model_stays(
    app: Configured, capsys: pytest.CaptureFixture[str]
):
    assert app.checkout is not None
    file = write(app.checkout / "config.json", {"provider": "ollama", "model": "qwen3"})
    config.run(parse(["config", "set", "provider", "openai"]), app)
    said = capsys.readouterr().err
    assert str(file) in said
    assert "the model is still qwen3" in said
    app.env = {"ALLY_PROVIDER": "groq"}
    config.run(parse(["config", "set", "provider", "openai"]), app)
    assert "ALLY_PROVIDER is set too, and wins" in capsys.readouterr().err


def test_set_leaves_the_checkout_alone_where_ally_has_a_home_of_its_own(app: Configured, ally: Callable[..., str]):
    user, checkout = app.paths.config / "config.json", app.checkout / "config.json" if app.checkout else Path()
    app.env = {"ALLY_HOME": str(app.paths.config)}
    before = write(checkout, {"tui": {"theme": None, "diff": "unified"}}).read_bytes()
    ally("set", "tui.theme", "ally-light")
    assert (checkout.read_bytes(), json.loads(user.read_text())) == (before, {"tui": {"theme": "ally-light"}})
    ally("set", "tui.diff", "auto")  # it stands in the checkout's file, which wins over the user's
    assert (json.loads(checkout.read_text())["tui"]["diff"], app.settings.tui.diff) == ("auto", "auto")


def test_set_goes_where_it_has_an_effect(app: Configured, ally: Callable[..., str]):
    app.env = {"ALLY_HOME": str(app.paths.config)}
    write(app.paths.config / "config.json", {"provider": "ollama"})
    write(app.checkout / "config.json" if app.checkout else Path(), {"provider": "openai"})
    ally("set", "model", "gpt")  # below another provider's name it would be left aside
    assert app.settings.model == "gpt"


def test_unset_lets_what_is_below_show_through(
    app: Configured, ally: Callable[..., str], capsys: pytest.CaptureFixture[str]
):
    user = write(app.paths.config / "config.json", {"model": "below", "tui": {"plain": True}})
    checkout = write(app.checkout / "config.json" if app.checkout else Path(), {"model": "above", "provider": None})
    assert config.run(parse(["config", "unset", "model"]), app) == 0
    assert f"it is set by {user}" in capsys.readouterr().err.replace("~", str(Path.home()))
    assert (json.loads(checkout.read_text()), app.settings.model) == ({"provider": None}, "below")
    ally("unset", "tui.plain")
    assert (json.loads(user.read_text()), app.settings.tui.plain) == ({"model": "below", "tui": {}}, False)
    assert config.run(parse(["config", "unset", "tui.plain"]), app) == 0
    assert "No file sets tui.plain." in capsys.readouterr().err


def test_unset_takes_out_whole_entries_and_nothing_that_others_need(app: Configured, ally: Callable[..., str]):
    lab = {"base_url": "http://gpu:8000/v1", "default_model": "m"}
    user = write(app.paths.config / "config.json", {"endpoints": {"Lab": lab, "b": lab}, "model": "x"})
    before = user.read_bytes()
    with pytest.raises(ConfigError, match="Nothing was changed"):
        config.run(parse(["config", "unset", "endpoints.lab.base_url"]), app)
    assert user.read_bytes() == before
    ally("unset", "endpoints.lab")
    assert json.loads(user.read_text()) == {"endpoints": {"b": lab}, "model": "x"}


def test_path_names_the_files_that_are_read(app: Configured, ally: Callable[..., str]):
    file = write(app.paths.config / "config.json", {})
    lines = ally("path").splitlines()
    assert lines[0] == str(file)
    assert lines[1] == f"{app.checkout}/config.json  (not there)"
    assert f"{app.paths.config}/.env  (not there)" in lines


def test_schema_works_although_the_configuration_is_broken(app: Configured, ally: Callable[..., str]):
    write(app.paths.config / "config.json", {"provder": 1})
    assert json.loads(ally("schema"))["properties"]["provider"]


def test_the_real_command_sets_and_shows(run_ally: RunAlly, checkout: Path):
    done = run_ally("config", "set", "provider", "Ollama")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert json.loads((checkout / "config.json").read_text("utf-8"))["provider"] == "Ollama"
    assert run_ally("config", "get", "provider").stdout == "ollama\n"
    wrong = run_ally("config", "set", "provder", "x")
    assert wrong.returncode == 2
    assert 'did you mean "provider"?' in wrong.stderr
