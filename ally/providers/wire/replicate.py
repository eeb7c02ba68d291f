"""Replicate's predictions as a completion model.

Source: Replicate HTTP API reference, "Create a prediction", "Get a prediction", "Streaming output".
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import cast
from urllib.parse import urlsplit

from ally.egress.failures.faults import Faults, Hints
from ally.errors import IdleStream
from ally.messages import AssistantMessage, Image, JsonObject, Message, Text, ToolMessage, UserMessage
from ally.providers.model import Chunk, Model, Profile, Request, Usage
from ally.providers.wire.answer import Answer
from ally.providers.wire.calls import UNSEEN_IMAGE, call_args, find_calls, result_text
from ally.providers.wire.client import profile_of
from ally.providers.wire.connection import FAILURES, Call, Connection, to_json
from ally.providers.wire.fields import count, decode, obj, text
from ally.providers.wire.framing import read_sse
from ally.providers.wire.schema import in_words
from ally.providers.wire.target import Target

_POLL_S = (0.1, 0.2, 0.5, 1.0)
_CANCEL_S = 0.2
_OK = (200, 201, 202)


def model(target: Target) -> Model:
    """The model `owner/name` or `owner/name:version` at `target`."""
    return ReplicateModel(target)


class ReplicateModel:
    """Each call makes a prediction and follows its stream, or looks at it until it is done if it has none."""

    def __init__(self, target: Target) -> None:
        # It completes a text: there are neither tools nor pictures.
        self._target = replace(target, quirks=replace(target.quirks, tools=False, images=False))
        self._faults = Faults(target, Hints())
        self._connection = Connection(target, self._faults)

    @property
    def profile(self) -> Profile:
        """What is known of the model."""
        return profile_of(self._target)

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Send `request` and yield the answer."""
        answer = Answer(request, self._faults)
        async with aclosing(self._receive(request, answer)) as chunks:
            async for chunk in chunks:
                yield chunk
        for chunk in answer.end():
            yield chunk

    async def close(self) -> None:
        """Give back connections; the model is not used afterwards."""
        await self._connection.close()

    async def _receive(self, request: Request, answer: Answer) -> AsyncGenerator[Chunk]:
        prediction: JsonObject = {}
        with self._connection.translated(lambda: bool(prediction), lambda: answer.reason is not None):
            try:
                prediction = await self._exchange(write_call(self._target, request), request.purpose)
                address = text(obj(prediction, "urls"), "stream") if self._target.streaming else ""
                follow = self._follow(address, request, answer) if address else self._poll(prediction, request, answer)
                async with aclosing(follow) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except (asyncio.CancelledError, GeneratorExit):
                await self._cancel(prediction, request.purpose)
                raise

    async def _exchange(self, call: Call, purpose: str) -> JsonObject:
        response = await self._connection.send(call, purpose)
        try:
            if response.status_code not in _OK:
                raise await self._connection.refusal(response)
            return decode(await self._connection.read(response), self._faults)
        finally:
            await response.aclose()

    async def _follow(self, address: str, request: Request, answer: Answer) -> AsyncGenerator[Chunk]:
        headers = {**headers_for(self._target, address), "Accept": "text/event-stream", "Cache-Control": "no-store"}
        response = await self._connection.send(Call(address, headers, method="GET"), request.purpose)
        try:
            if response.status_code not in _OK:
                raise await self._connection.refusal(response)
            async with aclosing(read_sse(response)) as events:
                async for event, data in events:
                    if event == "output":
                        for chunk in answer.text(data) if data else []:
                            yield chunk
                    elif event == "error":
                        raise self._faults.from_event(_error_of(data))
                    elif event == "done":
                        self._finish(_error_of(data), answer)
                        return
        finally:
            await response.aclose()

    def _finish(self, value: object, answer: Answer) -> None:
        reason = text(cast("JsonObject", value), "reason") if isinstance(value, dict) else ""
        if reason:
            raise self._faults.from_event({"error": f"the prediction ended early: {reason}"})
        answer.reason = "end"

    async def _poll(self, prediction: JsonObject, request: Request, answer: Answer) -> AsyncGenerator[Chunk]:
        seen, looks, changed_at = "", 0, time.monotonic()
        while True:
            output = _output_text(prediction.get("output"))
            if output != seen:
                for chunk in answer.text(output[len(seen) :]):
                    yield chunk
                seen, changed_at = output, time.monotonic()
            status = text(prediction, "status")
            if status == "succeeded":
                metrics = obj(prediction, "metrics")
                if metrics.get("output_token_count") is not None:
                    answer.usage = Usage(count(metrics, "input_token_count"), count(metrics, "output_token_count"))
                answer.reason = "end"
                return
            if status in ("failed", "canceled", "aborted"):
                raise self._faults.from_event({"error": text(prediction, "error") or f"the prediction is {status}"})
            if time.monotonic() - changed_at > self._target.idle_timeout_s:
                raise IdleStream(self._target.idle_timeout_s, provider=self._target.provider, model=self._target.model)
            await asyncio.sleep(_POLL_S[min(looks, len(_POLL_S) - 1)])
            looks += 1
            address = text(obj(prediction, "urls"), "get")
            if not address:
                raise self._faults.bad_reply("sent a prediction without an address")
            prediction = await self._exchange(
                Call(address, headers_for(self._target, address), method="GET"), request.purpose
            )

    async def _cancel(self, prediction: JsonObject, purpose: str) -> None:
        """Ask the service to stop, since a prediction goes on, and costs, without a reader."""
        address = text(obj(prediction, "urls"), "cancel")
        if not address:
            return
        with suppress(TimeoutError, *FAILURES):
            async with asyncio.timeout(_CANCEL_S):
                response = await self._connection.send(Call(address, headers_for(self._target, address)), purpose)
                await response.aclose()


