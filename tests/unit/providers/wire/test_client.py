import asyncio
import gc
import gzip
import json
import socket
import ssl
import subprocess
import sys
import time
import warnings

import pytest
import trustme

from ally.egress.ledger import ledger
from ally.errors import (
    BadReply,
    CutStream,
    IdleStream,
    Overloaded,
    ProviderError,
    RateLimited,
    RefusedKey,
    UnknownModel,
    Unreachable,
)
from ally.messages import user
from ally.providers.model import Chunk, Done, Model, Request, TextChunk
from ally.providers.wire import ollama, openai
from ally.providers.wire.options import build_target
from tests.unit.providers.wire.raw_server import HEAD, Answer, Peer, fixed, serve, streamed
from tests.unit.providers.wire.samples import ASK, OPENAI, joined

KEY = "sk-test-0123456789abcdef"
WORD = b'data: {"choices": [{"delta": {"content": "word "}}]}\n\n'
STOP = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
END = b"data: [DONE]\n\n"


def connect(url: str, **options: object) -> Model:
    return openai.model(build_target("acme", "acme-1", f"{url}/v1", api_key=KEY, options=options))


async def ask(model: Model, request: Request = ASK) -> list[Chunk]:
    return [chunk async for chunk in model.stream(request)]


async def outcome(answer: Answer, **options: object) -> list[Chunk] | ProviderError:
    """What one call gives; the model is closed afterwards."""
    async with serve(answer) as server:
        model = connect(server.url, **options)
        try:
            return await ask(model)
        except ProviderError as error:
            return error
        finally:
            await model.close()


async def test_an_answer_arrives_and_the_connection_is_used_again() -> None:
    async with serve(streamed(OPENAI.wire())) as server:
        model = connect(server.url)
        for _ in range(3):
            assert joined(await ask(model)) == OPENAI.expected
        await model.close()
        assert server.connections == 1
    assert f"authorization: bearer {KEY}".encode() in server.peers[0].request.lower()


async def test_pieces_arrive_as_they_are_sent() -> None:
    go = asyncio.Event()

    async def answer(peer: Peer) -> None:
        await peer.send(HEAD)
        await peer.chunk(WORD)
        await go.wait()
        await peer.chunk(STOP + END)
        await peer.send(b"0\r\n\r\n")

    async with serve(answer) as server:
        model = connect(server.url)
        chunks = aiter(model.stream(ASK))
        assert await asyncio.wait_for(anext(chunks), 5) == TextChunk("word ")
        go.set()
        assert [chunk async for chunk in chunks] == [Done("end")]
        await model.close()


async def endless(peer: Peer) -> None:
    await peer.send(HEAD)
    await peer.chunk(WORD)
    await peer.wait_until_left()


async def silent(peer: Peer) -> None:
    await peer.wait_until_left()


@pytest.mark.parametrize("answer", [endless, silent], ids=["in the middle", "before the first byte"])
async def test_a_cancelled_task_closes_the_connection_at_once(answer: Answer) -> None:
    async with serve(answer) as server:
        model = connect(server.url)
        task = asyncio.create_task(ask(model))
        await asyncio.wait_for(server.asked.wait(), 5)
        await asyncio.sleep(0.05)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 5)
        assert time.monotonic() - started < 0.3
        await model.close()


async def test_a_closed_iterator_closes_the_connection_and_leaves_no_warning() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with serve(endless) as server:
            model = connect(server.url)
            chunks = model.stream(ASK)
            assert await anext(chunks) == TextChunk("word ")
            started = time.monotonic()
            await chunks.aclose()  # type: ignore[attr-defined] - an async generator
            await asyncio.wait_for(server.left.wait(), 5)
            assert time.monotonic() - started < 0.3
            await model.close()
        del chunks
        gc.collect()
        await asyncio.sleep(0)
    assert [str(one.message) for one in caught] == []


async def test_after_an_interruption_the_model_still_works() -> None:
    answers = iter([endless, streamed(WORD, STOP, END)])

    async def answer(peer: Peer) -> None:
        await next(answers)(peer)

    async with serve(answer) as server:
        model = connect(server.url)
        async for _ in (chunks := model.stream(ASK)):
            break
        await chunks.aclose()  # type: ignore[attr-defined] - an async generator
        assert await ask(model) == [TextChunk("word "), Done("end")]
        await model.close()


async def test_calls_at_the_same_time_do_not_mix() -> None:
    async def answer(peer: Peer) -> None:
        asked = json.loads(peer.request.partition(b"\r\n\r\n")[2])["messages"][0]["content"]
        await asyncio.sleep(0.02)
        piece = json.dumps({"choices": [{"delta": {"content": asked}, "finish_reason": "stop"}]})
        await streamed(f"data: {piece}\n\n".encode(), END)(peer)

    async with serve(answer) as server:
        model = connect(server.url)
        answers = await asyncio.gather(*[ask(model, Request([user(str(number))])) for number in range(8)])
        await model.close()
    assert [chunks[0] for chunks in answers] == [TextChunk(str(number)) for number in range(8)]


