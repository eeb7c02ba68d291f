import os
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from ally.tools.user_shell import Said, run_unseen

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
from pathlib import Path
from ally.tools.user_shell import run_user_command
said = run_user_command(sys.argv[1], Path(sys.argv[2]))
print("RESULT", said.code, ascii(said.text), flush=True)
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "SHELL": "/bin/sh", "MINE": "kept"}


def words(command: str, folder: Path) -> list[str]:
    return [sys.executable, "-c", PROGRAM, command, str(folder)]


def run(command: str, folder: Path) -> str:
    done = subprocess.run(
        words(command, folder), env=environment(), stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=30
    )
    return done.stdout.decode()


def test_without_a_terminal_it_is_streamed_and_told(tmp_path: Path):
    said = run("pwd; echo $MINE; echo err >&2; exit 4", tmp_path)
    assert said == f"{tmp_path}\nkept\nerr\nRESULT 4 '{tmp_path}\\nkept\\nerr\\n'\n"


def test_long_output_is_shown_whole_and_kept_in_part_without_a_file(tmp_path: Path):
    said = run("seq 30000", tmp_path)
    assert said.startswith("1\n2\n") and "\n30000\nRESULT 0" in said
    assert len(said.partition("RESULT")[2]) < 15_000
    assert list(tmp_path.iterdir()) == []


def test_what_a_full_screen_program_draws_is_not_kept(tmp_path: Path):
    pieces = (r"be", r"fore\033[?10", r"49hpicture\033[?1049lafter\033[?25", "h")
    said = run("; sleep 0.05; ".join(f"printf '{piece}'" for piece in pieces), tmp_path)
    assert "picture" in said.partition("RESULT")[0]
    assert said.rstrip().endswith(r"RESULT 0 'beforeafter\n(a full-screen program)\n'")


def test_what_is_left_in_the_background_is_not_waited_for(tmp_path: Path):
    assert "RESULT 0 'done\\n'" in run("sleep 5 & echo done", tmp_path)


def test_an_interrupt_ends_the_command(tmp_path: Path):
    with subprocess.Popen(
        words("echo begun; sleep 60", tmp_path), env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout
        assert program.stdout.readline() == b"begun\n"
        program.send_signal(signal.SIGINT)
        assert program.stdout.readline() == b"RESULT 130 'begun\\n'\n"


@pytest.fixture
def terminal(tmp_path: Path):
    command = "stty size; read -p name: x; echo hello $x; sleep 60"
    python, *arguments = words(f"exec bash --norc -c '{command}'", tmp_path)
    child = pexpect.spawn(python, arguments, env=environment(), dimensions=(33, 99), timeout=15)
    yield child
    child.close(force=True)


def test_on_a_terminal_the_command_owns_keys_size_and_interrupts(terminal: pexpect.spawn):
    terminal.expect("33 99")
    terminal.expect("name:")
    terminal.sendline("Ann")
    terminal.expect("hello Ann")
    terminal.send("\x03")
    terminal.expect("RESULT 130 ")
    terminal.expect(pexpect.EOF)


def test_without_a_terminal_nothing_of_it_is_shown_and_it_ends_when_it_has_to(tmp_path: Path, capfd):
    assert run_unseen("echo out; echo err >&2; cat; exit 3", tmp_path, lambda: False) == Said(3, "out\nerr\n")
    begun = tmp_path / "begun"
    assert run_unseen("touch begun; exec >&- 2>&-; sleep 60", tmp_path, begun.exists) == Said(130, "")
    assert capfd.readouterr() == ("", "")
