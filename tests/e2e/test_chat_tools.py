"""Tools in the plain chat: what is shown, what is asked, and what counts as an answer."""

import os
import signal
from pathlib import Path

import pexpect
import pytest

from tests.e2e.conftest import PROMPT, words
from tests.fakes import FakeOpenAI, Hang, Reply

ANSWER = "or what to do instead: "
WRITE = ("write", {"path": "a.txt", "content": "one\ntwo\n"})
PUSH = ("shell", {"command": "touch made"})


def results(lab: FakeOpenAI) -> list[str]:
    """What the tools told the model in the last request."""
    return [message["content"] for message in lab.calls[-1].json["messages"] if message["role"] == "tool"]


def test_a_read_is_a_line_and_needs_no_word(chat, lab, work: Path):
    (work / "a.txt").write_text("hello\n")
    lab.script(Reply(tool_calls=[("read", {"path": "a.txt"})]), Reply(text="It says hello."))
    chat.sendline("What does a.txt say?")
    chat.expect_exact("· read a.txt")
    chat.expect_exact("→ read a.txt")
    chat.expect_exact("It says hello.")
    assert "hello" in results(lab)[0]


def test_a_change_is_asked_with_its_difference_and_undone(chat, lab, work: Path):
    lab.script(Reply(tool_calls=[WRITE]), Reply(text="Written."))
    chat.sendline("write it")
    chat.expect_exact("Allow write?")
    chat.expect_exact("+one")
    chat.expect_exact(ANSWER)
    assert not (work / "a.txt").exists()
    chat.sendline("y")
    chat.expect_exact("Written.")
    chat.expect(PROMPT)
    assert (work / "a.txt").read_text() == "one\ntwo\n"
    chat.sendline("/diff")
    chat.expect_exact("+two")
    chat.expect(PROMPT)
    chat.sendline("/undo")
    chat.expect(r"removed +a\.txt")
    chat.expect(PROMPT)
    assert not (work / "a.txt").exists()
    chat.sendline("/redo")
    chat.expect(PROMPT)
    assert (work / "a.txt").read_text() == "one\ntwo\n"
    chat.sendline("What is there now?")
    chat.expect(PROMPT)
    assert "a.txt" in lab.calls[-1].json["messages"][-1]["content"]


def test_words_in_place_of_an_answer_refuse_and_reach_the_model(chat, lab, work: Path):
    lab.script(Reply(tool_calls=[WRITE]), Reply(text="I see."))
    chat.sendline("write it")
    chat.expect_exact(ANSWER)
    chat.sendline("put it into b.txt")
    chat.expect_exact("I see.")
    assert "put it into b.txt" in results(lab)[0]
    assert not (work / "a.txt").exists()


def test_keys_typed_ahead_do_not_answer(chat, lab, work: Path):
    lab.script(Reply(text="Let me", tool_calls=[WRITE], delay_s=0.1), Reply(text="As you say."))
    chat.sendline("write it")
    chat.expect_exact("Allow write?")
    chat.send("y\ny\n")
    chat.expect_exact(ANSWER)
    with pytest.raises(pexpect.TIMEOUT):
        chat.expect_exact("As you say.", timeout=1)
    assert not (work / "a.txt").exists()
    chat.sendline("n")
    chat.expect_exact("As you say.")
    assert not (work / "a.txt").exists()
    assert len(lab.calls) == 2


def test_what_does_not_fit_must_be_seen_before_it_is_allowed(spawn, lab, work: Path):
    chat = spawn(rows=20)
    command = "\n".join(f"echo {number}" for number in range(40)) + "\ntouch made" + " " * 300 + "; touch hidden\u202e"
    lab.script(Reply(tool_calls=[("shell", {"command": command})]), Reply(text="Done."))
    chat.sendline("go")
    chat.expect("… [0-9]+ lines hidden, v shows them")
    chat.expect_exact(ANSWER)
    chat.sendline("y")
    chat.expect_exact("Not all of it was shown yet")
    chat.expect_exact(ANSWER)
    chat.sendline("v")
    chat.expect_exact("touch made⟨300 spaces⟩; touch hidden⟨U+202E⟩")
    chat.expect_exact(ANSWER)
    chat.sendline("n")
    chat.expect_exact("Done.")
    assert not (work / "made").exists()


def test_an_answer_for_the_session_is_not_asked_twice(chat, lab, work: Path):
    commands = [("shell", {"command": f"touch made{number}"}) for number in (1, 2)]
    lab.script(Reply(tool_calls=commands[:1]), Reply(text="one"), Reply(tool_calls=commands[1:]), Reply(text="two"))
    chat.sendline("go")
    chat.expect(r"s, p, a would remember: (shell\(touch [^)]*\))")
    chat.expect_exact(ANSWER)
    chat.sendline("s")
    chat.expect_exact("one")
    chat.expect(PROMPT)
    chat.sendline("/permissions list")
    chat.expect_exact("touch")
    chat.expect(PROMPT)
    assert (work / "made1").exists()