async def test_silence_before_and_within_an_answer_is_idle() -> None:
    for answer in (silent, endless):
        error = await outcome(answer, idle_timeout_s=0.2)
        assert isinstance(error, IdleStream)
        assert error.idle_s == 0.2
        assert error.provider == "acme"


async def test_comments_keep_a_slow_answer_alive() -> None:
    async def answer(peer: Peer) -> None:
        await peer.send(HEAD)
        for _ in range(6):
            await asyncio.sleep(0.1)
            await peer.chunk(b": still here\n\n")
        await peer.chunk(WORD + STOP + END)
        await peer.send(b"0\r\n\r\n")

    assert await outcome(answer, idle_timeout_s=0.3) == [TextChunk("word "), Done("end")]


async def test_a_server_that_stays_silent_after_done_is_not_waited_for() -> None:
    async def answer(peer: Peer) -> None:
        await peer.send(HEAD)
        await peer.chunk(WORD + STOP + END)
        await peer.wait_until_left()

    started = time.monotonic()
    assert await outcome(answer) == [TextChunk("word "), Done("end")]
    assert time.monotonic() - started < 1


async def test_a_connection_lost_after_the_finish_reason_loses_nothing() -> None:
    async def answer(peer: Peer) -> None:
        await peer.send(HEAD)
        await peer.chunk(WORD + STOP)
        peer.writer.transport.abort()

    assert await outcome(answer) == [TextChunk("word "), Done("end")]


@pytest.mark.parametrize("size", range(0, len(WORD) * 2, 7))
async def test_a_connection_lost_in_the_answer_is_a_cut(size: int) -> None:
    async def answer(peer: Peer) -> None:
        await peer.send(HEAD)
        await peer.chunk((WORD * 2)[:size] or b"\n")
        peer.writer.close()

    assert isinstance(await outcome(answer), CutStream)


