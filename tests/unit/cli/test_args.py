"""How the command line is read."""

import re

import pytest

from ally.cli.args import parse
from ally.cli.subcommands import COMMANDS
from ally.errors import UsageError


@pytest.mark.parametrize("command", COMMANDS)
def test_the_first_word_names_a_command(command):
    assert parse([command]).command == command


def test_the_name_of_a_command_is_a_prompt_after_print():
    args = parse(["-p", "models"])
    assert (args.command, args.prompt) == ("chat", "models")


def test_the_value_of_an_option_is_not_taken_for_a_command():
    args = parse(["--model", "models", "hello"])
    assert (args.command, args.model, args.prompt) == ("chat", "models", "hello")


def test_options_may_stand_between_the_words_of_a_prompt():
    args = parse(["-p", "one", "--model", "m", "two"])
    assert (args.prompt, args.model) == ("one two", "m")


@pytest.mark.parametrize(
    "argv", [["--offline", "providers"], ["providers", "--offline"], ["providers", "list", "--offline"]]
)
def test_offline_holds_wherever_it_stands(argv):
    assert parse(argv).offline is True


def test_without_an_action_a_command_lists():
    assert parse(["providers"]).action == "list"
    assert parse(["models", "--json"]).json is True
    assert parse(["config"]).action == "show"
    assert parse(["permissions"]).action == "list"


def test_the_sessions_command_knows_its_attributes_whatever_the_action():
    listed = parse(["sessions", "--all"])
    assert (listed.action, listed.all, listed.json, listed.id, listed.text) == ("list", True, False, None, None)
    assert parse(["sessions", "list", "--all"]).all is True
    shown = parse(["sessions", "export", "ab12", "--format", "html", "-o", "x.html"])
    assert (shown.action, shown.id, shown.format, shown.output) == ("export", "ab12", "html", "x.html")
    assert parse(["sessions", "delete", "ab12"]).yes is False
    assert parse(["sessions", "search", "some words", "--json"]).text == "some words"


def test_a_call_is_tested_as_it_stands_in_a_rule():
    args = parse(["permissions", "test", "shell(git status)", "--json"])
    assert (args.action, args.call, args.json) == ("test", "shell(git status)", True)


def test_temperature_zero_is_zero():
    assert parse(["--temperature", "0"]).temperature == 0


@pytest.mark.parametrize(
    "argv",
    [
        ["--temperature", "3"],
        ["--temperature", "warm"],
        ["--temperature", "nan"],
        ["--max-turns", "0"],
        ["--max-seconds", "-1"],
        ["--output-format", "xml"],
    ],
)
def test_bad_values_are_refused(argv):
    with pytest.raises(UsageError):
        parse(argv)


def test_an_unknown_option_names_the_nearest_one():
    with pytest.raises(UsageError) as caught:
        parse(["--modle", "x"])
    assert "--modle" in caught.value.message
    assert "--model" in caught.value.hint


def test_after_two_dashes_everything_is_prompt():
    assert parse(["-p", "--", "--what", "is this"]).prompt == "--what is this"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--temperature", "hot"], "--temperature: 'hot' is not a number"),
        (["--temperature", "3"], "--temperature: 3 is not between 0 and 2"),
        (["-p", "--max-turns", "few"], "--max-turns: 'few' is not a whole number"),
        (["-p", "--max-turns", "0"], "--max-turns: 0 is less than 1"),
        (["-p", "--max-seconds", "nan"], "--max-seconds: 'nan' is not a number of seconds"),
    ],
)
def test_a_bad_value_is_named_in_the_words_of_the_user(argv, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        parse(argv)


@pytest.mark.parametrize("argv", [["--output-format", "json"], ["--json-schema", "f"]])
def test_what_only_one_answer_can_obey_is_refused_in_a_chat(argv):
    with pytest.raises(UsageError, match=f"{argv[0]} needs -p"):
        parse([*argv, "hello"])


@pytest.mark.parametrize("option", ["-i", "--id", "--resume"])
def test_a_session_has_an_id(option):
    assert parse([option, "ab12"]).id == "ab12"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["-c", "-i", "ab"], "-c and -i contradict each other"),
        (["-c", "--fork", "ab"], "-c and --fork contradict each other"),
        (["-p", "--fork", "ab", "--resume", "cd", "x"], "-i and --fork contradict each other"),
        (["--allow-all-tools", "--permission-mode", "plan"], "--allow-all-tools and --permission-mode plan contradict"),
        (["--permission-mode", "yolo"], "--permission-mode: invalid choice: 'yolo'"),
        (["-i"], "-i/--id/--resume: expected one argument"),
    ],
)
def test_what_contradicts_itself_is_refused(argv, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        parse(argv)


def test_rules_add_up_and_all_tools_is_the_mode_bypass():
    args = parse(["-p", "--allow", "shell(make *)", "--allow", "edit", "--deny", "read(.env)", "fix", "it"])
    assert (args.allow, args.deny, args.prompt) == (["shell(make *)", "edit"], ["read(.env)"], "fix it")
    assert parse(["-p", "x", "--allow-all-tools"]).permission_mode == "bypass"
    assert parse(["-p", "x"]).permission_mode is None


def test_limits_hold_for_a_message_of_the_chat_too():
    args = parse(["--max-turns", "3", "--max-seconds", "60"])
    assert (args.max_turns, args.max_seconds) == (3, 60)


@pytest.mark.parametrize(
    ("word", "hint"),
    [("provider", "ally providers"), ("Model", "ally models"), ("docter", "ally doctor"), ("help", "-h")],
)
def test_a_mistyped_command_is_not_said_to_a_model(word, hint):
    with pytest.raises(UsageError) as error:
        parse([word])
    assert hint in error.value.hint
    for said in (["--", word], ["-p", word], [word, "me", "something"]):
        assert word in parse(said).prompt


def test_a_screen_reader_gets_plain_lines():
    assert parse(["--screen-reader"]).plain
    assert parse(["--plain"]).plain
    assert not parse([]).plain
    assert not parse([]).no_scrollback
    assert parse(["--no-scrollback"]).no_scrollback
