"""Commands that choose where somebody can, and print where not."""

import asyncio
import time

import pytest

from ally.chat.commands.completion import complete
from ally.chat.commands.registry import COMMANDS, run_command, usages
from ally.errors import UsageError
from ally.messages import Image, Text, UserMessage, assistant, user

HOSTILE = "\x1b]52;c;aGk=\x07 [bold]x[/] \u202eevil \ud800 名前"


def takes(value):
    return lambda options: next(one.value for one in options if one.value == value)


async def test_models_of_this_machine_come_first_and_those_of_services_with_a_key_last(chat, desk):
    assert await run_command(chat, "/model") == ""
    options = next(iter(desk.asked.values()))
    groups = list(dict.fromkeys(one.group for one in options))
    places = [group for group in groups if group.endswith("this machine")]
    assert any(group.startswith("Ollama at 127.0.0.1") for group in places)
    assert groups[: len(places)] == places
    assert groups.index("OpenAI · cloud") > groups.index(places[-1])
    remote = next(one for one in options if one.label == "gpt-oss:120b-cloud")
    assert remote.group.endswith("passed on to a cloud")
    assert remote.group not in places
    assert not any("Anthropic" in group for group in groups)  # it has no key
    assert groups[-1] == "to be fetched first"
    assert [one.value for one in options if one.is_current] == ["ollama:qwen3:8b"]
    assert not any("embed" in one.label for one in options)
    fetch = [one for one in options if one.group == groups[-1]]
    assert all("!ally models pull" in one.why_not for one in fetch)
    assert all(one.why_not == "" for one in options if one not in fetch)
    told = desk.previews["ollama:qwen3:8b"]
    assert "tokens, a guess" in told
    assert "this machine" in told
    openai = next(one for one in options if one.group == "OpenAI · cloud")
    assert "is sent to OpenAI" in desk.previews[openai.value]


async def test_a_chosen_model_answers_from_then_on_and_none_changes_nothing(chat, desk):
    desk.picks = takes("ollama:phi4-mini:latest")
    assert "phi4-mini" in await run_command(chat, "/model")
    assert chat.talk.model.profile.model == "phi4-mini:latest"
    desk.picks = None
    assert await run_command(chat, "/model") == ""
    assert chat.talk.model.profile.model == "phi4-mini:latest"
    desk.can_ask = False
    listed = await run_command(chat, "/models")
    assert "* phi4-mini:latest" in listed
    assert "MODEL" in listed.splitlines()[0]
    assert "evil[2J[bold]" in listed
    assert not any(char in listed for char in "\x1b\u202e")


async def test_providers_without_a_key_or_a_server_say_what_to_do(chat, desk):
    await run_command(chat, "/provider")
    options = {one.value: one for one in desk.asked["Provider"]}
    assert options["ollama"].is_current
    assert options["openai"].why_not == ""
    assert "ANTHROPIC_API_KEY" in options["anthropic"].why_not
    assert "start its server" in options["vllm"].why_not
    places = [one.group for one in desk.asked["Provider"]]
    assert places == sorted(places, key=["this machine", "your network", "cloud"].index)


async def test_agents_are_chosen_with_their_prompt_beside(chat, desk):
    desk.picks = takes("brainstormer")
    assert "brainstormer" in await run_command(chat, "/agent")
    assert chat.agent == "brainstormer"
    assert "temperature  0.9" in desk.previews["brainstormer"]


async def test_sessions_of_this_folder_come_first_and_one_is_gone_on_with(chat, desk, tmp_path):
    elsewhere = chat.app.sessions.start(tmp_path, "general")
    elsewhere.append(user(f"about lions {HOSTILE}"))
    here = chat.app.sessions.start(chat.session.folder, "general")
    for number in range(9):
        here.append(user(f"tigers {number}"))
        here.append(assistant(f"stripes {number}"))
    desk.picks = takes(here.id)
    said = await run_command(chat, "/sessions")
    options = desk.asked["Sessions"]
    assert [one.value for one in options] == [here.id, elsewhere.id]
    assert options[0].group.startswith("this folder: ")
    assert "stripes 8" in desk.previews[here.id]
    assert "stripes 1" not in desk.previews[here.id]
    assert chat.session.id == here.id
    assert "tigers 0" in said
    assert desk.shown[-1][-1].text == "stripes 8"
    desk.picks = takes(elsewhere.id)
    await run_command(chat, "/resume")
    assert chat.session.id == elsewhere.id
    assert "That is this session" in await run_command(chat, f"/resume {elsewhere.id}")
    await run_command(chat, '/sessions "lions"')
    assert [one.value for one in desk.asked["Sessions that hold lions"]] == [elsewhere.id]
    assert await run_command(chat, "/sessions nowhere") == "Nothing was found."


