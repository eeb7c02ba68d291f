"""How the command line is read."""

import pytest

from ally.cli.args import COMMANDS, parse
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
