"""`ally -p` as a script runs it: the real command against a service on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RunAlly
from tests.e2e.conftest import words
from tests.fakes import HTML, KEY, Failure, FakeOpenAI, Hang, Reply
from tests.fakes.reply import Cut, Usage

RESULT_KEYS = {
    "session_id",
    "agent",
    "provider",
    "model",
    "result",
    "stop_reason",
    "is_error",
    "error",
    "num_turns",
    "tool_calls",
    "usage",
    "duration_ms",
    "permission_denials",
    "citations",
    "citations_struck",
    "structured_output",
}


@pytest.fixture
def lab(fake_openai: FakeOpenAI, checkout: Path) -> FakeOpenAI:
    """The fake as an endpoint of config.json, and the default provider."""
    endpoint = {"compatible": "openai", "base_url": fake_openai.base_url, "api_key_env": "LAB_KEY"}
    model = fake_openai.models[0]
    config = {"provider": "lab", "model": model, "endpoints": {"lab": {**endpoint, "default_model": model}}}
    (checkout / "config.json").write_text(json.dumps(config))
    (checkout / ".env").write_text(f"LAB_KEY={KEY}\n")
    return fake_openai


def test_stdout_holds_the_answer_and_nothing_else(lab, run_ally: RunAlly):
    lab.script(Reply(text="Grüße, 世界 👋"))
    done = run_ally("-p", "hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Grüße, 世界 👋\n", "")


def test_an_answer_that_was_cut_at_the_length_limit_says_so_beside_it(lab, run_ally: RunAlly):
    lab.script(Reply(text="Once upon", stop="length"))
    done = run_ally("-p", "a story")
    assert (done.returncode, done.stdout) == (0, "Once upon\n")
    assert done.stderr == "The answer reached the model's length limit.\n"


def test_piped_text_and_the_question_after_it_are_one_message(lab, run_ally: RunAlly):
    run_ally("-p", "When is it?", input="It moved to Friday.\n")
    sent = lab.calls[-1].json["messages"]
    assert words(sent[-1]["content"]) == "It moved to Friday.\n\nWhen is it?"


def test_json_is_one_object_with_every_public_field(lab, run_ally: RunAlly):
    lab.script(Reply(text="Friday", usage=Usage(input=20, output=3, cached=8)))
    done = run_ally("-p", "When?", "--output-format", "json", "--agent", "code_gen")
    value = json.loads(done.stdout)
    assert set(value) == RESULT_KEYS
    assert (value["provider"], value["agent"], value["result"]) == ("lab", "code_gen", "Friday")
    assert value["usage"] == {"input_tokens": 20, "output_tokens": 3, "cached_input_tokens": 8}
    assert (value["is_error"], value["error"], value["stop_reason"], value["num_turns"]) == (False, None, "end", 1)


def test_stream_json_ends_with_the_result(lab, run_ally: RunAlly):
    lab.script(Reply(text="one two three four five"))
    done = run_ally("-p", "count", "--output-format", "stream-json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["type"] == "system"
    assert lines[0]["subtype"] == "init"
    deltas = [line["event"]["delta"]["text"] for line in lines if line["type"] == "stream_event"]
    assert len(deltas) > 1
    assert "".join(deltas) == "one two three four five"
    assert lines[-2]["message"]["content"] == [{"type": "text", "text": "one two three four five"}]
    assert (lines[-1]["type"], lines[-1]["subtype"]) == ("result", "success")
    assert set(lines[-1]) >= RESULT_KEYS
    assert len({line["session_id"] for line in lines}) == 1


@pytest.mark.parametrize(
    ("reply", "code", "kind"),
    [
        (Failure("auth"), 4, "RefusedKey"),
        (Failure("unknown_model"), 2, "UnknownModel"),
        (Failure("rate_limit", retry_after_s=None), 5, "RateLimited"),
        (Failure("context"), 3, "ContextTooLong"),
        (Failure("bad_request"), 1, "BadRequest"),
        (HTML, 1, "BadReply"),
        (Reply(text="half an answer", fault=Cut("text")), 1, "CutStream"),
    ],
)
def test_failures_have_their_exit_code_and_type(lab, run_ally: RunAlly, reply, code, kind):
    lab.script(reply)
    done = run_ally("-p", "hi", "--output-format", "json")
    value = json.loads(done.stdout)
    assert (done.returncode, value["is_error"], value["error"]["type"]) == (code, True, kind)
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert KEY not in done.stdout + done.stderr


def test_a_passing_overload_is_waited_out_and_seen(lab, run_ally: RunAlly):
    lab.script(Failure("overloaded"), Reply(text="fine now"))
    done = run_ally("-p", "hi")
    assert (done.returncode, done.stdout) == (0, "fine now\n")
    assert "Trying again in " in done.stderr


def test_an_unreachable_service_is_exit_5(lab, run_ally: RunAlly, checkout: Path, closed_port: int):
    config = {"endpoints": {"gone": {"base_url": f"http://127.0.0.1:{closed_port}/v1", "default_model": "m"}}}
    (checkout / "config.json").write_text(json.dumps(config))
    done = run_ally("-p", "hi", "--provider", "gone")
    assert done.returncode == 5
    assert str(closed_port) in done.stderr


def test_a_missing_key_is_exit_4_and_says_where_it_goes(run_ally: RunAlly):
    done = run_ally("-p", "hi", "--provider", "openai")
    assert done.returncode == 4
    assert "OPENAI_API_KEY" in done.stderr
    assert ".env" in done.stderr
    assert done.stdout == ""


def test_an_unknown_provider_is_exit_2_in_the_words_of_the_guide(run_ally: RunAlly):
    done = run_ally("-p", "hi", "--provider", "nope")
    assert done.returncode == 2
    assert "Unknown provider: nope. Available providers: ai21, anthropic" in done.stderr


@pytest.mark.parametrize("argv", [["--nonsense"], ["-p"], ["-p", "hi", "--agent", "nobody"], ["providers", "dance"]])
def test_misuse_is_exit_2(run_ally: RunAlly, argv):
    done = run_ally(*argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")


def test_offline_refuses_a_service_beyond_this_machine(run_ally: RunAlly):
    done = run_ally("-p", "hi", "--offline", "--provider", "openai", env={"OPENAI_API_KEY": "sk-x"}, guarded=False)
    assert done.returncode == 5
    assert "Offline" in done.stderr


def test_offline_reaches_services_on_this_machine(lab, run_ally: RunAlly):
    lab.script(Reply(text="here"))
    assert run_ally("-p", "hi", "--offline").stdout == "here\n"


def test_a_json_schema_gives_checked_structured_output(lab, run_ally: RunAlly, tmp_path: Path):
    schema = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
    (tmp_path / "day.json").write_text(json.dumps(schema))
    lab.script(Reply(text="It is Friday."), *[Reply(text='{"day": "Friday"}')] * 3, *[Reply(text='{"when": 1}')] * 2)
    argv = ("-p", "When?", "--json-schema", str(tmp_path / "day.json"), "--output-format", "json")
    assert json.loads(run_ally(*argv).stdout)["structured_output"] == {"day": "Friday"}
    assert lab.calls[-1].json["response_format"]["json_schema"]["schema"]["required"] == ["day"]
    assert json.loads(run_ally(*argv).stdout)["num_turns"] == 1, "an answer that has the form is not asked for again"
    assert run_ally(*argv[:-2]).stdout == '{"day": "Friday"}\n'
    done = run_ally(*argv)
    assert done.returncode == 1
    assert "day" in json.loads(done.stdout)["error"]["message"]


def test_a_schema_that_is_none_is_exit_2(lab, run_ally: RunAlly, tmp_path: Path):
    (tmp_path / "bad.json").write_text('{"type": "objekt"}')
    done = run_ally("-p", "When?", "--json-schema", str(tmp_path / "bad.json"))
    assert done.returncode == 2
    assert "bad.json" in done.stderr


def test_a_time_limit_ends_with_exit_3_and_keeps_the_text(lab, run_ally: RunAlly):
    lab.script(Reply(text="so far so good", fault=Hang("finish")))
    done = run_ally("-p", "hi", "--max-seconds", "2")
    assert (done.returncode, done.stdout) == (3, "so far so good\n")
    assert "--max-seconds" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_answer_and_keeps_what_came(lab, ally_environment, checkout, number, code):
    lab.script(Reply(text="Once upon a time", fault=Hang("finish")))
    command = [sys.executable, "-m", "ally", "-p", "tell", "--output-format", "json"]
    env = ally_environment(checkout)
    child = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=checkout)
    deadline = time.monotonic() + 20
    while not lab.calls and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    os.kill(child.pid, number)
    output = child.communicate(timeout=20)[0]
    value = json.loads(output)
    assert (child.returncode, value["stop_reason"], value["result"]) == (code, "interrupted", "Once upon a time")
    assert lab.calls[0].wait_disconnected(5)


@pytest.fixture
def in_shell(ally_environment, checkout) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a line of shell in which `ally` is the command."""

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", f'ally() {{ "{sys.executable}" -m ally "$@"; }}; {line}'],
            env=ally_environment(checkout),
            cwd=checkout,
            capture_output=True,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )

    return run


