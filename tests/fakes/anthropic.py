"""Anthropic's messages API."""

import hashlib
from collections.abc import Iterator
from typing import Any

from tests.fakes.anthropic_rules import check
from tests.fakes.auto import Asked, Tool, tokens
from tests.fakes.base import Chat, Event, Fake, Invalid, Problem, sse
from tests.fakes.reply import Failure, Reply, pieces
from tests.fakes.requests import bearer, decode
from tests.fakes.server import Exchange
from tests.fakes.spelling import as_object, spell

STOP = {
    "end": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "refused": "refusal",
}


class FakeAnthropic(Fake):
    """`/v1/messages`, `/v1/messages/count_tokens` and `/v1/models`.

    Thinking is signed; a signature that comes back with another text is refused, as the service does.
    """

    models = (
        "claude-sonnet-4-5-20250929",
        "claude-haiku-4-5",
        "claude-sonnet-4-5",
        "claude-sonnet-5-5",
        "claude-opus-5-5",
    )
    keep_alive = b'event: ping\ndata: {"type": "ping"}\n\n'

    def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        try:
            if self.key is not None and self.key not in (request.headers.get("x-api-key"), bearer(request)):
                raise Invalid("invalid x-api-key", kind="auth")
            if "anthropic-version" not in request.headers:
                raise Invalid("anthropic-version: header is required")
            match (request.method, "/v1" + request.path.partition("/v1")[2]):
                case ("GET", "/v1/models"):
                    exchange.send_json(200, self._list())
                case ("GET", path) if path.startswith("/v1/models/"):
                    exchange.send_json(200, _model(self._known(path.removeprefix("/v1/models/"))))
                case ("POST", "/v1/messages"):
                    self.answer(exchange, self._chat(exchange))
                case ("POST", "/v1/messages/count_tokens"):
                    body = decode(request, "The request body is not valid JSON")
                    exchange.send_json(200, {"input_tokens": tokens(str(body.get("messages")))})
                case _:
                    raise Invalid("Not Found", kind="unknown_model")
        except Invalid as exc:
            status, kind = {"auth": (401, "authentication_error"), "unknown_model": (404, "not_found_error")}.get(
                exc.kind, (400, "invalid_request_error")
            )
            exchange.send_json(status, self._error(kind, exc.message))

    def problem(self, failure: Failure) -> Problem:
        status, kind, message = _PROBLEMS[failure.kind]
        body = self._error(kind, failure.message or message)
        headers = {"request-id": body["request_id"]}
        if failure.retry_after_s is not None:
            headers["retry-after"] = f"{failure.retry_after_s:g}"
        return Problem(failure.status or status, body, headers)

    def error_event(self, failure: Failure) -> bytes:
        body = self.problem(failure).body
        return sse({"type": "error", "error": body["error"]}, "error")

    def whole(self, chat: Chat, reply: Reply) -> Any:
        content: list[dict[str, Any]] = []
        if reply.thinking:
            content.append({"type": "thinking", "thinking": reply.thinking, "signature": sign(reply.thinking)})
        if reply.text:
            content.append({"type": "text", "text": reply.text})
        for name, args in reply.tool_calls:
            content.append({"type": "tool_use", "id": self.next_id("toolu_"), "name": name, "input": as_object(args)})
        return self._message(chat, reply, content, STOP[reply.stop_reason], _usage(reply))

    def events(self, chat: Chat, reply: Reply) -> list[Event]:
        return list(self._events(chat, reply))

    def _events(self, chat: Chat, reply: Reply) -> Iterator[Event]:
        start = self._message(chat, reply, [], None, {**_usage(reply), "output_tokens": 1})
        yield Event("start", _event("message_start", message=start))
        yield Event("start", _event("ping"))
        index = 0
        if reply.thinking:
            yield from _thinking(index, reply)
            index += 1
        if reply.text:
            yield from _text(index, reply)
            index += 1
        for name, args in reply.tool_calls:
            yield from self._call(index, name, args, reply)
            index += 1
        stop = {"stop_reason": STOP[reply.stop_reason], "stop_sequence": None}
        yield Event("finish", _event("message_delta", delta=stop, usage=_usage(reply)))
        yield Event("finish", _event("message_stop"))

    def _call(self, index: int, name: str, args: dict[str, Any] | str, reply: Reply) -> Iterator[Event]:
        block = {"type": "tool_use", "id": self.next_id("toolu_"), "name": name, "input": {}}
        yield Event("call", _event("content_block_start", index=index, content_block=block))
        # The service opens every call with an empty piece, and sends nothing else for a call without arguments.
        for part in ["", *pieces("" if args == {} else spell(args), reply.piece_chars)]:
            delta = {"type": "input_json_delta", "partial_json": part}
            yield Event("arguments", _event("content_block_delta", index=index, delta=delta))
        yield Event("call", _event("content_block_stop", index=index))

    def _message(
        self, chat: Chat, reply: Reply, content: list[dict[str, Any]], stop: str | None, usage: dict[str, int]
    ) -> dict[str, Any]:
        ident = self.next_id("msg_")
        base = {"id": ident, "type": "message", "role": "assistant", "model": chat.model, "content": content}
        return {**base, "stop_reason": stop, "stop_sequence": None, "usage": usage}

    def _chat(self, exchange: Exchange) -> Chat:
        body = decode(exchange.request, "The request body is not valid JSON: no low surrogate in string")
        model = self._known(body.get("model"))
        check(body, sign)
        return Chat(model, bool(body.get("stream")), to_asked(body), body)

    def _known(self, model: Any) -> str:
        if not isinstance(model, str):
            raise Invalid("model: Field required")
        if not self.has(model):
            raise Invalid(f"model: {model}", kind="unknown_model")
        return model

    def _list(self) -> dict[str, Any]:
        data = [_model(name) for name in self.models if name != "*"]
        return {"data": data, "has_more": False, "first_id": self.models[0], "last_id": self.models[-1]}

    def _error(self, kind: str, message: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": self.next_id("req_")}


def sign(thinking: str) -> str:
    """The opaque proof of a thinking text."""
    return "sig" + hashlib.sha256(thinking.encode("utf-8", "surrogatepass")).hexdigest()


def text_of(content: Any) -> str:
    """The text of a message's or a result's content."""
    if isinstance(content, str):
        return content
    return "".join(block["text"] for block in content or () if block["type"] == "text")


def to_asked(body: dict[str, Any]) -> Asked:
    """What a messages request asks for."""
    messages = body["messages"]
    users = [message for message in messages if message["role"] == "user" and text_of(message["content"])]
    last = messages[-1]["content"]
    results = [text_of(block.get("content")) for block in _blocks(last) if block["type"] == "tool_result"]
    choice = body.get("tool_choice") or {"type": "auto"}
    form = (body.get("output_config") or {}).get("format") or body.get("output_format")
    return Asked(
        prompt=text_of(users[-1]["content"]) if users else "",
        results=results,
        tools=[Tool(tool["name"], tool["input_schema"]) for tool in body.get("tools") or ()],
        tool_choice={"any": "required", "tool": choice.get("name", "")}.get(choice["type"], choice["type"]),
        schema=form["schema"] if form else None,
        max_tokens=body["max_tokens"],
        images=sum(block["type"] == "image" for block in _blocks(last)),
        all_text=text_of(body.get("system")) + "".join(text_of(message["content"]) for message in messages),
        thinking=(body.get("thinking") or {}).get("type") in {"enabled", "adaptive"},
        stops=body.get("stop_sequences") or (),
    )


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [] if isinstance(content, str) else content


def _thinking(index: int, reply: Reply) -> Iterator[Event]:
    block = {"type": "thinking", "thinking": "", "signature": ""}
    yield Event("thinking", _event("content_block_start", index=index, content_block=block))
    for part in pieces(reply.thinking, reply.piece_chars):
        delta = {"type": "thinking_delta", "thinking": part}
        yield Event("thinking", _event("content_block_delta", index=index, delta=delta))
    delta = {"type": "signature_delta", "signature": sign(reply.thinking)}
    yield Event("thinking", _event("content_block_delta", index=index, delta=delta))
    yield Event("thinking", _event("content_block_stop", index=index))


def _text(index: int, reply: Reply) -> Iterator[Event]:
    yield Event("start", _event("content_block_start", index=index, content_block={"type": "text", "text": ""}))
    for part in pieces(reply.text, reply.piece_chars):
        delta = {"type": "text_delta", "text": part}
        yield Event("text", _event("content_block_delta", index=index, delta=delta))
    # Marked as the place before the finish mark, so that a cut there leaves the block open.
    yield Event("start", _event("content_block_stop", index=index))


def _usage(reply: Reply) -> dict[str, int]:
    if reply.usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    return {
        "input_tokens": reply.usage.input - reply.usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.usage.cached,
        "output_tokens": reply.usage.output,
    }


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)


def _model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2025-09-29T00:00:00Z"}


_PROBLEMS = {
    "auth": (401, "authentication_error", "invalid x-api-key"),
    "permission": (403, "permission_error", "Your API key does not have permission to use the specified resource."),
    "unknown_model": (404, "not_found_error", "model: unknown"),
    "rate_limit": (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    "quota": (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "server": (500, "api_error", "Internal server error"),
    "context": (400, "invalid_request_error", "prompt is too long: 210443 tokens > 200000 maximum"),
    "bad_request": (400, "invalid_request_error", "messages: at least one message is required"),
}
