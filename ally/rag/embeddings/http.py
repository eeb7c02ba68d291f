"""Sending requests for embeddings: one event loop in a thread of its own, so that waiting can be stopped at once."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx2
import msgspec

from ally.egress.failures.faults import Faults
from ally.egress.transport import open_client
from ally.errors import IdleStream, ProviderError, Unreachable
from ally.rag.embeddings.api import Answer, Api, Call, Target
from ally.rag.embeddings.vectors import NoVectors

T = TypeVar("T")

_FAILURES = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError)
_LARGEST_ANSWER = 128 * 1024 * 1024
_LARGEST_ERROR = 256 * 1024
_LONGEST_S = 900.0
"""For one request, however steadily its answer trickles."""
_GRACE_S = 5.0
_OK = 200


class Connection:
    """Calls to one target, by one client, in the event loop of its first call."""

    def __init__(self, target: Target, api: Api) -> None:
        self._target = target
        self._api = api
        self._faults = Faults(target, api.hints)
        self._client: httpx2.AsyncClient | None = None

    async def ask(self, call: Call) -> Answer:
        """The answer to `call`.

        Raises:
            ProviderError: there is none; nothing was tried again.
        """
        is_answering = False
        try:
            async with asyncio.timeout(_LONGEST_S):
                response = await self._send(call)
                is_answering = True
                try:
                    return self._read(response, await self._body(response))
                finally:
                    await response.aclose()
        except ProviderError as error:
            # A refusal by the transport does not know the provider.
            own = error if error.provider else self._faults.from_transport(error, answering=False)
            raise own from error.__cause__
        except TimeoutError as error:
            raise IdleStream(_LONGEST_S, provider=self._target.provider, model=self._target.model) from error
        except _FAILURES as error:
            raise self._faults.from_transport(error, answering=is_answering) from error

    def bad_reply(self, what: str) -> ProviderError:
        """The service answered, but not as it should; `what` begins with a verb."""
        return self._faults.bad_reply(what)

    async def close(self) -> None:
        """Give back connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _send(self, call: Call) -> httpx2.Response:
        target = self._target
        if self._client is None:
            self._client = open_client(
                "embed", connect_timeout_s=target.connect_timeout_s, idle_timeout_s=target.idle_timeout_s
            )
        try:
            headers = [(name.encode("ascii"), _sendable(value)) for name, value in call.headers.items()]
        except ValueError:
            # No cause: its text would hold the key.
            raise self._faults.unsendable_key() from None
        return await self._client.send(
            self._client.build_request("POST", call.url, content=call.body, headers=headers), stream=True
        )

    async def _body(self, response: httpx2.Response) -> bytes:
        limit = _LARGEST_ANSWER if response.status_code == _OK else _LARGEST_ERROR
        parts: list[bytes] = []
        size = 0
        try:
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > limit:
                    break
        except _FAILURES:
            if response.status_code == _OK:
                raise
            return b""  # a body that cannot be read must not hide the status
        if size > limit and response.status_code == _OK:
            raise self.bad_reply(f"sent an answer of more than {limit // 1_000_000} MB")
        return b"".join(parts)

    def _read(self, response: httpx2.Response, body: bytes) -> Answer:
        if response.status_code != _OK:
            headers = {name.lower(): value for name, value in response.headers.items()}
            raise self._faults.from_answer(response.status_code, headers, body)
        try:
            return self._api.read(body)
        except NoVectors as error:
            raise self.bad_reply(str(error)) from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if _reports_error(body):
                raise self._faults.from_event(msgspec.json.decode(body)) from error
            is_page = "html" in response.headers.get("content-type", "")
            what = "a web page" if is_page else "something else"
            raise self.bad_reply(f"answered with {what} instead of vectors") from error


class Runner:
    """Runs coroutines for threads that wait; the first one starts its thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:  # Any: what a coroutine may be sent is of no interest
        """What `work` gives. Whatever interrupts the waiting ends the work, too."""
        future = asyncio.run_coroutine_threadsafe(work, self._started())
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Unreachable("The embedder was closed while it worked.") from None
        except BaseException:
            future.cancel()
            raise

    def close(self, last: Coroutine[Any, Any, None]) -> None:  # Any: as above
        """End all work, then do `last`, then end the thread."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            last.close()
            return
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(_end_all(last), loop).result(_GRACE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_GRACE_S)
        if not thread.is_alive():
            loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="embedding")
                self._thread.start()
            return self._loop


async def _end_all(last: Coroutine[Any, Any, None]) -> None:  # Any: as above
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await last


def _sendable(value: str) -> bytes:
    if not value.isprintable():
        raise ValueError("a header value holds control characters")
    return value.encode("ascii")


def _reports_error(body: bytes) -> bool:
    """Whether an answer with status 200 is an error all the same."""
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(value, dict) and "error" in value
