"""What Ctrl-C and the signals that end a program do."""

import asyncio
import os
import signal
import threading
import time

import pytest

from ally.cli.signals import exit_code, leaving, stopping
from ally.engine.interrupt import Interrupt, Interrupted

ENDING = [(signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), *ENDING])
def test_the_first_signal_stops_the_turn_and_is_remembered(number, code):
    async def turn() -> bool:
        interrupt = Interrupt()
        interrupt.start(None)
        with stopping(interrupt) as received:
            os.kill(os.getpid(), number)
            with pytest.raises(Interrupted):
                await interrupt.sleep(20)
        assert exit_code(received.number) == code
        return received.ends_program

    assert asyncio.run(turn()) is (number != signal.SIGINT)


def test_the_second_one_is_obeyed_at_once_by_a_turn_that_will_not_stop():
    async def turn() -> None:
        with stopping(Interrupt()):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0)
            await asyncio.sleep(20)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(turn())


@pytest.mark.parametrize(("number", "code"), ENDING)
def test_between_turns_the_program_leaves_in_the_ordinary_way(number, code):
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as left, leaving():
        os.kill(os.getpid(), number)
        signal.pause()
    assert left.value.code == code
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(("number", "code"), ENDING)
def test_a_signal_is_obeyed_although_the_main_thread_does_not_notice_it(number, code):
    def unnoticed() -> None:  # as when it arrives just before the main thread begins to wait
        signal.pthread_kill(threading.get_ident(), number)

    with pytest.raises(SystemExit) as left, leaving():
        threading.Timer(0.1, unnoticed).start()
        time.sleep(3600)
    assert left.value.code == code
    assert signal.set_wakeup_fd(-1) == -1
