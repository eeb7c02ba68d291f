import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ally.errors import BadReply, IdleStream, Overloaded
from ally.messages import Image, Text, UserMessage, assistant, user
from ally.providers.model import Chunk, Done, Model, Request, TextChunk, Usage
from ally.providers.wire import replicate
from ally.providers.wire.options import build_target
from tests.unit.providers.wire.raw_server import Peer, fixed, serve
from tests.unit.providers.wire.samples import joined

ASK = Request([user("hi")])
EVENTS = b"event: output\nid: 1\ndata: Hel\n\nevent: output\ndata: lo\ndata: \n\n: x\n\nevent: done\ndata: {}\n\n"


def connect(url: str, model: str = "meta/llama", **options: Any) -> Model:
    return replicate.model(build_target("replicate", model, f"{url}/v1", api_key="r8-key", options=options))


async def ask(model: Model, request: Request = ASK) -> list[Chunk]:
    return [chunk async for chunk in model.stream(request)]


def prediction(peer: Peer, status: str, output: Any = None, *, stream: bool = False, **more: Any) -> bytes:
    host = next(line.split()[1].decode() for line in peer.request.split(b"\r\n") if line.lower().startswith(b"host"))
    urls = {"get": f"http://{host}/v1/predictions/p1", "cancel": f"http://{host}/v1/predictions/p1/cancel"}
    if stream:
        urls["stream"] = f"http://{host}/stream/p1"
    return json.dumps({"id": "p1", "status": status, "output": output, "urls": urls, **more}).encode()


class Service:
    """Answers the calls of one prediction in turn."""

    def __init__(self, *states: tuple[str, Any, dict[str, Any]], stream: bytes | None = None) -> None:
        self._states: Iterator[tuple[str, Any, dict[str, Any]]] = iter(states)
        self._stream = stream

    async def __call__(self, peer: Peer) -> None:
        if b" /stream/" in peer.request.splitlines()[0]:
            await fixed(self._stream or b"", kind="text/event-stream")(peer)
            return
        status, output, more = next(self._states)
        await fixed(prediction(peer, status, output, stream=self._stream is not None, **more), status="201 Created")(
            peer
        )


async def test_a_stream_is_followed_with_the_key() -> None:
    async with serve(Service(("starting", None, {}), stream=EVENTS)) as server:
        model = connect(server.url, max_tokens=9)
        assert joined(await ask(model)) == (TextChunk("Hello\n"), Done("end"))
        await model.close()
    create, follow = (peer.request for peer in server.peers)
    assert create.startswith(b"POST /v1/models/meta/llama/predictions ")
    assert json.loads(create.partition(b"\r\n\r\n")[2]) == {"stream": True, "input": {"max_tokens": 9, "prompt": "hi"}}
    assert b"authorization: bearer r8-key" in follow.lower()


async def test_a_version_is_named_in_the_body() -> None:
    async with serve(Service(("starting", None, {}), stream=EVENTS)) as server:
        model = connect(server.url, "meta/llama:abc123")
        await ask(model)
        await model.close()
    assert server.peers[0].request.startswith(b"POST /v1/predictions ")
    assert json.loads(server.peers[0].request.partition(b"\r\n\r\n")[2])["version"] == "abc123"


async def test_without_a_stream_the_prediction_is_looked_at_until_it_is_done() -> None:
    metrics = {"metrics": {"input_token_count": 4, "output_token_count": 2}}
    states = (("starting", None, {}), ("processing", ["Hel"], {}), ("succeeded", ["Hel", "lo"], metrics))
    async with serve(Service(*states)) as server:
        model = connect(server.url)
        assert await ask(model) == [TextChunk("Hel"), TextChunk("lo"), Done("end", Usage(4, 2, 0))]
        await model.close()


@pytest.mark.parametrize("output", ["Hello", ["Hel", "lo"], {"a": 1}, None])
async def test_every_shape_of_output_is_text(output: Any) -> None:
    async with serve(Service(("succeeded", output, {}))) as server:
        model = connect(server.url)
        expected = {"a": '{"a": 1}'} if isinstance(output, dict) else {"a": "Hello" if output else ""}
        assert "".join(chunk.text for chunk in await ask(model) if isinstance(chunk, TextChunk)) == expected["a"]
        await model.close()


async def test_failures_are_typed() -> None:
    cases: list[tuple[Service, type[Exception]]] = [
        (Service(("failed", None, {"error": "out of memory"})), Overloaded),
        (Service(("canceled", None, {})), Overloaded),
        (Service(("starting", None, {}), stream=b"event: error\ndata: boom\n\n"), Overloaded),
        (Service(("starting", None, {}), stream=b'event: done\ndata: {"reason": "canceled"}\n\n'), Overloaded),
        (Service(("starting", None, {"urls": {}})), BadReply),
    ]
    for service, kind in cases:
        async with serve(service) as server:
            model = connect(server.url)
            with pytest.raises(kind):
                await ask(model)
            await model.close()


async def test_a_prediction_that_never_moves_is_idle() -> None:
    async with serve(Service(*[("starting", None, {})] * 50)) as server:
        model = connect(server.url, idle_timeout_s=0.3)
        with pytest.raises(IdleStream):
            await ask(model)
        await model.close()


async def test_an_interrupted_prediction_is_cancelled_at_the_service() -> None:
    async with serve(Service(*[("starting", None, {})] * 50)) as server:
        model = connect(server.url)
        task = asyncio.create_task(ask(model))
        await asyncio.wait_for(server.asked.wait(), 5)
        await asyncio.sleep(0.15)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 0.3
        await model.close()
    assert server.peers[-1].request.startswith(b"POST /v1/predictions/p1/cancel ")


def test_the_key_goes_only_to_the_service_and_its_sister_hosts() -> None:
    target = build_target("replicate", "a/b", "https://api.replicate.com/v1", api_key="k")
    for url, goes in (
        ("https://api.replicate.com/v1/predictions/1", True),
        ("https://stream.replicate.com/v1/files/x", True),
        ("http://stream.replicate.com/v1/files/x", False),
        ("https://replicate.com.evil.example/x", False),
        ("https://evilreplicate.com/x", False),
    ):
        assert ("Authorization" in replicate.headers_for(target, url)) is goes
    local = build_target("replicate", "a/b", "http://127.0.0.1:1/v1", api_key="k")
    assert "Authorization" not in replicate.headers_for(local, "http://127.0.0.1:2/v1")


def test_a_conversation_becomes_one_prompt() -> None:
    assert replicate.render(Request([user("hi")])) == "hi"
    messages = [user("hi"), assistant("hello"), UserMessage((Text("look"), Image(b"x", "image/png")))]
    assert replicate.render(Request(messages, system="Be brief.")) == (
        "Be brief.\n\nUser: hi\n\nAssistant: hello\n\nUser: look\n\n[an image that this model cannot see]\n\nAssistant:"
    )
    assert "JSON Schema" in replicate.render(Request([user("hi")], json_schema={"type": "object"}))


def test_it_claims_neither_tools_nor_pictures() -> None:
    profile = connect("http://127.0.0.1:1").profile
    assert (profile.tools, profile.images) == (False, False)
