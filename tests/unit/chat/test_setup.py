"""The first run offers what is really there, nearest first, and keeps the answer in the user's own settings."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ally.app import App
from ally.chat.front import Option
from ally.chat.setup import LATER, needs_setup, set_up
from ally.chat.trust import is_open, keep_answer, trust_question
from ally.config.paths import Paths
from ally.permissions.trust import Trust
from tests.fakes import FakeOllama
from tests.unit.chat.desk import Desk

OpenApp = Callable[..., App]


@pytest.fixture
def open_app(ollama: FakeOllama, desk: Desk, tmp_path: Path) -> OpenApp:
    """The application of a user with this environment and these settings, who has a running Ollama."""
    (tmp_path / "ally").mkdir()

    def opened(env: dict[str, str] | None = None, **settings: object) -> App:
        options = {"ollama": {"base_url": ollama.url}}
        (tmp_path / "ally" / "config.json").write_text(json.dumps({"provider_options": options, **settings}), "utf-8")
        return App({**os.environ, **(env or {})}, Paths(*[tmp_path / "ally"] * 4), None, False, desk.say, {})

    return opened


def by_label(label: str) -> Callable[[Sequence[Option]], str | None]:
    return lambda options: next(one.value for one in options if one.label == label)


async def test_what_runs_here_comes_first_and_services_say_that_they_are_a_cloud(open_app: OpenApp, desk: Desk):
    app = open_app({"OPENAI_API_KEY": "sk-nobody-must-see-this"})
    assert needs_setup(app)
    desk.picks = by_label("phi4-mini:latest")
    await set_up(app, desk)
    (options,) = desk.asked.values()
    groups = list(dict.fromkeys(one.group for one in options))
    assert groups[0] == "this machine"
    assert groups[-1] == "or"
    assert next(one.label for one in options if one.is_current) == "qwen3:8b"
    cloud = [one for one in options if one.group.startswith("a service")]
    assert {one.value.partition(":")[0] for one in cloud} == {"ollama", "openai"}
    assert "sk-nobody" not in repr(options)
    assert any("OPENAI_API_KEY" in cell for one in cloud for cell in one.cells)
    assert not any("embed" in one.label for one in options)
    assert (app.settings.provider, app.settings.model) == ("ollama", "phi4-mini:latest")
    assert not needs_setup(app)


async def test_a_model_may_have_any_name(open_app: OpenApp, desk: Desk):
    names = ["5:1", '"null":x', "\x1b[31mred\u202e[/b]:8b"]
    with FakeOllama(models=names) as fake:
        for name in names:
            app = open_app(provider_options={"ollama": {"base_url": fake.url}})
            desk.picks = by_label(name)
            await set_up(app, desk)
            assert app.settings.model == name


async def test_deciding_later_changes_no_setting_and_is_not_asked_again(open_app: OpenApp, desk: Desk):
    app = open_app()
    before = (app.paths.config / "config.json").read_bytes()
    desk.picks = lambda options: LATER
    await set_up(app, desk)
    assert (app.paths.config / "config.json").read_bytes() == before
    assert not needs_setup(app)


@pytest.mark.parametrize(
    ("env", "settings"),
    [
        ({}, {"provider": "local"}),
        ({}, {"models": {"general": "x"}}),
        ({"ALLY_PROVIDER": "ollama"}, {}),
        ({"ALLY_MODEL": "m"}, {}),
    ],
)
def test_who_has_chosen_is_not_asked(open_app: OpenApp, env: dict[str, str], settings: dict[str, object]):
    assert not needs_setup(open_app(env, **settings))


async def test_with_nobody_to_ask_nothing_is_kept(open_app: OpenApp, desk: Desk):
    app = open_app()
    desk.can_ask = False
    await set_up(app, desk)
    assert needs_setup(app)
    assert not desk.asked


def test_the_question_of_trust_names_what_is_there_and_shows_the_folder_as_it_is(tmp_path: Path):
    folder = tmp_path / "a\u202eb\x1b[1m"
    folder.mkdir()
    (folder / "AGENTS.md").write_text("x")
    text, (no, yes) = trust_question(folder)
    assert "⟨U+202E⟩" in text
    assert "\x1b" not in text
    assert "AGENTS.md" in text
    trust = Trust(tmp_path / "trust.json")
    assert is_open(trust, folder)
    assert not is_open(trust, tmp_path)
    keep_answer(trust, folder, None)
    assert trust.answer(folder) is None
    keep_answer(trust, folder, yes.value)
    assert trust.is_trusted(folder)
    keep_answer(trust, folder, no.value)
    assert not trust.is_trusted(folder)
