"""What is typed while the model works, on a real pseudo-terminal."""

import asyncio
import os
import pty
from collections.abc import Iterator

import pytest

from ally.cli.keyboard import QUIET_S, Keyboard


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The side of the person and the side of the program."""
    person, program = pty.openpty()
    yield person, program
    os.close(person)
    os.close(program)


async def test_lines_go_to_the_queue_and_a_pasted_block_is_one(terminal):
    person, program = terminal
    taken: list[str] = []
    with Keyboard(program, taken.append).watching():
        os.write(person, b"first\n")
        await asyncio.sleep(0.2)
        os.write(person, "zwei\ndrei ü\n".encode())
        await asyncio.sleep(0.2)
        os.write(person, b"\n  \n")
        await asyncio.sleep(0.2)
    assert taken == ["first", "zwei\ndrei ü"]


async def test_keys_typed_before_the_prompt_do_not_answer(terminal):
    person, program = terminal
    taken: list[str] = []
    asked = asyncio.Event()
    keyboard = Keyboard(program, taken.append)
    with keyboard.watching():
        os.write(person, b"y")
        waiting = asyncio.create_task(keyboard.fresh_line(asked.set))
        for _ in range(6):  # goes on for longer than the quiet time
            await asyncio.sleep(QUIET_S / 4)
            os.write(person, b"y\n")
        assert not asked.is_set()
        await asyncio.wait_for(asked.wait(), 10)
        assert not waiting.done()
        os.write(person, b"n\n")
        assert await asyncio.wait_for(waiting, 10) == "n"
    assert taken == []


async def test_the_end_of_input_is_no_answer(terminal):
    person, program = terminal
    keyboard = Keyboard(program, lambda text: None)
    with keyboard.watching():
        assert await asyncio.wait_for(keyboard.fresh_line(lambda: os.write(person, b"\x04") and None), 10) is None
        assert await asyncio.wait_for(keyboard.fresh_line(lambda: None), 10) is None


async def test_a_question_that_is_given_up_leaves_the_terminal_as_it_was(terminal):
    person, program = terminal
    taken: list[str] = []
    keyboard = Keyboard(program, taken.append)
    with keyboard.watching():
        for pause_s in (QUIET_S / 5, QUIET_S * 1.5):
            waiting = asyncio.create_task(keyboard.fresh_line(lambda: None))
            await asyncio.sleep(pause_s)
            waiting.cancel()
            await asyncio.wait({waiting})
        os.write(person, b"a message\n")
        await asyncio.sleep(0.3)
    assert taken == ["a message"]