async def test_a_permission_mode_is_chosen_and_rules_are_still_listed(chat, desk):
    desk.picks = takes("plan")
    assert "Mode plan" in await run_command(chat, "/permissions")
    assert chat.talk.gate.policy.mode == "plan"
    assert "mode plan" in await run_command(chat, "/permissions list")
    await run_command(chat, "/permissions allow shell(make *)")
    assert "shell(make *)" in await run_command(chat, "/permissions list")


async def test_themes_settings_and_keys_reach_the_front_end(chat, desk):
    desk.picks = takes("light")
    assert "Theme light" in await run_command(chat, "/theme")
    assert desk.theme == "light"
    await run_command(chat, "/theme dark")
    assert desk.theme == "dark"
    with pytest.raises(UsageError):
        await run_command(chat, "/theme nosuch")
    await run_command(chat, "/settings")
    assert desk.has_seen_settings
    assert "Ctrl-C  stops" in await run_command(chat, "/keys")


async def test_help_lists_every_command_and_tells_more_of_one(chat, desk):
    listed = await run_command(chat, "/help")
    assert all(usage in listed for usage, _ in usages())
    desk.columns = 60
    narrow = await run_command(chat, "/help")
    assert all(name in narrow for name in COMMANDS)
    for text, room in ((listed, 100), (narrow, 76)):
        assert all(len(line) <= room for line in text.splitlines())
    assert "OSC 52" in await run_command(chat, "/help copy")
    assert "/new" in await run_command(chat, "/help /clear")
    with pytest.raises(UsageError) as caught:
        await run_command(chat, "/help nosuch")
    assert caught.value.hint
    with pytest.raises(UsageError) as caught:
        await run_command(chat, "/permisions")
    assert caught.value.hint == "did you mean /permissions?"
    with pytest.raises(UsageError) as caught:
        await run_command(chat, "/the")
    assert caught.value.hint == "did you mean /theme?"


async def test_completion_is_instant_and_knows_what_was_found_a_moment_later(chat):
    assert complete(chat, "/mo") == ["/model"]
    assert set(complete(chat, "/")) == set(COMMANDS)
    assert complete(chat, "/nosuch x") == []
    for text, expected in (
        ("/model ollama:ph", "/model ollama:phi4-mini:latest"),
        ("/model phi", "/model ollama:phi4-mini:latest"),
        ("/agent b", "/agent brainstormer"),
        ("/permissions mode p", "/permissions mode plan"),
        ("/theme l", "/theme light"),
        ("/provider ope", "/provider openai"),
        ("/help /und", "/help /undo"),
    ):
        for _ in range(500):
            if expected in complete(chat, text):
                break
            await asyncio.sleep(0.01)
        assert complete(chat, text)[0] == expected
    assert complete(chat, "/model ollama:evil") == []


async def test_pictures_of_a_message_survive_a_list_of_sessions(chat, desk):
    chat.session.append(UserMessage((Text("look"), Image(b"x", "image/png"))))
    await run_command(chat, "/sessions")
    assert "> look" in desk.previews[chat.session.id]


def test_paths_and_the_names_of_collections_are_completed(chat, tmp_path, monkeypatch):
    here = tmp_path / "here"
    for name in ("my docs/deep/a.md", "notes.md", ".hidden/b.md", "my docs/plans.md"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("x")
    monkeypatch.chdir(here)
    for name in ("home work", "novel"):
        chat.app.library.shelf.create(name).close()
    cases = {
        "/embed ": ['/embed "home work"', "/embed novel", '/embed "my docs/', "/embed notes.md"],
        "/embed n": ["/embed novel", "/embed notes.md"],
        "/embed my": ['/embed "my docs/'],
        '/embed "my docs/': ['/embed "my docs/deep/', '/embed "my docs/plans.md"'],
        f"/embed {here}/n": [f"/embed {here}/notes.md"],
        '/embed "my docs/" no': ['/embed "my docs/" novel'],
        "/embed notes.md h": ['/embed notes.md "home work"'],
        '/delete "ho': ["/delete home work"],
    }
    for text, expected in cases.items():
        for _ in range(500):
            if (found := complete(chat, text)) == expected:
                break
            time.sleep(0.01)
        assert found == expected
