"""Reading files into a collection while the chat goes on."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event, Thread

from ally.errors import AllyError
from ally.rag.progress import Progress, Report, Watcher


class Reading:
    """A run over a collection in a thread of its own, which ends with the program; what it did until then stays."""

    def __init__(self, work: Callable[[Watcher], Report]) -> None:
        self._stop = Event()
        self._done: Future[Report] = Future()
        self._tasks: set[asyncio.Task[None]] = set()
        self.progress: Progress | None = None
        self._thread = Thread(target=self._run, args=(work,), name="reading", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self._done.done()

    async def has_text(self, timeout_s: float) -> bool:
        """Whether all text is in, asked after at most so long."""
        with contextlib.suppress(TimeoutError, AllyError):
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._done)), timeout_s)
        return self.is_over or (self.progress is not None and self.progress.phase == "embedding")

    def when_over(self, then: Callable[[], None]) -> None:
        """Call `then` in this event loop once it has ended."""

        async def wait() -> None:
            with contextlib.suppress(AllyError):  # whoever asks for the result is told
                await asyncio.shield(asyncio.wrap_future(self._done))
            then()

        task = asyncio.get_running_loop().create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def result(self) -> Report:
        """What came of it.

        Raises:
            AllyError: it could not be done.
        """
        return self._done.result()

    def stop(self) -> None:
        """Let it end soon."""
        self._stop.set()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def _run(self, work: Callable[[Watcher], Report]) -> None:
        try:
            report = work(Watcher(self._note, self._stop.is_set))
        except AllyError as error:
            self._done.set_exception(error)
        else:
            self._done.set_result(report)

    def _note(self, progress: Progress) -> None:
        self.progress = progress
