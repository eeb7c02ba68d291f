"""Telling commands from messages."""

import pytest

from ally.chat.commands.registry import is_command


@pytest.mark.parametrize("text", ["/help", "/model x", " /quit ", "/nonsense"])
def test_a_slash_and_a_word_is_a_command(text):
    assert is_command(text)


@pytest.mark.parametrize(
    "text", ["/tmp", "/etc what is this?", "/etc/hosts is odd", "/ what", "a /help", "", "  ", "//comment"]
)
def test_paths_and_prose_are_messages(text):
    assert not is_command(text)