def test_a_reader_that_leaves_is_no_traceback(lab, in_shell):
    lab.script(Reply(text="word " * 20000, piece_chars=500))
    done = in_shell("ally -p tell | head -c 10")
    assert done.stdout == "word word "
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("argv", ["-p hi", "-p hi --output-format json", "providers", "--plain hi", "doctor", "-h"])
def test_an_answer_that_cannot_be_written_is_an_error(lab, in_shell, argv):
    done = in_shell(f"ally {argv} > /dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Error: Standard output cannot be written: No space left on device."


@pytest.mark.parametrize("argv", ["-p hi", "-p hi --output-format json", "providers", "--plain", "--version"])
def test_a_closed_output_is_an_error_before_anything_is_sent(lab, in_shell, argv):
    done = in_shell(f"ally {argv} >&-")
    assert (done.returncode, done.stderr) == (1, "Error: Standard output is closed.\n")
    assert lab.calls == []


def test_a_closed_input_is_an_empty_one(lab, in_shell):
    lab.script(Reply(text="here"))
    assert in_shell("ally -p hi <&-").stdout == "here\n"
    assert in_shell("ally --plain <&-").returncode == 0


def test_errors_do_not_move_to_stdout_when_stderr_is_closed(in_shell):
    done = in_shell("ally -p hi --provider nope 2>&-")
    assert (done.returncode, done.stdout) == (2, "")


def test_control_characters_of_a_model_stay_data_in_json(lab, run_ally: RunAlly):
    lab.script(Reply(text="a\x1b[31mb\u202ec"))
    done = run_ally("-p", "hi", "--output-format", "json")
    assert "\x1b" not in done.stdout
    assert json.loads(done.stdout)["result"] == "a\x1b[31mb\u202ec"


def test_env_of_the_folder_one_stands_in_is_not_read(run_ally: RunAlly, tmp_path: Path):
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-stolen\nALLY_PROVIDER=openai\n")
    done = run_ally("-p", "hi", "--provider", "openai", cwd=tmp_path)
    assert done.returncode == 4


def test_the_directory_option_sets_the_working_folder(lab, run_ally: RunAlly, tmp_path: Path):
    done = run_ally("-p", "hi", "-d", str(tmp_path), "--output-format", "stream-json")
    assert json.loads(done.stdout.splitlines()[0])["cwd"] == str(tmp_path)
    done = run_ally("-p", "hi", "-d", str(tmp_path / "missing"))
    assert done.returncode == 2
    assert "missing" in done.stderr


def test_modules_of_the_folder_one_stands_in_are_not_imported(lab, run_ally: RunAlly, tmp_path: Path):
    for name in ("httpx2", "readline", "dotenv", "argparse"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a file of the project was run')\n")
    lab.script(Reply(text="unharmed"))
    assert run_ally("-p", "hi", cwd=tmp_path).stdout == "unharmed\n"


def test_a_rule_about_a_tool_that_does_not_exist_is_told(lab, run_ally: RunAlly):
    lab.script(Reply(text="ok"))
    done = run_ally("-p", "hi", "--deny", "shel(ls *)")
    assert (done.returncode, done.stdout) == (0, "ok\n")
    assert "there is no tool shel; did you mean shell?" in done.stderr