def test_a_rule_of_the_command_line_denies_and_one_allows(spawn, lab, work: Path):
    chat = spawn("--allow", "shell(touch *)", "--deny", "write(a.txt)")
    lab.script(Reply(tool_calls=[WRITE]), Reply(tool_calls=[PUSH]), Reply(text="Done."))
    chat.sendline("go")
    chat.expect_exact("✗ not allowed")
    chat.expect_exact("Done.")
    assert (work / "made").exists()
    assert not (work / "a.txt").exists()


def test_the_mode_can_be_changed(chat, lab, work: Path):
    chat.sendline("/permissions mode accept-edits")
    chat.expect_exact("Mode accept-edits")
    chat.expect(PROMPT)
    lab.script(Reply(tool_calls=[WRITE]), Reply(text="Written."))
    chat.sendline("write it")
    chat.expect_exact("Written.")
    assert (work / "a.txt").exists()
    chat.sendline("/permissions mode nonsense")
    chat.expect_exact("the modes are ask, accept-edits, plan, bypass")


def test_ctrl_c_at_a_question_stops_the_turn_and_not_the_chat(chat, lab, work: Path):
    lab.script(Reply(tool_calls=[WRITE]), Reply(text="still here"))
    chat.sendline("write it")
    chat.expect_exact(ANSWER)
    chat.sendintr()
    chat.expect_exact("(Stopped.)")
    chat.expect(PROMPT)
    chat.sendline("and now?")
    chat.expect_exact("still here")
    assert not (work / "a.txt").exists()


def test_what_is_typed_meanwhile_is_said_when_the_model_is_asked_again(chat, lab, work: Path):
    chat.sendline("/permissions mode bypass")
    chat.expect(PROMPT)
    lab.script(Reply(tool_calls=[("shell", {"command": "echo begun; sleep 2"})]), Reply(text="Noted."))
    chat.sendline("go")
    chat.expect_exact("│ begun")
    chat.sendline("and be quick")
    chat.expect_exact("(Queued.)")
    chat.expect_exact("> and be quick")
    chat.expect_exact("Noted.")
    assert words(lab.calls[-1].json["messages"][-1]["content"]) == "and be quick"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("when", ["at the prompt", "in an answer"])
def test_a_signal_ends_the_chat_and_what_was_said_is_kept(spawn, chat, lab, number, code, when):
    lab.script(Reply(text="Hello Ada"))
    chat.sendline("I am Ada")
    chat.expect_exact("Hello Ada")
    chat.expect(PROMPT)
    if when == "in an answer":
        lab.script(Reply(text="Once upon a time", fault=Hang("finish")))
        chat.sendline("tell")
        chat.expect_exact("Once upon a time")
    os.kill(chat.pid, number)
    chat.expect(pexpect.EOF)
    chat.close()
    assert chat.exitstatus == code
    lab.script(Reply(text="You are Ada"))
    later = spawn("-c")
    later.sendline("Who am I?")
    later.expect_exact("You are Ada")
    said = [words(message["content"]) for message in lab.calls[-1].json["messages"][1:]]
    told = ["tell", "Once upon a time"] if when == "in an answer" else []
    assert said == ["I am Ada", "Hello Ada", *told, "Who am I?"]


def test_commands_of_the_user_run_with_their_rights_and_are_told_to_the_model(chat, lab, work: Path):
    chat.sendline("!touch mine; echo did it")
    chat.expect_exact("With your rights")
    chat.expect_exact("did it")
    chat.expect_exact("exit 0; the model is told with your next message")
    chat.expect(PROMPT)
    assert (work / "mine").exists()
    chat.sendline("What did I do?")
    chat.expect(PROMPT)
    content = lab.calls[-1].json["messages"][-1]["content"]
    assert "touch mine; echo did it" in content
    assert "did it" in content.rpartition("exit 0")[2]


def test_a_file_goes_along_with_a_message_and_a_secret_is_asked_about(chat, lab, work: Path):
    (work / "note.txt").write_text("the cat is grey\n")
    (work / ".env").write_text("KEY=sk-secret\n")
    chat.sendline("What does @note.txt say, @alice?")
    chat.expect(PROMPT)
    content = lab.calls[-1].json["messages"][-1]["content"]
    assert words(content) == "What does @note.txt say, @alice?"
    assert "the cat is grey" in content
    chat.sendline("And @.env?")
    chat.expect_exact("Allow read?")
    chat.expect_exact(ANSWER)
    chat.sendline("n")
    chat.expect_exact("@.env was not attached")
    chat.expect(PROMPT)
    assert len(lab.calls) == 1


def test_a_command_of_the_user_that_cannot_do_what_it_seems_to_says_so(chat, work: Path):
    chat.sendline("!cd ..")
    chat.expect_exact("Ally stays in its folder")
    chat.sendline("!")
    chat.expect_exact("There is no command after the !")