async def test_a_close_delimited_answer_that_ends_early_is_a_cut() -> None:
    async def answer(peer: Peer) -> None:
        await peer.send(HEAD.replace(b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n") + WORD)
        peer.writer.close()

    assert isinstance(await outcome(answer), CutStream)


@pytest.mark.parametrize(
    ("body", "kind"), [(b'{"message": {"content": "Hel', CutStream), (b"", CutStream), (b"Ollama is running", BadReply)]
)
async def test_a_first_line_of_ollama_that_is_none(body: bytes, kind: type[ProviderError]) -> None:
    async with serve(fixed(body, kind="application/x-ndjson")) as server:
        model = ollama.model(build_target("ollama", "m", server.url))
        with pytest.raises(kind):
            await ask(model)
        await model.close()


async def test_a_first_event_that_is_cut() -> None:
    assert isinstance(await outcome(streamed(WORD[:20])), CutStream)
    assert isinstance(await outcome(streamed(b": hello\n\n")), CutStream)


async def test_a_connection_closed_without_an_answer() -> None:
    async def answer(peer: Peer) -> None:
        peer.writer.close()

    error = await outcome(answer)
    assert isinstance(error, Unreachable)
    assert error.retryable


async def test_nothing_listens_there(unused_tcp_port: int) -> None:
    model = connect(f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(Unreachable, match=f"127.0.0.1:{unused_tcp_port}: nothing listens there") as caught:
        await ask(model)
    assert "start its server" in caught.value.hint
    local = ollama.model(build_target("ollama", "qwen3:8b", f"http://localhost:{unused_tcp_port}"))
    with pytest.raises(Unreachable) as caught:
        await ask(local)
    assert "ollama serve" in caught.value.hint
    await model.close()
    await local.close()


async def test_a_certificate_that_nobody_vouches_for(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    async with serve(streamed(WORD, STOP, END), context) as server:
        model = connect(server.url)
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            await ask(model)
        await model.close()
        monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file.pem")
        model = connect(server.url)
        with pytest.raises(Unreachable, match="No such file"):
            await ask(model)
        await model.close()
        with authority.cert_pem.tempfile() as file:
            monkeypatch.setenv("SSL_CERT_FILE", file)
            model = connect(server.url)
            assert await ask(model) == [TextChunk("word "), Done("end")]
            await model.close()


HTML = b"<!doctype html><html><body>Sign in to the hotel network</body></html>"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (fixed(HTML, kind="text/html"), BadReply),
        (fixed(HTML, kind="text/event-stream"), BadReply),
        (fixed(HTML, kind="application/json"), BadReply),
        (fixed(b"", kind="text/event-stream"), CutStream),
        (fixed(b'{"choices": []}'), BadReply),
        (fixed(b'{"object": "error", "message": "overloaded", "code": 503}'), Overloaded),
        (fixed(b"", status="302 Found", extra="Location: https://other.example/x\r\n"), BadReply),
        (fixed(HTML, status="502 Bad Gateway", kind="text/html"), Overloaded),
        (fixed(HTML, status="404 Not Found", kind="text/html"), UnknownModel),
        (fixed(b"", status="429 Too Many Requests"), RateLimited),
        (fixed(b"\xff\xfe\x00", status="500 Oops"), Overloaded),
        (fixed(b"not gzip", extra="Content-Encoding: gzip\r\n", kind="text/event-stream"), BadReply),
        (fixed(b"not gzip", extra="Content-Encoding: gzip\r\n", status="401 Unauthorized"), RefusedKey),
    ],
)
async def test_answers_of_another_kind(answer: Answer, kind: type[ProviderError]) -> None:
    error = await outcome(answer)
    assert type(error) is kind
    assert error.provider == "acme"
    assert "hotel" not in error.message


async def test_a_whole_answer_to_a_request_for_a_stream_is_an_answer() -> None:
    value = {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}
    assert await outcome(fixed(json.dumps(value).encode())) == [TextChunk("whole"), Done("end")]
    assert await outcome(fixed(json.dumps(value).encode()), stream=False) == [TextChunk("whole"), Done("end")]


async def test_a_stream_without_its_content_type_and_a_compressed_one_are_answers() -> None:
    body = WORD + STOP + END
    assert await outcome(fixed(body, kind="text/plain")) == [TextChunk("word "), Done("end")]
    packed = fixed(gzip.compress(body), kind="text/event-stream", extra="Content-Encoding: gzip\r\n")
    assert await outcome(packed) == [TextChunk("word "), Done("end")]


@pytest.mark.parametrize("key", ["sk-“quoted”", "two\nlines", "ключ"])
async def test_a_key_that_no_header_can_hold(key: str) -> None:
    model = openai.model(build_target("acme", "m", "http://127.0.0.1:1", api_key=key, key_variable="ACME_KEY"))
    with pytest.raises(RefusedKey) as caught:
        await ask(model)
    assert "ACME_KEY" in caught.value.hint
    assert key not in caught.value.message
    assert caught.value.__suppress_context__
    await model.close()


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "404 No", "429 Slow", "500 Oops"])
async def test_a_key_that_the_service_echoes_is_not_shown(status: str) -> None:
    body = json.dumps({"error": {"message": f"Bad key {KEY} in Bearer {KEY}, masked sk-te***cdef"}}).encode()
    error = await outcome(fixed(body, status=status), headers={"X-Api-Key": "another-secret"})
    assert isinstance(error, ProviderError)
    for text in (error.message, error.hint, repr(error)):
        assert "sk-te" not in text
        assert "secret" not in text


async def test_the_ledger_knows_purpose_and_size() -> None:
    async with serve(streamed(WORD, STOP, END)) as server:
        model = connect(server.url)
        await ask(model, Request([user("hi")], purpose="title"))
        await model.close()
        transfer = ledger.transfers[-1]
        assert transfer.bytes_sent == len(server.peers[0].request)
    assert (transfer.purpose, transfer.status, transfer.error) == ("title", 200, "")
    assert transfer.bytes_received > len(WORD + STOP + END)


async def test_closing_twice_or_unused_is_harmless() -> None:
    model = connect("http://127.0.0.1:1")
    await model.close()
    await model.close()


@pytest.fixture
def unused_tcp_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


OFFLINE = """
import asyncio
from ally.egress import offline
from ally.errors import OfflineRefused
from ally.messages import user
from ally.providers.model import Request
from ally.providers.wire import openai
from ally.providers.wire.options import build_target

async def main():
    for url in ("https://service.example/v1", "http://gpu:8000/v1", "http://x.localhost/v1"):
        model = openai.model(build_target("acme", "m", url, api_key="k"))
        try:
            async for _ in model.stream(Request([user("hi")])):
                pass
        except OfflineRefused as error:
            print(error.destination, error.provider, error.model, error.retryable)
        await model.close()

offline.enable()
asyncio.run(main())
"""


def test_offline_mode_refuses_a_model_elsewhere() -> None:
    done = subprocess.run([sys.executable, "-c", OFFLINE], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.splitlines() == [
        "service.example:443 acme m False",
        "gpu:8000 acme m False",
        "x.localhost acme m False",
    ], done.stderr
