"""The plain chat on a real pseudo-terminal."""

import pexpect
import pytest

from tests.conftest import RunAlly
from tests.e2e.conftest import CHOICE, PROMPT, words
from tests.fakes import Failure, Hang, Reply


def test_the_model_remembers_the_run(chat, lab):
    lab.script(Reply(text="Hello Ada"), Reply(text="Ada, of course"))
    chat.sendline("I am Ada")
    chat.expect_exact("Hello Ada")
    chat.expect(PROMPT)
    chat.sendline("Who am I?")
    chat.expect_exact("Ada, of course")
    contents = [words(message["content"]) for message in lab.calls[-1].json["messages"][1:]]
    assert contents == ["I am Ada", "Hello Ada", "Who am I?"]


def test_clear_forgets(chat, lab):
    chat.sendline("I am Ada")
    chat.expect(PROMPT)
    chat.sendline("/clear")
    chat.expect_exact("Forgotten")
    chat.expect(PROMPT)
    chat.sendline("Who am I?")
    chat.expect(PROMPT)
    assert [words(message["content"]) for message in lab.calls[-1].json["messages"][1:]] == ["Who am I?"]


def test_ctrl_c_stops_the_answer_and_not_the_program(chat, lab):
    lab.script(Reply(text="Once upon a time", fault=Hang("finish")), Reply(text="still here"))
    chat.sendline("tell")
    chat.expect_exact("Once upon a time")
    chat.sendintr()
    chat.expect_exact("(Stopped.)")
    chat.expect(PROMPT)
    assert lab.calls[0].wait_disconnected(5)
    chat.sendline("and now?")
    chat.expect_exact("still here")


def test_ctrl_c_at_the_prompt_says_how_to_leave(chat):
    chat.sendintr()
    chat.expect_exact("Ctrl-D or /quit")
    chat.expect(PROMPT)


@pytest.mark.parametrize("leave", ["eof", "/quit", "/q"])
def test_leaving_is_exit_0(chat, leave):
    if leave == "eof":
        chat.sendeof()
    else:
        chat.sendline(leave)
    chat.expect(pexpect.EOF)
    chat.close()
    assert chat.exitstatus == 0


def test_help_lists_the_commands(chat):
    chat.sendline("/help")
    for name in ("/model", "/provider", "/clear", "/help", "/quit"):
        chat.expect_exact(name)


def test_an_unknown_command_names_the_nearest(chat):
    chat.sendline("/modle")
    chat.expect_exact("did you mean /model?")
    chat.expect(PROMPT)


def test_a_path_is_a_message(chat, lab):
    lab.script(Reply(text="a file"))
    chat.sendline("/etc/hosts is what?")
    chat.expect_exact("a file")


def test_a_backslash_continues_the_message(chat, lab):
    chat.sendline("first\\")
    chat.expect(r"\. ")
    chat.sendline("second")
    chat.expect(PROMPT)
    assert words(lab.calls[-1].json["messages"][-1]["content"]) == "first\nsecond"


def test_the_end_of_input_ends_a_continued_message(lab, run_ally: RunAlly):
    lab.script(Reply(text="taken"))
    assert run_ally("--plain", input="first\\").stdout == "taken\n"
    assert words(lab.calls[-1].json["messages"][-1]["content"]) == "first\n"


def test_a_pasted_block_is_one_message(lab, spawn):
    lab.script(Reply(text="all of it"))
    chat = spawn(TERM="xterm")
    chat.send("\x1b[200~first\r  sécond\rthird\x1b[201~")
    chat.send("\r")
    chat.expect_exact("all of it")
    contents = [words(request.json["messages"][-1]["content"]) for request in lab.calls]
    assert contents == ["first\n  sécond\nthird"]


def test_another_model_keeps_the_history_and_its_case(chat, lab):
    other = lab.models[1]
    chat.sendline("I am Ada")
    chat.expect(PROMPT)
    chat.sendline(f"/model {other}")
    chat.expect_exact(f"lab:{other}")
    chat.expect(PROMPT)
    chat.sendline("Who am I?")
    chat.expect(PROMPT)
    request = lab.calls[-1].json
    assert request["model"] == other
    assert words(request["messages"][1]["content"]) == "I am Ada"


def test_a_model_is_chosen_by_its_number_or_a_part_of_its_name(chat, lab):
    chat.sendline("/model")
    chat.expect(rf"(\d+)  {lab.models[0]} \(now\)")
    chat.expect(rf"(\d+)  {lab.models[1]} ")
    number = chat.match[1]
    chat.expect(CHOICE)
    chat.sendline(lab.models[1][:-1])
    chat.expect(r"\(\d+ of \d+:\)")
    chat.expect_exact(f"{number}  {lab.models[1]}")
    chat.expect_exact("Which one? ")
    chat.sendline(number)
    chat.expect_exact(f"lab:{lab.models[1]}")
    chat.expect(PROMPT)


def test_a_model_that_is_not_listed_is_tried_with_a_word_of_doubt(chat, lab):
    chat.sendline(f"/model {lab.models[1].upper()}")
    chat.expect_exact(f"lab lists no {lab.models[1].upper()}")
    chat.expect_exact(f"did you mean {lab.models[1]}?")
    chat.expect(PROMPT)


def test_models_of_this_machine_are_marked_and_so_is_where_a_model_runs(chat):
    chat.sendline("/provider local")
    chat.expect_exact("local:smollm2-135m (this machine)")
    chat.sendline("/model")
    chat.expect(r"embedded engine · this machine:\r\n +\d+  smollm2-135m \(now\) +8,192 \(\w+\)")
    chat.expect(r"qwen3-4b +≤40,960 .* native .*not now: .*ally models pull qwen3-4b")
    chat.expect(CHOICE)
    chat.sendline("")
    chat.expect(PROMPT)


def test_the_providers_are_listed_with_place_and_key(spawn):
    chat = spawn(rows=100)
    chat.sendline("/provider")
    chat.expect(r"this machine:")
    chat.expect(r"\d+  lab \(now\)")
    chat.expect(r"cloud:")
    chat.expect(r"(\d+)  openai .*not now: .*OPENAI_API_KEY")
    number = chat.match[1]
    chat.expect(CHOICE)
    chat.sendline(number)
    chat.expect(r"openai cannot be chosen now: .*OPENAI_API_KEY")
    chat.sendeof()
    chat.expect(PROMPT)


def test_a_provider_that_cannot_be_had_changes_nothing(chat, lab):
    chat.sendline("/provider nope")
    chat.expect_exact("Unknown provider: nope")
    chat.expect(PROMPT)
    chat.sendline("/provider openai")
    chat.expect_exact("OPENAI_API_KEY")
    chat.expect(PROMPT)
    lab.script(Reply(text="same as before"))
    chat.sendline("hi")
    chat.expect_exact("same as before")


def test_a_failed_turn_is_said_and_the_chat_goes_on(chat, lab):
    lab.script(Failure("bad_request"), Reply(text="better"))
    chat.sendline("hi")
    chat.expect_exact("Error: ")
    chat.expect(PROMPT)
    chat.sendline("again")
    chat.expect_exact("better")


def test_escape_sequences_of_a_model_do_not_reach_the_terminal(chat, lab):
    lab.script(Reply(text="a\x1b]52;c;AAAA\x07b\x1b[2Jc"))
    chat.sendline("hi")
    chat.expect_exact("a]52;c;AAAAb[2Jc")