def write_call(target: Target, request: Request) -> Call:
    """The request that makes a prediction."""
    owner_and_name, _, version = target.model.partition(":")
    fields: JsonObject = {**target.options}
    if target.temperature is not None and target.quirks.temperature:
        fields["temperature"] = target.temperature
    fields["prompt"] = render(request)
    body: JsonObject = {"version": version} if version else {}
    body |= {"stream": target.streaming, "input": fields}
    place = "predictions" if version else f"models/{owner_and_name}/predictions"
    url = f"{target.base_url}/{place}"
    return Call(url, {"Content-Type": "application/json", **headers_for(target, url)}, to_json(body))


def render(request: Request) -> str:
    """The conversation as one text to go on with."""
    system = request.system
    if request.json_schema is not None:
        system = f"{system}\n\n{in_words(request.json_schema)}".strip()
    turns = [turn for message in request.messages for turn in _turns(message)]
    if not system and len(turns) == 1 and turns[0].startswith("User: "):
        return turns[0].removeprefix("User: ")
    return "\n\n".join([*([system] if system else []), *turns, "Assistant:"])


def _turns(message: Message) -> list[str]:
    match message:
        case UserMessage():
            return [f"User: {_said(message.parts)}"]
        case AssistantMessage():
            calls = [f"[called {call.name} with {json.dumps(call_args(call))}]" for call in find_calls(message)]
            said = "\n".join(filter(None, [message.text, *calls]))
            return [f"Assistant: {said}"] if said else []
        case ToolMessage():
            return [f"Tool: {result_text(result, images=False)}" for result in message.results]


def _said(parts: Sequence[Text | Image]) -> str:
    return "\n\n".join(part.text if isinstance(part, Text) else UNSEEN_IMAGE for part in parts)


def headers_for(target: Target, url: str) -> dict[str, str]:
    """The headers of a call to `url`; the key goes along only to the service it was given for."""
    if not _is_same_service(url, target.base_url):
        return {}
    key = {"Authorization": f"Bearer {target.api_key}"} if target.api_key else {}
    return {**key, **target.headers}


def _is_same_service(url: str, base_url: str) -> bool:
    """Whether both are one origin, or https hosts under one domain (streams come from a sister host)."""
    one, other = urlsplit(url), urlsplit(base_url)
    if (one.scheme, one.netloc) == (other.scheme, other.netloc):
        return True
    if one.scheme != "https" or other.scheme != "https" or one.hostname is None or other.hostname is None:
        return False
    domain = ".".join(other.hostname.split(".")[-2:])
    return domain.count(".") == 1 and not domain[-1].isdigit() and one.hostname.endswith(f".{domain}")


def _error_of(data: str) -> object:
    try:
        return cast("object", json.loads(data))
    except (ValueError, RecursionError):
        return {"error": data}


def _output_text(output: object) -> str:
    if isinstance(output, list):
        return "".join(str(part) for part in cast("list[object]", output))
    return output if isinstance(output, str) else "" if output is None else json.dumps(output, ensure_ascii=False)
