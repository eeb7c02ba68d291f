import json
from typing import Any

from ally.messages import AssistantMessage, ToolCall, ToolMessage, ToolResult, user
from ally.providers.builtin.openai import OpenAIProvider
from ally.providers.compatible import CompatibleProvider, load_presets
from ally.providers.model import Chunk, Done, Model, Request, TextChunk, ToolSpec
from tests.fakes import KEY
from tests.fakes.server import Exchange, Recorded, Server

CLOCK = ToolSpec("clock", "The time.", {"type": "object", "properties": {"zone": {"type": "string"}}})


async def all_chunks(model: Model, request: Request) -> list[Chunk]:
    return [chunk async for chunk in model.stream(request)]


async def use_the_clock(model: Model) -> None:
    question = user("What time is it?")
    first = await all_chunks(model, Request([question], tools=[CLOCK]))
    call = next(chunk for chunk in first if isinstance(chunk, ToolCall))
    assert (call.name, call.args) == ("clock", {"zone": "UTC"})
    history = [question, AssistantMessage((call,)), ToolMessage((ToolResult(call.id, "12:00"),))]
    second = await all_chunks(model, Request(history, tools=[CLOCK]))
    assert "".join(chunk.text for chunk in second if isinstance(chunk, TextChunk)) == "It is noon."
    assert isinstance(second[-1], Done)
    assert second[-1].stop_reason == "end"
    assert second[-1].usage is not None
    assert second[-1].usage.cached_input_tokens == 2
    await model.close()


async def test_tools_run_with_a_model_that_takes_them_only_over_the_responses_api() -> None:
    with FakeResponses() as fake:
        model = OpenAIProvider().create_model("gpt-6-astra", 0.5, KEY, base_url=fake.url + "/v1")
        await use_the_clock(model)
        assert [call.path for call in fake.calls] == ["/v1/responses"] * 2
        for call in fake.calls:
            assert call.headers["authorization"] == f"Bearer {KEY}"
            assert call.json["store"] is False
            assert "temperature" not in call.json


async def test_perplexity_is_asked_over_its_agent_api() -> None:
    with FakeResponses() as fake:
        provider = CompatibleProvider(load_presets()["perplexity"])
        await use_the_clock(provider.create_model("perplexity/sonar", 0.5, KEY, base_url=fake.url + "/v1"))
        allowed = {"model", "input", "stream", "tools", "preset"}
        assert all(set(call.json) <= allowed for call in fake.calls)
        assert fake.calls[0].json["preset"] == "low"


class FakeResponses(Server):
    """Just enough of the Responses API: one tool call, then, given its result, an answer."""

    def __init__(self) -> None:
        self.calls: list[Recorded] = []
        super().__init__()

    def handle(self, exchange: Exchange) -> None:
        if exchange.request.method == "GET":  # what it has is asked of every server on this machine
            exchange.send(404, b"not found", "text/plain")
            return
        self.calls.append(exchange.request)
        body = exchange.request.json
        has_result = any(item.get("type") == "function_call_output" for item in body["input"])
        response = {
            **{"id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "model": body["model"]},
            **{"output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": []},
        }
        exchange.open_body(200, "text/event-stream", chunked=True, headers={})
        send(exchange, 0, "response.created", response=response)
        item = answer(exchange) if has_result else tool_call(exchange)
        details = {"input_tokens_details": {"cached_tokens": 2}, "output_tokens_details": {"reasoning_tokens": 0}}
        usage = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8, **details}
        done = {**response, "status": "completed", "output": [item], "usage": usage}
        send(exchange, 9, "response.completed", response=done)
        exchange.end_body()


def tool_call(exchange: Exchange) -> dict[str, Any]:
    item = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "clock", "arguments": ""}
    send(exchange, 1, "response.output_item.added", output_index=0, item=item)
    for number, piece in enumerate(('{"zone": ', '"UTC"}'), 2):
        name = "response.function_call_arguments.delta"
        send(exchange, number, name, item_id="fc_1", output_index=0, delta=piece)
    item = {**item, "arguments": '{"zone": "UTC"}', "status": "completed"}
    send(exchange, 4, "response.output_item.done", output_index=0, item=item)
    return item


def answer(exchange: Exchange) -> dict[str, Any]:
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    send(exchange, 1, "response.output_item.added", output_index=0, item=item)
    send(exchange, 2, "response.content_part.added", **where, part=part)
    for number, piece in enumerate(("It is ", "noon."), 3):
        send(exchange, number, "response.output_text.delta", **where, delta=piece)
    item = {**item, "status": "completed", "content": [{**part, "text": "It is noon."}]}
    send(exchange, 5, "response.output_item.done", output_index=0, item=item)
    return item


def send(exchange: Exchange, number: int, kind: str, **fields: Any) -> None:
    data = json.dumps({"type": kind, "sequence_number": number, **fields})
    exchange.write_body(f"event: {kind}\ndata: {data}\n\n".encode())
