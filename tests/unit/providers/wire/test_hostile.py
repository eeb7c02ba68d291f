"""A server that wants to exhaust memory or time: a typed error, soon, and little memory."""

import contextlib
import gzip
import json
import time
import tracemalloc
import zlib
from functools import cache

import pytest

from ally.errors import BadReply, ProviderError
from ally.messages import user
from ally.providers.model import Chunk, Request
from ally.providers.wire import anthropic, gemini, ollama, openai
from ally.providers.wire.options import build_target
from tests.unit.providers.wire.raw_server import Answer, Peer, fixed, serve

ASK = Request([user("hi")])
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
MODELS = {"openai": openai.model, "anthropic": anthropic.model, "gemini": gemini.model, "ollama": ollama.model}


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


async def ask(answer: Answer, wire: str = "openai") -> list[Chunk] | ProviderError:
    async with serve(answer) as server:
        model = MODELS[wire](build_target("acme", "m", f"{server.url}/v1", api_key="sk-0123456789"))
        try:
            return [chunk async for chunk in model.stream(ASK)]
        except ProviderError as error:
            return error
        finally:
            await model.close()


@cache
def packed_spaces(megabytes: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return b"".join([*(packer.compress(b" " * 1_000_000) for _ in range(megabytes)), packer.flush()])


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
async def test_a_few_packed_bytes_do_not_become_gigabytes(status: str, kind: str) -> None:
    packed = packed_spaces(300)
    twice = gzip.compress(packed)
    tracemalloc.start()
    try:
        for name, body in (("gzip", packed), ("gzip, gzip", twice)):
            answer = fixed(body, status=status, kind=kind, extra=f"Content-Encoding: {name}\r\n")
            assert isinstance(await ask(answer), ProviderError)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


async def test_an_endless_answer_of_small_events_is_cut_off() -> None:
    async def endless(peer: Peer) -> None:
        await peer.send(HEAD)
        with contextlib.suppress(ConnectionError):
            for _ in range(300):
                await peer.send(b":" + b" " * 999_998 + b"\n")

    assert isinstance(await ask(endless), BadReply)


CALLS = {
    "openai": {"choices": [{"delta": {"tool_calls": [{"id": f"c{n}"} for n in range(5000)]}}]},
    "ollama": {"message": {"tool_calls": [{"function": {"name": "f", "arguments": {"n": n}}} for n in range(5000)]}},
    "gemini": {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}] * 5000}}]},
}


@pytest.mark.parametrize("wire", CALLS)
async def test_thousands_of_calls_in_one_answer_are_refused_soon(wire: str) -> None:
    body = json.dumps(CALLS[wire]).encode() + b"\n" if wire == "ollama" else event(CALLS[wire])
    begun = time.monotonic()
    error = await ask(fixed(body, kind="application/x-ndjson" if wire == "ollama" else "text/event-stream"), wire)
    assert isinstance(error, BadReply)
    assert "1000 tools" in error.message
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_calls_that_come_one_by_one_for_ever_are_refused(wire: str) -> None:
    pieces: list[object] = []
    for n in range(1200):
        if wire == "openai":
            call = {"index": 0, "id": f"c{n}", "function": {"name": "f", "arguments": "{}"}}
            pieces.append({"choices": [{"delta": {"tool_calls": [call]}}]})
        else:
            block = {"type": "tool_use", "id": f"c{n}", "name": "f", "input": {}}
            pieces.append({"type": "content_block_start", "index": n, "content_block": block})
    error = await ask(fixed(b"".join(map(event, pieces)), kind="text/event-stream"), wire)
    assert isinstance(error, BadReply)
