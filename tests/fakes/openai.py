"""OpenAI's chat completions, as the service and the many that copy it speak them."""

from collections.abc import Iterator
from typing import Any, Literal

from tests.fakes.auto import Asked, Tool
from tests.fakes.base import Chat, Event, Fake, Invalid, Problem, sse
from tests.fakes.openai_rules import check, content_text
from tests.fakes.reply import Failure, Reply, pieces
from tests.fakes.requests import bearer, decode
from tests.fakes.server import Exchange
from tests.fakes.spelling import spell

CREATED = 1_790_000_000
FINISH = {
    "end": "stop",
    "tool_calls": "tool_calls",
    "length": "length",
    "stop_sequence": "stop",
    "refused": "content_filter",
}


class FakeOpenAI(Fake):
    """`/v1/chat/completions` and `/v1/models`.

    `reasoning` says where thinking goes: a field of the delta, `think_tags` in the content, or nowhere. `lenient`
    accepts fields that OpenAI's own service refuses, as compatible services do.
    """

    models = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-5", "o3", "gpt-5.6-luna", "gpt-6-sol", "gpt-6-luna")
    reasoning: Literal["reasoning_content", "reasoning", "think_tags", "none"] = "reasoning_content"
    lenient = False

    @property
    def base_url(self) -> str:
        return self.url + "/v1"

    def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        try:
            if self.key is not None and bearer(request) != self.key:
                raise Invalid(f"Incorrect API key provided: {_masked(bearer(request))}.", kind="auth")
            match (request.method, request.path):  # the many services have this under different prefixes
                case ("POST", path) if path.endswith("/chat/completions"):
                    self.answer(exchange, self._chat(exchange))
                case ("GET", path) if path.endswith("/models"):
                    exchange.send_json(
                        200, {"object": "list", "data": [self._model(name) for name in self.models if name != "*"]}
                    )
                case ("GET", path) if "/models/" in path:
                    exchange.send_json(200, self._model(self._known(path.partition("/models/")[2])))
                case _:
                    raise Invalid(f"Invalid URL ({request.method} {request.path})", kind="not_found")
        except Invalid as exc:
            problem = self.refusal(exc)
            exchange.send_json(problem.status, problem.body, problem.headers)

    def refusal(self, exc: Invalid) -> Problem:
        """The error answer to a request that is not accepted."""
        status = {"auth": 401, "unknown_model": 404, "not_found": 404}.get(exc.kind, 400)
        code = {"auth": "invalid_api_key", "unknown_model": "model_not_found"}.get(exc.kind, exc.code or None)
        return Problem(status, _error(exc.message, "invalid_request_error", code, exc.param), {})

    def problem(self, failure: Failure) -> Problem:
        status, kind, code, message = _PROBLEMS[failure.kind]
        headers = {"x-request-id": self.next_id("req_")}
        if failure.retry_after_s is not None:
            headers["retry-after"] = f"{failure.retry_after_s:g}"
        return Problem(failure.status or status, _error(failure.message or message, kind, code), headers)

    def error_event(self, failure: Failure) -> bytes:
        return sse(self.problem(failure).body)

    def events(self, chat: Chat, reply: Reply) -> list[Event]:
        return list(self._events(chat, reply))

    def whole(self, chat: Chat, reply: Reply) -> Any:
        message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
        if not reply.tool_calls:
            message["content"] = reply.text
        if reply.thinking:
            self.add_thinking(message, reply, chat)
        if reply.tool_calls:
            message["tool_calls"] = [
                {"id": self.next_id("call_"), "type": "function", "function": {"name": name, "arguments": spell(args)}}
                for name, args in reply.tool_calls
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH[reply.stop_reason]}
        return {
            "id": self.next_id("chatcmpl-"),
            "object": "chat.completion",
            "created": CREATED,
            "model": chat.model,
            "choices": [choice],
            "usage": usage(reply),
            "system_fingerprint": "fp_fake",
        }

    def add_thinking(self, message: dict[str, Any], reply: Reply, chat: Chat) -> None:
        """Put the thinking into a whole message."""
        if self.reasoning == "think_tags":
            message["content"] = f"<think>\n{reply.thinking}\n</think>\n\n{message['content'] or ''}"
        elif self.reasoning != "none":
            message[self.reasoning] = reply.thinking

    def thinking_deltas(self, chat: Chat, reply: Reply) -> Iterator[dict[str, Any]]:
        """The deltas that carry the thinking."""
        if self.reasoning == "think_tags":
            tagged = f"<think>\n{reply.thinking}\n</think>\n\n"
            yield from ({"content": part} for part in pieces(tagged, reply.piece_chars))
        elif self.reasoning != "none":
            yield from ({self.reasoning: part} for part in pieces(reply.thinking, reply.piece_chars))

    def chunk(self, ident: str, model: str, **fields: Any) -> dict[str, Any]:
        """One chunk of a stream."""
        base = {"id": ident, "object": "chat.completion.chunk", "created": CREATED, "model": model}
        return {**base, "system_fingerprint": "fp_fake", **fields}

    def asked(self, body: dict[str, Any]) -> Asked:
        """The request in no vendor's format."""
        return to_asked(body)

    def _events(self, chat: Chat, reply: Reply) -> Iterator[Event]:
        ident = self.next_id("chatcmpl-")
        with_usage = (chat.body.get("stream_options") or {}).get("include_usage", False)
        pending = {"usage": None} if with_usage else {}

        def delta(change: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": change, "logprobs": None, "finish_reason": finish}
            return sse(self.chunk(ident, chat.model, choices=[choice], **pending))

        yield Event("start", delta({"role": "assistant", "content": "", "refusal": None}))
        if reply.thinking:
            for change in self.thinking_deltas(chat, reply):
                yield Event("thinking", delta(change))
        for part in pieces(reply.text, reply.piece_chars):
            yield Event("text", delta({"content": part}))
        for index, (name, args) in enumerate(reply.tool_calls):
            call = {"index": index, "id": self.next_id("call_"), "type": "function"}
            yield Event("call", delta({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]}))
            for part in pieces(spell(args), reply.piece_chars):
                yield Event("arguments", delta({"tool_calls": [{"index": index, "function": {"arguments": part}}]}))
        yield Event("finish", delta({}, FINISH[reply.stop_reason]))
        if with_usage:
            yield Event("finish", sse(self.chunk(ident, chat.model, choices=[], usage=usage(reply))))
        yield Event("finish", b"data: [DONE]\n\n")

    def _chat(self, exchange: Exchange) -> Chat:
        body = decode(exchange.request, "We could not parse the JSON body of your request.")
        model = self._known(body.get("model"))
        self.check(body)
        return Chat(model, bool(body.get("stream")), self.asked(body), body)

    def check(self, body: dict[str, Any]) -> None:
        """Raise `Invalid` for what the service refuses."""
        check(body, lenient=self.lenient)

    def _known(self, model: Any) -> str:
        if not isinstance(model, str) or not model:
            raise Invalid("you must provide a model parameter")
        if not self.has(model):
            text = f"The model `{model}` does not exist or you do not have access to it."
            raise Invalid(text, kind="unknown_model")
        return model

    def _model(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": CREATED, "owned_by": "fake"}


def usage(reply: Reply) -> dict[str, Any] | None:
    """The usage block of a reply."""
    if reply.usage is None:
        return None
    return {
        "prompt_tokens": reply.usage.input,
        "completion_tokens": reply.usage.output,
        "total_tokens": reply.usage.input + reply.usage.output,
        "prompt_tokens_details": {"cached_tokens": reply.usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def to_asked(body: dict[str, Any]) -> Asked:
    """What a chat completions request asks for."""
    messages = body["messages"]
    users = [message for message in messages if message["role"] == "user"]
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, content_text(message["content"]))
    choice = body.get("tool_choice", "auto")
    form = body.get("response_format") or {}
    schema = {"json_object": {}, "json_schema": form.get("json_schema", {}).get("schema", {})}.get(form.get("type", ""))
    content = users[-1]["content"] if users else ""
    stops = body.get("stop") or ()
    return Asked(
        prompt=content_text(content),
        results=results,
        tools=[Tool(t["function"]["name"], t["function"].get("parameters", {})) for t in body.get("tools") or ()],
        tool_choice=choice["function"]["name"] if isinstance(choice, dict) else choice,
        schema=schema,
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        images=0 if isinstance(content, str) else sum(part["type"] == "image_url" for part in content),
        all_text="".join(content_text(message.get("content")) for message in messages),
        stops=[stops] if isinstance(stops, str) else stops,
    )


def _masked(key: str) -> str:
    return key if len(key) < 12 else f"{key[:7]}{'*' * (len(key) - 11)}{key[-4:]}"


def _error(message: str, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


_PROBLEMS = {
    "auth": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "permission": (403, "invalid_request_error", "unsupported_country_region_territory", "Country not supported."),
    "unknown_model": (404, "invalid_request_error", "model_not_found", "The model does not exist."),
    "rate_limit": (429, "requests", "rate_limit_exceeded", "Rate limit reached for requests per min (RPM)."),
    "quota": (
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan.",
    ),
    "overloaded": (503, "server_error", None, "The engine is currently overloaded, please try again later."),
    "server": (500, "server_error", None, "The server had an error while processing your request."),
    "context": (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130052 tokens. "
        "Please reduce the length of the messages.",
    ),
    "bad_request": (400, "invalid_request_error", None, "Invalid request."),
}
